"""What `pins check` finds, rule by rule, and from whom it has its versions."""

import http.server
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from layerctl.__main__ import main
from layerctl.core.errors import LayerctlError
from layerctl.core.text import parse_age
from layerctl.pins.check import Limits, check_pins
from layerctl.pins.resolve.index_source import load_index
from layerctl.pins.resolve.versions import VersionResolver
from layerctl.pins.rules import RULES
from layerctl.scan.files import scan
from tests.layerctl.pins.made import index_data, resolver, write_index
from tests.layerctl.pins.test_bump import arn, template
from tests.support import local_aws

NOW = datetime(2026, 6, 2, tzinfo=UTC)  # a day after 2.0.0, 62 after 1.3.0


def findings(tmp_path, text, *indexes, name="template.yaml", beside=None, regions=(), **limits):
    """The findings about one file, notes apart, as (rule, message)."""
    for other, content in (beside or {}).items():
        (tmp_path / other).write_text(content)
    path = tmp_path / name
    path.write_text(text)
    found = check_pins(scan([path]).pins, resolver(*indexes), Limits(**limits), regions=frozenset(regions), now=NOW)
    assert {one.rule for one in found} <= set(RULES)
    return [(one.rule, one.message) for one in found if one.severity != "note"]


def test_all_is_well(tmp_path):
    """A known, recent pin of the right region gives nothing."""
    assert findings(tmp_path, template(arn(13)), behind=0, age=timedelta(days=1)) == []


def test_unknown_version(tmp_path):
    """A version that its region does not have."""
    ((rule, message),) = findings(tmp_path, template(arn(99)))
    assert rule == "pin-unknown"
    assert "shared-utils:99 is not published in eu-central-1, says layers.json" in message


def test_unknown_in_one_of_the_regions(tmp_path):
    """A pin without a region must be known in each region that the template is deployed to."""
    index = index_data()
    del index["releases"]["1.4.0"]["regions"]["us-east-1"]
    text = template("!Sub " + arn(12, region="${AWS::Region}"))
    assert findings(tmp_path, text, index) == []
    ((rule, message),) = findings(tmp_path, text, index, regions=["us-east-1", "eu-west-1"])
    assert rule == "pin-unknown"
    assert "not published in us-east-1" in message


def test_environments_in_several_regions(tmp_path):
    """A samconfig's environments have a region each: a version that it sets must be known in one of them."""
    index = index_data()
    del index["releases"]["1.4.0"]["regions"]["us-east-1"]
    text = "\n".join(
        f'[{name}.deploy.parameters]\nregion = "{region}"\nparameter_overrides = "V={version}"'
        for name, region, version in (("dev", "eu-west-1", 12), ("prod", "us-east-1", 11))
    )
    sub = "!Sub arn:aws:lambda:${AWS::Region}:123456789012:layer:shared-utils:${V}"
    stack = "Parameters: {V: {Type: Number}}\n" + template(sub)
    assert findings(tmp_path, text, index, name="samconfig.toml", beside={"template.yaml": stack}) == []
    text = text.replace("V=11", "V=77")
    ((rule, _),) = findings(tmp_path, text, index, name="samconfig.toml", beside={"template.yaml": stack})
    assert rule == "pin-unknown"


def test_yanked(tmp_path):
    """A version that was withdrawn, with the reason."""
    ((rule, message),) = findings(tmp_path, template(arn(12)), index_data(yanked=("1.4.0",)))
    assert (rule, message) == ("pin-yanked", "shared-utils 1.4.0 (version 12) was yanked: it leaks")


@pytest.mark.parametrize(
    ("beside", "said_by"),
    [
        ({"samconfig.toml": '[default.deploy.parameters]\nregion = "eu-west-1"\n'}, "samconfig.toml"),
        ({"samconfig.yaml": "default: {deploy: {parameters: {region: eu-west-1}}}\n"}, "samconfig.yaml"),
    ],
)
def test_another_region_than_samconfig(tmp_path, beside, said_by):
    """The region of a samconfig beside the template is where its layers must be."""
    ((rule, message),) = findings(tmp_path, template(arn(12)), beside=beside)
    assert rule == "pin-region"
    assert f"in eu-central-1, but {said_by} says eu-west-1" in message
    assert findings(tmp_path, template(arn(12, region="eu-west-1")), beside=beside) == []


