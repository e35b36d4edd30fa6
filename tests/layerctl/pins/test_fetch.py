"""How an index elsewhere is asked for, and what is said where it cannot be: never with what it was asked with."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from layerctl.__main__ import main
from layerctl.aws import clients
from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve import fetch as fetch_module
from layerctl.pins.resolve.fetch import fetch, fetch_object, shown
from tests.support.loopback import QuietHandler, serving

LOGIN = "; for a private one set LAYERCTL_INDEX_TOKEN, or name the host in ~/.netrc"
CHECK = "check the address of the index, and the network"


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """No token, and a netrc that is not there."""
    monkeypatch.delenv("LAYERCTL_INDEX_TOKEN", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@contextmanager
def answering(status=200, body=b"text", **headers):
    """A server on loopback that answers always the same; its address, and what it was asked: paths and credentials."""
    asked = []

    class Handler(QuietHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as address:
        yield address, asked


def refused(address, how=fetch, *options):
    """Return why an index is not read, and what to do."""
    with pytest.raises(LayerctlError) as caught:
        how(address, *options)
    return caught.value.what, caught.value.hint


@pytest.mark.parametrize(
    "address",
    [
        *("https://jane:hunter2@[x/l.json", "https://jane:hunter2", "https://jane:hunter2@h:99999/l.json"),
        *("https://h:hunter2/l.json", "ftp://jane:hunter2@h:x/"),
    ],
)
def test_what_is_no_address(address, tmp_path, capsys):
    """Is refused without a word of it but its scheme, by every command."""
    scheme = address.partition(":")[0]
    assert refused(address) == (
        f"{scheme}://... is no address",
        "write https://HOST/PATH; a port is a number up to 65535",
    )
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    assert main(["pins", "list", str(tmp_path), "--index", address]) == 2
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("odd", [" ", "\x00", "\n", "\x7f", "\x1f"])
def test_an_address_has_no_spaces(odd):
    """Nor control characters: others would say so with the query."""
    assert refused(f"https://jane:pw@h/l.json?token=hunter2{odd}") == (
        "https://h/l.json: an address holds no spaces",
        "write %20 for a space",
    )


@pytest.mark.parametrize(
    "address", ["http://h/l.json", "ftp://localhost/l.json", "file:///l.json", "http://127.0.0.2/"]
)
def test_only_https_or_this_machine(address):
    """Nothing is sent elsewhere."""
    assert refused(address) == (f"{address}: only https addresses are read", "use https://, or a file")


def test_the_whole_address_is_asked_for_but_its_user():
    """With the query, without the fragment; what is read is text."""
    with answering(body="ü".encode()) as (address, asked):
        with_user = address.replace("://", "://jane@")
        assert fetch(f"{with_user}/a%20b/l.json?x=1&y=2#part") == "ü"
        assert [path for path, _ in asked] == ["/a%20b/l.json?x=1&y=2"]
        assert fetch(address.replace("127.0.0.1", "localhost")) == "ü"


def basic(text):
    """Return a header."""
    return "Basic " + base64.b64encode(text.encode()).decode()


NETRC = "machine 127.0.0.1 login ann password secret\nmachine other login bob password x\n"


@pytest.mark.parametrize(
    ("token", "user", "known", "header"),
    [
        ("", "", "", None),
        ("", "", NETRC, basic("ann:secret")),
        ("", "", "machine other login bob password x\n", None),
        ("", "", "default login all password open\n", basic("all:open")),
        ("", "", "machine 127.0.0.1 login ann\n", basic("ann:")),
        ("", "jane:pw@", NETRC, basic("jane:pw")),
        ("", "jane@", NETRC, basic("jane:")),
        ("", "j%40ne:p%3Aw@", "", basic("j@ne:p:w")),
        ("", ":pw@", NETRC, basic("ann:secret")),
        ("t0ken", "jane:pw@", NETRC, "Bearer t0ken"),
        (" t0ken\n", "", "", "Bearer t0ken"),
        (" \n", "", NETRC, basic("ann:secret")),
    ],
)
def test_what_it_is_asked_with(token, user, known, header, tmp_path, monkeypatch):  # noqa: PLR0917 - a table's columns
    """A token, else who the address names, else whom netrc has for the host."""
    if token:
        monkeypatch.setenv("LAYERCTL_INDEX_TOKEN", token)
    if known:
        (tmp_path / "netrc").write_text(known)
    with answering() as (address, asked):
        fetch(address.replace("://", f"://{user}") + "/l.json")
    assert asked == [("/l.json", header)]


@pytest.mark.parametrize("token", ["hunter2\nX-Other: 1", "hun ter2", "hunter2\x7fx", "hunter2ü"])
def test_a_token_that_is_none(token, monkeypatch):
    """Is refused before it is sent, and not shown: http would say it with the whole header."""
    monkeypatch.setenv("LAYERCTL_INDEX_TOKEN", token)
    said = refused("https://127.0.0.1:9/l.json")
    assert said == ("LAYERCTL_INDEX_TOKEN is no token", "it has printable ASCII characters only")


def test_the_usual_netrc_is_in_the_home_folder(tmp_path, monkeypatch):
    """Where no other is named; one that cannot be read is named, with none of its words."""
    for name in (None, ""):
        monkeypatch.delenv("NETRC") if name is None else monkeypatch.setenv("NETRC", name)
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / ".netrc").write_text(NETRC)
        (tmp_path / ".netrc").chmod(0o600)
        with answering() as (address, asked):
            fetch(address)
        assert asked[0][1] == basic("ann:secret")
    for write in (lambda path: path.write_text("machine 127.0.0.1 hunter2\n"), lambda path: path.write_bytes(b"\xff")):
        write(tmp_path / ".netrc")
        assert refused("https://h/") == (f"{tmp_path}/.netrc cannot be read as a netrc file", "correct it")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("NETRC", str(tmp_path / "folder"))
    assert refused("https://h/") == (f"{tmp_path}/folder cannot be read as a netrc file", "correct it")


@pytest.mark.parametrize(("status", "login"), [(401, LOGIN), (403, LOGIN), (404, LOGIN), (400, ""), (500, "")])
def test_what_an_answer_means(status, login):
    """Forges say 404 of what is private."""
    with answering(status) as (address, _):
        said = refused(f"{address}/l.json?token=hunter2")
        assert said == (f"{address}/l.json cannot be fetched: HTTP {status}", CHECK + login)


def test_an_address_that_nobody_answers_at():
    """Is told with the system's reason."""
    with answering() as (address, _):
        pass
    what, hint = refused(address)
    assert what.startswith(f"{address} cannot be fetched: ")
    assert "refused" in what
    assert hint == CHECK


