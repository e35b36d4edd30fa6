"""`layerctl check` as people and machines use it: formats, exit codes, sources of content, and AWS."""

import io
import json
import zipfile

import jsonschema
import pytest

from layerctl.__main__ import main
from layerctl.check.contents import Sources
from layerctl.check.fetch import Fetcher
from layerctl.check.given import find_templates
from layerctl.check.report import check_templates
from layerctl.core.errors import LayerctlError

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:{}"


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """A cache and a working folder of the test's own, and no region of the user's."""
    monkeypatch.setenv("LAYERCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


def _template(folder, layers, *, name="template.yaml", function="Function", runtime="python3.13", more=""):
    folder.mkdir(exist_ok=True)
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "app.py").write_text("handler = dict\n", "utf-8")
    path = folder / name
    path.write_text(
        f"""\
Transform: AWS::Serverless-2016-10-31
Resources:
  {function}:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: {runtime}
      CodeUri: code/
      Layers: {json.dumps(layers)}
{more}""",
        "utf-8",
    )
    return path


def _zip(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _run(capsys, *arguments):
    code = main(["check", *(str(argument) for argument in arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_exit_codes(tmp_path, capsys):
    """0 without errors, 1 with one (--strict: or a warning), 2 for an unreadable template."""
    clean, note = _template(tmp_path / "a", []), _template(tmp_path / "b", [ARN.format("x:1")])
    warned = _template(tmp_path / "c", [], runtime="python3.8")
    broken = tmp_path / "broken.yaml"
    broken.write_text("Resources: [\n", "utf-8")
    assert _run(capsys, "--offline", clean)[0] == 0
    assert _run(capsys, "--offline", note)[0] == 0
    assert _run(capsys, "--offline", warned)[0] == 0
    assert _run(capsys, "--offline", "--strict", warned)[0] == 1
    assert _run(capsys, "--offline", "--strict", note)[0] == 0
    code, out, err = _run(capsys, "--offline", broken, warned)
    assert code == 2
    assert f"{broken}:2" in out
    assert "runtime-deprecated" in out, "the other template is still checked"
    assert "Traceback" not in err


def test_formats(tmp_path, capsys):
    """JSON, SARIF (valid by what GitHub requires of it) and GitHub annotations say the same findings."""
    path = _template(tmp_path / "a", [ARN.format("x:1"), ARN.format("x:2")])
    _, out, _ = _run(capsys, "--offline", "--json", path)
    found = json.loads(out)
    assert [one["rule"] for one in found] == ["content-unknown", "content-unknown", "layer-duplicate"]
    assert all(one["line"] == 9 and one["column"] and one["hint"] for one in found)
    _, out, _ = _run(capsys, "--offline", "--format", "sarif", path)
    run = json.loads(out)["runs"][0]
    jsonschema.validate(
        [result["ruleId"] for result in run["results"]], {"items": {"enum": [one["rule"] for one in found]}}
    )
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} >= {"size-limit-update", "template-invalid"}
    _, out, _ = _run(capsys, "--offline", "--format", "github", path)
    assert out.count("::notice ") == 2
    assert out.count("::error ") == 1
    _, out, _ = _run(capsys, "--offline", path)
    assert "x:1 ?" in out
    assert "at least" in out


def test_one_finding_for_all_functions_of_a_cause(tmp_path):
    """What Globals brings to many functions is found once, with their names."""
    functions = "".join(
        f"  F{n}: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: code/}}}}\n" for n in range(5)
    )
    (tmp_path / "code").mkdir()
    (tmp_path / "t.yaml").write_text(
        f"Globals: {{Function: {{Runtime: python3.9, Layers: ['{ARN.format('a:1')}', '{ARN.format('a:2')}']}}}}\n"
        f"Resources:\n{functions}",
        "utf-8",
    )
    findings = check_templates(find_templates([tmp_path / "t.yaml"])).findings
    assert [finding.rule for finding in findings if finding.rule == "layer-duplicate"] == ["layer-duplicate"]
    assert [finding.rule for finding in findings if finding.rule == "runtime-deprecated"] == ["runtime-deprecated"]
    assert all(finding.message.startswith("F0, F1, F2 and 2 more: ") for finding in findings)


@pytest.mark.parametrize("name", ["shared", "shared:3", ARN.format("shared:3"), "123456789012:shared"])
def test_layer_by_name(tmp_path, capsys, name):
    """--layer takes a layer's name, its name with the version, and its ARN."""
    (tmp_path / "layer.zip").write_bytes(_zip({"python/botocore/__init__.py": ""}))
    path = _template(tmp_path / "a", [ARN.format("shared:3")])
    code, out, err = _run(capsys, "--quiet", "--offline", "--layer", f"{name}={tmp_path / 'layer.zip'}", path)
    assert (code, "sdk-partial" in out, err) == (1, True, "")


def test_dist_is_looked_into(tmp_path, capsys):
    """The newest artifact of that name in dist/ stands for a pinned layer."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "shared-1.9.0.zip").write_bytes(_zip({"python/botocore/__init__.py": ""}))
    (tmp_path / "dist" / "shared-1.10.0.zip").write_bytes(_zip({"python/fine.py": ""}))
    (tmp_path / "dist" / "shared-more-9.zip").write_bytes(_zip({"python/botocore/__init__.py": ""}))
    assert _run(capsys, "--offline", _template(tmp_path / "a", [ARN.format("shared:3")]))[:1] == (0,)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--layer", "x"],
        ["--layer", "x=/does/not/exist"],
        ["--code", "Function=/does/not/exist"],
        ["--deployed", "/does/not/exist"],
        ["--offline", "--stack", "todos"],
        ["--parameter", "nonsense"],
        ["--layer", "x=bad.zip"],
    ],
)
def test_wrong_usage(tmp_path, capsys, arguments):
    """What can't be used is one line on standard error and exit code 2."""
    (tmp_path / "bad.zip").write_bytes(b"PK but no zip")
    code, _, err = _run(capsys, "--offline", *arguments, _template(tmp_path / "a", [ARN.format("x:1")]))
    assert code == 2
    assert "Traceback" not in err
    assert "rror" in err


def test_content_for_nobody_is_said(tmp_path, capsys):
    """A name given to --layer or --code that no template knows is said, for it is a slip of the pen."""
    (tmp_path / "layer").mkdir()
    code, _, err = _run(capsys, "--offline", "--layer", "shard-utils=layer", _template(tmp_path / "a", []))
    assert code == 0
    assert "shard-utils" in err


def test_hostile_layer_is_refused(tmp_path, capsys):
    """A zip that would write outside of its folder is an error of that layer, and nothing is written."""
    (tmp_path / "evil.zip").write_bytes(_zip({"../../evil.py": "x"}))
    code, _, err = _run(capsys, "--offline", "--layer", "x=evil.zip", _template(tmp_path / "a", [ARN.format("x:1")]))
    assert code == 2
    assert "not safe to read" in err
    assert not list(tmp_path.rglob("evil.py"))


def test_modes_of_a_zip(tmp_path, capsys):
    """A file of a pinned layer's zip that only its owner may read is found, as `verify` finds it."""
    private = zipfile.ZipInfo("python/core.py")
    private.external_attr = 0o100600 << 16
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as archive:
        archive.writestr(private, "x = 1\n")
    path = _template(tmp_path / "a", [ARN.format("x:1")])
    code, out, _ = _run(capsys, "--offline", "--layer", "x=layer.zip", path)
    assert code == 1
    assert "layer x:1 has what only its owner may read (mode 0600)" in out
    assert "/opt/python/core.py" in out


def test_links_do_no_harm(tmp_path, capsys):
    """A layer with links in it, as other languages' layers have, is looked into all the same."""
    folder = tmp_path / "layer" / "python"
    (folder / "botocore").mkdir(parents=True)
    (folder / "botocore" / "__init__.py").write_text("", "utf-8")
    (folder / "current").symlink_to("botocore")
    (folder / "passwords").symlink_to("/etc/passwd")
    code, out, _ = _run(capsys, "--offline", "--layer", "x=layer", _template(tmp_path / "a", [ARN.format("x:1")]))
    assert (code, "sdk-partial" in out) == (1, True)


def test_built_by_sam(tmp_path, capsys):
    """In `.aws-sam/build` the folders hold what will be deployed, whatever the resources' BuildMethod says."""
    build = tmp_path / ".aws-sam" / "build"
    (build / "Own" / "python").mkdir(parents=True)
    (build / "Own" / "python" / "own.py").write_text("X = 1\n", "utf-8")
    own = (
        "  Own: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: makefile}, Properties: {ContentUri: Own}}"
    )
    path = _template(build, [{"Ref": "Own"}], more=own)
    (build / "code" / "requirements.txt").write_text("requests\n", "utf-8")
    code, _, err = _run(capsys, "--offline", path)
    assert (code, "1 function in 1 template: nothing found" in err) == (0, True)
    source = _template(tmp_path / "source", [{"Ref": "Own"}], more=own)
    assert "content-unknown" in _run(capsys, "--offline", source)[1]


def test_cdk_assets(tmp_path):
    """A template that the CDK synthesised names code and layers by its own metadata, and they are looked into."""
    out = tmp_path / "cdk.out"
    for name, text in (("asset.1/python/botocore/__init__.py", ""), ("asset.2/app.py", "x = 1\n")):
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text(text, "utf-8")
    bucket = {"S3Bucket": {"Fn::Sub": "cdk-${AWS::AccountId}-assets"}, "S3Key": "1.zip"}
    template = {
        "Resources": {
            "Shared123": {
                "Type": "AWS::Lambda::LayerVersion",
                "Properties": {"Content": bucket},
                "Metadata": {"aws:asset:path": "asset.1", "aws:asset:property": "Content"},
            },
            "Todos456": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": bucket, "Runtime": "python3.13", "Layers": [{"Ref": "Shared123"}]},
                "Metadata": {"aws:asset:path": "asset.2", "aws:asset:property": "Code"},
            },
        }
    }
    (out / "Stack.template.json").write_text(json.dumps(template), "utf-8")
    report = check_templates(find_templates([out / "Stack.template.json"]))
    assert [finding.rule for finding in report.findings] == ["sdk-partial"]
    assert report.functions[0].code == 6


def test_region_of_the_samconfig(tmp_path):
    """What AWS::Region and AWS::Partition stand for is taken from the samconfig.toml beside the template."""
    path = _template(tmp_path / "a", [])
    sub = "arn:${AWS::Partition}:lambda:${AWS::Region}:123456789012:layer:x:1"
    path.write_text(path.read_text("utf-8").replace("Layers: []", f"Layers: [!Sub '{sub}']"), "utf-8")
    (path.parent / "samconfig.toml").write_text('[default.deploy.parameters]\nregion = "cn-north-1"\n', "utf-8")
    asked = []

    def fetch(layer):
        asked.append(str(layer.declared.arn))
        raise LayerctlError("not now")

    check_templates(find_templates([path]), Sources(fetch=fetch))
    assert asked == ["arn:aws-cn:lambda:cn-north-1:123456789012:layer:x:1"]


@pytest.fixture(scope="module")
def aws():
    """A local AWS."""
    from tests.support.local_aws import start

    with start() as local:
        yield local


@pytest.mark.xdist_group("check-aws")
def test_layer_from_aws(aws, tmp_path, monkeypatch, capsys):
    """A pinned ARN is fetched once, then served from the cache, and its declared runtimes are believed."""
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    content = _zip({"python/alpha.py": "X = 1\n"})
    published = aws.client("lambda").publish_layer_version(
        LayerName="alpha", Content={"ZipFile": content}, CompatibleRuntimes=["python3.12"]
    )
    path = _template(tmp_path / "a", [published["LayerVersionArn"]])
    code, out, _ = _run(capsys, path)
    assert (code, "declares python3.12" in out) == (0, True)
    assert "6 B" in out
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")  # nobody answers there
    assert _run(capsys, path)[1] == out
    code, out, _ = _run(capsys, _template(tmp_path / "b", [published["LayerVersionArn"][:-1] + "99"]))
    assert (code, "content-unknown" in out) == (0, True), "what AWS does not give is a note, not a guess"


@pytest.mark.xdist_group("check-aws")
def test_missing_version_and_foreign_answers(aws, tmp_path, monkeypatch):
    """A version that is not there says so; a zip that does not match its checksum is not believed."""
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    path = _template(tmp_path / "a", [ARN.format("nowhere:1")])
    (finding,) = check_templates(find_templates([path]), Sources(fetch=Fetcher().layer)).findings
    assert finding.rule == "content-unknown"
    assert finding.hint
    published = aws.client("lambda").publish_layer_version(
        LayerName="beta", Content={"ZipFile": _zip({"python/b.py": ""})}
    )
    monkeypatch.setattr("base64.b64encode", lambda data: b"another checksum")
    (finding,) = check_templates(
        find_templates([_template(tmp_path / "b", [published["LayerVersionArn"]])]), Sources(fetch=Fetcher().layer)
    ).findings
    assert "not downloaded whole" in finding.message
    assert not list((tmp_path / "cache").rglob("layer.zip"))


@pytest.mark.xdist_group("check-aws")
def test_sizes_against_a_deployed_stack(aws, tmp_path, monkeypatch, capsys):
    """--stack takes the deployed code from AWS: old code and new layers together are too large, both ends fit."""
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="code", Key="old.zip", Body=_zip({"app.py": "", "model.bin": bytes(220_000_000)}))
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": "app.handler",
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::123456789012:role/any",
            "Code": {"S3Bucket": "code", "S3Key": "old.zip"},
        },
    }
    aws.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="todos", TemplateBody=json.dumps({"Resources": {"Function": function}}))
    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    with (layer / "python" / "data.bin").open("wb") as file:
        file.truncate(60_000_000)
    path = _template(tmp_path / "a", [ARN.format("big:1")])
    assert _run(capsys, "--layer", f"big={layer}", path)[0] == 0
    code, out, _ = _run(capsys, "--layer", f"big={layer}", "--stack", "todos", path)
    assert (code, "size-limit-update" in out) == (1, True)
    code, _, err = _run(capsys, "--stack", "nowhere", path)
    assert (code, "Traceback" in err) == (2, False)