def test_another_region_than_the_provider(tmp_path):
    """So is provider.region of a serverless.yml, and the provider's region in Terraform."""
    service = "service: s\nprovider: {name: aws, region: eu-west-1}\nfunctions: {f: {handler: a.b, layers: [%s]}}\n"
    ((rule, message),) = findings(tmp_path, service % arn(12), name="serverless.yml")
    assert rule == "pin-region"
    assert "provider.region in serverless.yml says eu-west-1" in message
    module = 'provider "aws" {\n  region = "eu-west-1"\n}\nlocals {\n  layer = "%s"\n}\n'
    ((rule, message),) = findings(tmp_path, module % arn(12), name="main.tf")
    assert rule == "pin-region"
    assert findings(tmp_path, module.replace('"eu-west-1"', "var.region") % arn(12), name="main.tf") == []


def test_another_region_than_its_key(tmp_path):
    """In a mapping by region an ARN must be of the region that it stands under."""
    text = (
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Layers: [!FindInMap [M, !Ref AWS::Region, A]]}}}\n"
        f"Mappings:\n  M:\n    eu-west-1: {{A: '{arn(12, region='eu-west-1')}'}}\n"
        f"    us-east-1: {{A: '{arn(12, region='eu-west-1')}'}}\n"
    )
    ((rule, message),) = findings(tmp_path, text)
    assert rule == "pin-region"
    assert "the key that it stands under says us-east-1" in message


def test_another_region_than_the_function_s_other_layers(tmp_path):
    """A function's layers must be in one region; a layer that it has in several is a choice."""
    others = (arn(1, name="a"), arn(1, name="b"))
    ((rule, message),) = findings(tmp_path, template(*others, arn(12, region="us-east-1")))
    assert rule == "pin-region"
    assert "F's other layers are in eu-central-1" in message
    choice = f"!If [Eu, {arn(12)}, {arn(12, region='us-east-1')}]"
    assert findings(tmp_path, template(*others, choice)) == []


@pytest.mark.parametrize(
    ("partition", "region", "right"),
    [("aws", "cn-north-1", "aws-cn"), ("aws", "us-gov-west-1", "aws-us-gov"), ("aws-cn", "eu-central-1", "aws")],
)
def test_partition(tmp_path, partition, region, right):
    """The partition must be that of the region."""
    text = template(arn(12, region=region).replace("arn:aws:", f"arn:{partition}:"))
    found = [message for rule, message in findings(tmp_path, text, index_data("x")) if rule == "pin-partition"]
    assert found == [f"shared-utils:12 has partition {partition}, but {region} is in {right}"]


def test_runtime_and_architecture(tmp_path):
    """The layer must be made for the function's runtime and architecture; both are reported."""
    index = index_data(runtimes=("python3.11",), architectures=("x86_64",))
    text = template(arn(13)).replace("      Layers", "      Architectures: [arm64]\n      Layers")
    assert findings(tmp_path, text, index) == [
        ("pin-architecture", "shared-utils:13 is not made for arm64, which F uses"),
        ("pin-runtime", "shared-utils:13 is not made for python3.13, which F uses"),
    ]


def test_behind(tmp_path):
    """Newer releases are counted, without the yanked ones and the pre-releases."""
    assert findings(tmp_path, template(arn(11)), behind=2) == []
    ((rule, message),) = findings(tmp_path, template(arn(11)), behind=1)
    assert (rule, message) == (
        "pin-behind",
        "shared-utils 1.3.0 (version 11) is 2 releases behind; at most 1 are allowed",
    )
    assert findings(tmp_path, template(arn(11)), index_data(yanked=("1.4.0",)), behind=1) == []


