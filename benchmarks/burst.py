"""A burst of cold starts: 160 readers of one parameter at once, against a service that takes 40 requests a second.

Each reader is a client of its own, as in 160 environments: ours, and boto3's in each of its retry modes. What is
refused is refused as SSM does it (a token bucket and ThrottlingException). Loopback only, 10 seconds for each.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.parameter_endpoint import serve_values
from benchmarks.samples import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compare_burst"]

READERS, RATE, DEADLINE = 160, 40, 8.0
NAME = "/benchmark/burst"
MODES = ("legacy", "standard", "adaptive")


class Outcome:
    """What came of one burst: answers, requests, and seconds to the last answer."""

    def __init__(self, answers: int, requests: int, seconds: float) -> None:
        self.answers = answers
        self.requests = requests
        self.seconds = seconds


def compare_burst() -> list[Comparison]:
    """Run one burst for each kind of client and return the comparisons."""
    ours = _burst(_our_readers)
    peers = {mode: _burst(lambda url, mode=mode: _sdk_readers(url, mode)) for mode in MODES}
    work = f"{READERS} readers at once, {RATE} requests a second"
    where = platform.python_version()

    def row(what: str, peer_name: str, figure: float, peer: float, unit: str, limit: float | None) -> Comparison:  # noqa: PLR0917 - as in the table
        return Comparison("configuration", f"{work}: {what}", peer_name, figure, peer, unit, limit, where)

    rows = [row("answered", f"limit: {READERS}", READERS / max(1, ours.answers), 1, "readers per answer", 1.0)]
    for mode, peer in peers.items():
        name = f"boto3 {mode} ({peer.answers} answered)"
        limit = 1.0 if mode == "adaptive" else None
        rows.append(row("requests", name, ours.requests, peer.requests, "requests", limit))
        rows.append(row("last answer", name, ours.seconds, peer.seconds, "s", None))
    return rows


def _burst(make_readers: Callable[[str], list[Callable[[], object]]]) -> Outcome:
    with serve_values({NAME: "value"}, {}, rate=RATE) as endpoint:
        readers = make_readers(endpoint.url)
        start = threading.Barrier(READERS + 1)
        ended: list[float] = []

        def run(read: Callable[[], object]) -> None:
            start.wait()
            try:
                read()
            except Exception:
                return
            ended.append(time.monotonic())

        threads = [threading.Thread(target=run, args=(read,)) for read in readers]
        for thread in threads:
            thread.start()
        start.wait()
        began = time.monotonic()
        for thread in threads:
            thread.join()
        return Outcome(len(ended), len(endpoint.operations), max(ended, default=began) - began)


def _our_readers(url: str) -> list[Callable[[], object]]:
    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.client import ConfigClient
    from shared_utils.config.entries import Entry, Query
    from shared_utils.config.sources.registry import parse

    os.environ["AWS_ENDPOINT_URL"] = url
    reference = parse(f"ssm://{NAME}")

    def reader() -> Callable[[], object]:
        client = ConfigClient()

        def read() -> None:
            outcome = client.read([Query(reference, 300, 0)], Deadline(DEADLINE))[reference.base]
            if not isinstance(outcome, Entry):
                raise outcome

        return read

    return [reader() for _ in range(READERS)]


def _sdk_readers(url: str, mode: str) -> list[Callable[[], object]]:
    from boto3.session import Session
    from botocore.config import Config

    session = Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-central-1")

    def reader() -> Callable[[], object]:
        client = session.client("ssm", endpoint_url=url, config=Config(retries={"mode": mode}))
        return lambda: client.get_parameter(Name=NAME, WithDecryption=True)

    return [reader() for _ in range(READERS)]
