"""`layerctl audit` over the OSV API's protocol: pages, answers that are not OSV's, and no answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.__main__ import main
from tests.layerctl.audit.test_audit import AFFECTED, record, since
from tests.support.loopback import QuietHandler, serving
from tests.support.released import released

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


def osv(answer: Callable[[str, Any], tuple[int, Any]]) -> AbstractContextManager[str]:
    """A server on loopback that answers as told; yields its address."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            self._send(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self) -> None:
            self._send(None)

        def _send(self, body: Any) -> None:
            code, data = answer(self.path, body)
            text = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return serving(Handler)


def test_records_come_page_by_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every package is asked for by name, each page is fetched, and versions are matched as offline."""
    asked: list[Any] = []
    stored = {"GHSA-1": AFFECTED | {"id": "GHSA-1"}, "GHSA-2": record(*since(fixed="1.0"), id="GHSA-2")}

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path == "/v1/querybatch":
            asked.extend(body["queries"])
            pages = []
            for query in body["queries"]:
                if query["package"]["name"] != "web-lib":
                    pages.append({})
                elif "page_token" in query:
                    pages.append({"vulns": [{"id": "GHSA-2"}]})
                else:
                    pages.append({"vulns": [{"id": "GHSA-1"}], "next_page_token": "t"})
            return 200, {"results": pages}
        return 200, stored[path.rpartition("/")[2]]

    artifact = released(tmp_path, distributions=(("good", "1.0"), ("web-lib", "1.0")), own="good")
    with osv(answer) as address:
        assert main(["audit", str(artifact), "--api", address]) == 1
    said = capsys.readouterr()
    assert "GHSA-1" in said.out
    assert "GHSA-2" not in said.out
    assert [one["package"]["name"] for one in asked] == ["web-lib", "web-lib"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"results": []}), "answers something else than OSV"),
        ((200, b"<html>log in</html>"), "cannot be asked"),
        ((503, {}), "cannot be asked: HTTP 503"),
        ((200, b"[" * 100_000), "cannot be asked"),
        ((200, {"results": [{"vulns": [], "next_page_token": "again"}]}), "has no end of pages"),
    ],
    ids=["no-results", "log-in-page", "down", "nested", "endless"],
)
def test_an_answer_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: tuple[int, Any], said: str
) -> None:
    """What is not OSV's answer is exit 2 with one line, never 'nothing found'."""
    artifact = released(tmp_path, distributions=(("web-lib", "1.0"), ("good", "1.0")), own="good")
    with osv(lambda path, body: answer) as address:
        assert main(["audit", str(artifact), "--api", address]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "--records" in error


def test_what_answers_speaks_no_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another service at the address is one line with what to do, as no service is."""

    class Greeting(QuietHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))  # else closing would reset the connection
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")

    with serving(Greeting) as address:
        assert main(["audit", str(released(tmp_path)), "--api", address]) == 2
    error = capsys.readouterr().err
    assert "cannot be asked: SSH-2.0" in error
    assert "--records" in error


def test_no_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody answers, the message says how to do without."""
    assert main(["audit", str(released(tmp_path)), "--api", "http://127.0.0.1:9"]) == 2
    assert "--records" in capsys.readouterr().err
    assert main(["audit", str(released(tmp_path)), "--api", "file:///etc"]) == 2