def test_age(tmp_path):
    """A version may be old as long as there is none newer."""
    assert findings(tmp_path, template(arn(11)), age=timedelta(days=90)) == []
    ((rule, message),) = findings(tmp_path, template(arn(11)), age=timedelta(days=30))
    assert (rule, message) == ("pin-old", "shared-utils 1.3.0 (version 11) is 62 days old; at most 30 days are allowed")
    assert findings(tmp_path, template(arn(13)), age=timedelta(hours=1)) == []


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("12w", 84), ("48h", 2)])
def test_ages(text, days):
    """Ages are hours, days or weeks."""
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "90 days", "9" * 20 + "d"])
def test_wrong_ages(text):
    """Anything else is an error that shows the right form."""
    with pytest.raises(LayerctlError, match="90d, 12w or 36h"):
        parse_age(text)


# --- sources ----------------------------------------------------------------------------------------------


def test_layers_that_nobody_knows(tmp_path, capsys):
    """A layer that no source knows is a note: it says so, does not guess, and the exit code is 0."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(13), arn(3, name="other"), arn(13, account="999999999999")))
    assert main(["pins", "check", str(path), "--index", str(write_index(tmp_path)), "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)
    assert [(one["rule"], one["severity"], one["line"]) for one in notes] == [
        ("pin-unverified", "note", 9),
        ("pin-unverified", "note", 10),
    ]


def test_without_any_source(tmp_path, monkeypatch, capsys):
    """Without index and AWS it says that it could check regions only, and exits with 2."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "LAYERCTL_INDEX"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(13)))
    assert main(["pins", "check", str(path)]) == 2
    assert "no source of versions" in capsys.readouterr().err
    (tmp_path / "empty.yaml").write_text("a: 1\n")
    assert main(["pins", "check", "empty.yaml"]) == 0  # nothing to check, nothing to know


def test_the_index_is_found(tmp_path, monkeypatch, capsys):
    """An index is named, or in LAYERCTL_INDEX, or layers.json here; a broken one is an error in one line."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(12)))
    write_index(tmp_path).rename(tmp_path / "other.json")
    monkeypatch.setenv("LAYERCTL_INDEX", "other.json")
    assert main(["pins", "check", "template.yaml"]) == 0
    monkeypatch.delenv("LAYERCTL_INDEX")
    write_index(tmp_path)
    assert main(["pins", "check", "template.yaml"]) == 0
    (tmp_path / "layers.json").write_text('{"php-81": {"eu-west-1": 12}}')  # another tool's
    assert main(["pins", "list", "template.yaml"]) == 0
    capsys.readouterr()
    for content, words in (("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("{}", "required"), ("[1]", "object")):
        (tmp_path / "layers.json").write_text(content)
        assert main(["pins", "check", "template.yaml", "--index", "layers.json"]) == 2
        err = capsys.readouterr().err
        assert len(err.splitlines()) == 1
        assert words in err


@contextmanager
def served(answers):
    """A web server on this machine: path to (status, headers, body)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = answers[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_index_at_an_address(tmp_path):
    """An index is read from an address; what goes wrong there is said without the address' secrets."""
    text = json.dumps(index_data()).encode()
    with served(
        {
            "/layers.json": (200, {}, text),
            "/gone.json": (404, {}, b""),
            "/away.json": (302, {"Location": "ftp://127.0.0.1/x"}, b""),
            "/broken.json": (200, {}, b"\xff"),
        }
    ) as address:
        assert load_index(f"{address}/layers.json").index.layer == "shared-utils"
        for name, words in (("gone", "HTTP 404"), ("away", "leads away from https"), ("broken", "not UTF-8")):
            with pytest.raises(LayerctlError, match=words) as caught:
                load_index(f"{address}/{name}.json?token=hunter2")
            assert "hunter2" not in str(caught.value)
    with pytest.raises(LayerctlError, match="cannot be fetched"):
        load_index(f"{address}/layers.json")


@pytest.mark.parametrize("address", ["http://example.com/layers.json", "file:///etc/passwd", "ftp://x/y"])
def test_only_https(address):
    """Other addresses than https are refused before anything is sent."""
    with pytest.raises(LayerctlError, match="only https"):
        load_index(address)


@pytest.fixture(scope="module")
def aws():
    """A local AWS with three versions of a layer; two of another, told by Parameter Store; and a third's, all gone."""
    with local_aws.start() as running:
        client = running.client("lambda")
        for release in ("1.0.0", "1.1.0", "1.2.0"):
            client.publish_layer_version(
                LayerName="in-aws",
                Description=f"{release} sha256:{'0' * 64}",
                Content={"ZipFile": _zip(release)},
                CompatibleRuntimes=["python3.13"],
                CompatibleArchitectures=["arm64"],
            )
        for number, release in ((1, "1.0.0"), (2, "1.1.0")):
            client.publish_layer_version(LayerName="mirrored", Content={"ZipFile": _zip(f"mirrored {release}")})
            for name in ("mirrored", "pruned"):
                running.client("ssm").put_parameter(
                    Name=f"/{name}/dev/versions/{release}", Value=arn(number, name=name), Type="String"
                )
        yield running


def _zip(text):
    import io
    import zipfile

    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("python/x.py", text)
    return data.getvalue()


@pytest.mark.xdist_group("pins-aws")
def test_versions_from_aws(aws, tmp_path, monkeypatch, capsys):
    """Without an index, Parameter Store and then Lambda tell the versions; fit and releases come along."""
    monkeypatch.chdir(tmp_path)
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "template.yaml"
    path.write_text(
        template(
            *(arn(1, name="mirrored"), arn(9, name="mirrored"), arn(1, name="in-aws"), arn(7, name="gone")),
            arn(1, name="pruned"),
        )
    )
    assert main(["pins", "check", "template.yaml", "--json", "--max-behind", "1"]) == 1
    out, err = capsys.readouterr()
    found = [(one["rule"], one["line"]) for one in json.loads(out)]
    assert found == [
        ("pin-unknown", 9),
        ("pin-architecture", 10),
        ("pin-behind", 10),
        ("pin-unverified", 11),
        ("pin-unknown", 12),
    ]
    assert "testing" not in out + err  # the secret key
    assert main(["pins", "bump", "template.yaml", "--aws", "--layer", "in-aws"]) == 0
    assert arn(3, name="in-aws") in path.read_text()


@pytest.mark.xdist_group("pins-aws")
def test_the_index_comes_first(aws, tmp_path, monkeypatch):
    """What the index knows is not asked of AWS; with --offline nothing is."""
    monkeypatch.chdir(tmp_path)
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(13), arn(99, name="in-aws")))
    index = str(write_index(tmp_path))
    assert main(["pins", "check", "template.yaml", "--index", index]) == 0
    assert main(["pins", "check", "template.yaml", "--index", index, "--aws"]) == 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody is there
    assert main(["pins", "check", "template.yaml", "--index", index, "--offline"]) == 0


