"""From whom `pins` has its versions: indexes, files and addresses, and AWS."""

import json

import pytest

from layerctl.__main__ import main
from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.index_source import load_index
from tests.layerctl.pins.made import index_data, write_index
from tests.layerctl.pins.test_bump import arn, template
from tests.support import local_aws
from tests.support.loopback import QuietHandler, serving


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


def served(answers):
    """A web server on this machine: path to (status, headers, body)."""

    class Handler(QuietHandler):
        def do_GET(self):
            status, headers, body = answers[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return serving(Handler)


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