def test_an_index_has_limits(monkeypatch):
    """Of the time of each wait and of its size."""
    limits = {}
    monkeypatch.setattr(fetch_module, "ask", lambda request, *handlers, **given: limits.update(given) or b"text")
    assert fetch("https://h/l.json") == "text"
    assert limits == {"timeout": 20.0, "most": 20_000_000}


def test_where_a_redirect_may_lead(monkeypatch):
    """To where we would have gone at once, without what the first was asked with; nowhere else."""
    monkeypatch.setenv("LAYERCTL_INDEX_TOKEN", "t0ken")
    with answering() as (there, asked), answering(302, Location=f"{there}/x") as (here, _):
        assert fetch(here) == "text"
        assert asked == [("/x", None)]
    for away in ("http://example.com/x", "ftp://127.0.0.1/x"):
        with answering(302, Location=away) as (here, _):
            assert refused(here) == (f"{here} cannot be fetched: it leads away from https", CHECK)


def test_what_is_too_large_or_no_text(monkeypatch):
    """As many bytes as the limit are read."""
    monkeypatch.setattr(fetch_module, "_MAX_BYTES", 4)
    with answering(body=b"1234") as (address, _):
        assert fetch(address) == "1234"
    with answering(body=b"12345") as (address, _):
        assert refused(address) == (f"{address} cannot be fetched: the answer is larger than 4 bytes", CHECK)
    with answering(body=b"\xff") as (address, _):
        assert refused(f"{address}/x?q") == (f"{address}/x is not UTF-8 text", "check the address")


class Objects:
    """An S3 client in place of AWS: what it is asked, and an object or an error."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def client(self, service):
        """Return itself."""
        self.asked.append(service)
        return self

    def get_object(self, **options):
        """Answer, or fail."""
        self.asked.append(options)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Body": SimpleNamespace(read=self._read)}

    def _read(self, most):
        self.asked.append(most)
        return self.answer[:most]


def test_an_object_is_read_with_the_users_profile(monkeypatch):
    """Its key may have slashes; it has the same limit; what goes wrong is told in AWS's words."""
    made = []

    def s3(answer):
        objects = Objects(answer)
        monkeypatch.setattr(clients, "Aws", lambda **options: made.append(options) or objects)
        return objects

    objects = s3("ü".encode())
    assert fetch_object("s3://bucket/a/l.json", "release") == "ü"
    assert objects.asked == ["s3", {"Bucket": "bucket", "Key": "a/l.json"}, 20_000_001]
    assert made == [{"timeout": 20.0, "profile": "release"}]
    monkeypatch.setattr(fetch_module, "_MAX_BYTES", 4)
    s3(b"1234")
    assert fetch_object("s3://b/k", None) == "1234"
    s3(b"123456")
    assert refused("s3://b/k", fetch_object, None) == ("s3://b/k is larger than 4 bytes", "check the address")
    s3(b"\xff")
    assert refused("s3://b/k", fetch_object, None) == ("s3://b/k is not UTF-8 text", "check the address")
    s3(ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"))
    what, hint = refused("s3://b/k", fetch_object, None)
    assert what.startswith("s3://b/k: not allowed to s3:GetObject in eu-west-1")
    assert hint == "check the address and the credentials"


@pytest.mark.parametrize("address", ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"])
def test_an_object_has_a_bucket_and_a_key(address):
    """Either is needed."""
    assert refused(address, fetch_object, None) == (f"{address} names no object", "write s3://BUCKET/KEY")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("https://jane:hunter2@h:8443/a/l.json?token=hunter2#x", "https://h:8443/a/l.json"),
        ("https://h/l.json", "https://h/l.json"),
        ("https://H", "https://h"),
        ("https:///x", "https:///x"),
        ("https://h:0/x", "https://h/x"),
        ("a/layers.json", "a/layers.json"),
        ("https://[::1]:x/hunter2", "https://..."),
        ("https://jane:hunter2@[x/?from=https://other/", "https://..."),
    ],
)
def test_how_an_address_is_shown(address, text):
    """Without user, password and query."""
    assert shown(address) == text