@pytest.mark.xdist_group("pins-aws")
def test_aws_that_cannot_be_asked(tmp_path, monkeypatch, capsys):
    """When AWS does not answer, it says so and exits with 2; nothing is guessed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("layerctl.aws.clients._ATTEMPTS", 1)
    (tmp_path / "template.yaml").write_text(template(arn(1)))
    assert main(["pins", "check", "template.yaml"]) == 2
    err = capsys.readouterr().err
    assert "Parameter Store in eu-central-1" in err
    assert "hunter2" not in err
    assert "Traceback" not in err


def test_list_tells_release_and_age(tmp_path, capsys):
    """With an index, the list tells each pin's release and age."""
    (tmp_path / "template.yaml").write_text(template(arn(12), arn(3, name="other")))
    index = str(write_index(tmp_path))
    assert main(["pins", "list", str(tmp_path / "template.yaml"), "--index", index]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split()[-2:] == ["RELEASE", "AGE"]
    assert first.split()[-3] == "1.4.0"
    assert first.split()[-1] == "d"
    assert second.split()[-2:] == ["-", "-"]
    assert main(["pins", "list", str(tmp_path / "template.yaml"), "--index", index, "--json"]) == 0
    pin = json.loads(capsys.readouterr().out)["pins"][0]
    assert (pin["release"], pin["functions"][0]["name"], pin["region"]) == ("1.4.0", "F", "eu-central-1")
    assert pin["age_days"] > 0


def test_an_empty_catalogue_finds_regions_only(tmp_path):
    """Without sources, regions and partitions are still checked."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(12).replace("arn:aws:", "arn:aws-cn:")))
    found = check_pins(scan([path]).pins, VersionResolver([]), Limits())
    assert [one.rule for one in found] == ["pin-partition"]
