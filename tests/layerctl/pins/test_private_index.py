"""Private indexes: S3, and https with a token or netrc. Nothing that they are asked with is ever shown."""

import base64
import json
from contextlib import contextmanager

import boto3
import pytest
from moto import mock_aws

from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.index_source import load_index
from tests.layerctl.pins.made import index_data
from tests.support.loopback import QuietHandler, serving

BASIC = "Basic " + base64.b64encode(b"jane:hunter2").decode()


@contextmanager
def private_server(wanted):
    """A server on loopback that gives the index to who asks with the wanted header; what it was asked with."""
    asked = []

    class Handler(QuietHandler):
        def do_GET(self):
            asked.append(self.headers.get("Authorization"))
            if self.path.startswith("/away"):
                self.send_response(302)
                self.send_header("Location", "/layers.json")
            else:
                self.send_response(200 if asked[-1] == wanted else 401)
            self.end_headers()
            if not self.path.startswith("/away"):
                self.wfile.write(json.dumps(index_data()).encode())

    with serving(Handler) as address:
        yield address.removeprefix("http://"), asked


@pytest.fixture(autouse=True)
def _nobody(tmp_path, monkeypatch):
    monkeypatch.delenv("LAYERCTL_INDEX_TOKEN", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.parametrize("way", ["token", "netrc", "address"])
def test_it_is_asked_with_what_the_user_has(way, tmp_path, monkeypatch):
    """A token of the environment, a netrc entry, or the address's own user: each opens the index."""
    with private_server("Bearer t0ken" if way == "token" else BASIC) as (host, asked):
        with pytest.raises(LayerctlError, match="HTTP 401") as caught:
            load_index(f"http://{host}/layers.json")
        assert "LAYERCTL_INDEX_TOKEN" in str(caught.value)
        address = f"http://{host}/layers.json"
        if way == "token":
            monkeypatch.setenv("LAYERCTL_INDEX_TOKEN", "t0ken")
        elif way == "netrc":
            (tmp_path / "netrc").write_text("machine 127.0.0.1 login jane password hunter2\n")
        else:
            address = f"http://jane:hunter2@{host}/layers.json"
        source = load_index(address)
        assert source.index.layer == "shared-utils"
        assert "hunter2" not in source.name
        assert asked[0] is None


def test_a_redirect_takes_nothing_along(monkeypatch):
    """Where an address leads elsewhere, the token stays behind."""
    monkeypatch.setenv("LAYERCTL_INDEX_TOKEN", "t0ken")
    with private_server(None) as (host, asked):
        load_index(f"http://{host}/away")
        assert asked == ["Bearer t0ken", None]


@pytest.mark.parametrize("address", ["http://jane:hunter2@127.0.0.1:9/layers.json", "ftp://jane:hunter2@host/l.json"])
def test_no_message_shows_a_password(address):
    """An address that cannot be read is shown without its user and password."""
    with pytest.raises(LayerctlError) as caught:
        load_index(address)
    assert "hunter2" not in str(caught.value)
    assert "jane" not in str(caught.value)


def test_a_netrc_that_is_none(tmp_path):
    """A broken netrc is an error with its name, and none of its words."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login jane passwort hunter2\n")
    with pytest.raises(LayerctlError, match="netrc") as caught:
        load_index("http://127.0.0.1:9/layers.json")
    assert "hunter2" not in str(caught.value)


def test_s3(monkeypatch):
    """An index in a bucket is read with AWS's credentials; what is not there is an error."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        bucket = boto3.client("s3")
        bucket.create_bucket(Bucket="indexes")
        bucket.put_object(Bucket="indexes", Key="a/layers.json", Body=json.dumps(index_data()).encode())
        assert load_index("s3://indexes/a/layers.json").index.layer == "shared-utils"
        with pytest.raises(LayerctlError, match=r"s3://indexes/b\.json"):
            load_index("s3://indexes/b.json")
    with pytest.raises(LayerctlError, match="s3://BUCKET/KEY"):
        load_index("s3://indexes")
