"""Services that throttle or fail for a while: a read goes on until its deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from shared_utils import config
from shared_utils.config.aws.errors import classify_error
from shared_utils.config.aws.retry import Deadline, retry
from shared_utils.config.client import ConfigClient
from shared_utils.config.entries import Entry, Query
from shared_utils.config.outcomes import BRIEFLY, FAILING, NEVER, THROTTLED, UNAVAILABLE, Failure
from shared_utils.config.sources.registry import parse
from tests.support.fake_aws import Answer, FakeExtension, FakeSsm, aws_error
from tests.support.fault_proxy import TokenBucket, fault_proxy, token_bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]


@pytest.mark.parametrize("transport", ["signed", "extension"])
def test_a_burst_of_cold_starts_is_answered(serve: Serve, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """Four times as many readers at once as requests are let through in a second: each has its answer in time."""
    readers, rate = 80, 20
    ssm, bucket = FakeSsm(**{"/a": "1"}), TokenBucket(rate)

    def answer(call: Call) -> Answer:
        return ssm(call) if bucket.take() else aws_error("ThrottlingException", "Rate exceeded")

    server = serve(FakeExtension(answer) if transport == "extension" else answer)
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    reference = parse("ssm:///a")
    outcomes: list[object] = []
    start = threading.Barrier(readers)

    def environment() -> None:
        client = ConfigClient()
        start.wait()
        outcomes.append(client.read([Query(reference, 300, 0)], Deadline(8))[reference.base])
        client.drop_connections()

    threads = [threading.Thread(target=environment) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, Entry) for outcome in outcomes) == readers
    assert len(server.calls) < readers * 3


def test_the_proxy_throttles_like_the_service(serve: Serve) -> None:
    """Through a proxy with an empty bucket a read waits for the next token, and has its answer."""
    upstream = serve(FakeSsm(**{"/a": "1"}))
    bucket = TokenBucket(rate=2, size=1)
    assert bucket.take()
    with fault_proxy(upstream.url) as proxy, pytest.MonkeyPatch.context() as patch:
        proxy.add("GetParameter", token_bucket(bucket), times=1000)
        patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        assert config.get("ssm:///a") == "1"
        assert proxy.count("GetParameter") >= 2


@pytest.mark.parametrize(
    "trouble",
    [
        aws_error("ThrottlingException", "Rate exceeded"),
        aws_error("TooManyRequestsException", "", 429),
        aws_error("InternalServerError", "sorry", 500),
        Answer("", 503),
        Answer("<html>", 502, {"Content-Type": "text/html"}),
    ],
    ids=lambda trouble: f"{trouble.status}",
)
@pytest.mark.parametrize("reference", ["ssm:///a", "ssm:///a/", "secret://a", "appconfig://a/b/c"])
def test_throttling_and_failures_are_tried_again_until_the_deadline(
    serve: Serve, trouble: Answer, reference: str
) -> None:
    """Giving up means that the deadline has passed, whatever the source."""
    server = serve(lambda call: trouble)
    config.configure(deadline=1)
    began = time.monotonic()
    with pytest.raises(config.ConfigUnavailable):
        config.get(reference)
    assert time.monotonic() - began > 0.85
    assert len(server.calls) > 1


def test_a_failing_name_of_a_batch_takes_no_time_from_the_others(serve: Serve) -> None:
    """One parameter that makes the service fail is tried until the deadline; its nine neighbours have their values."""
    ssm = FakeSsm(**{f"/p{number}": str(number) for number in range(10)})

    def answer(call: Call) -> Answer:
        names = call.json.get("Names") or [call.json["Name"]]
        return aws_error("InternalServerError", "no", 500) if "/p0" in names else ssm(call)

    serve(answer)
    config.configure(deadline=2)
    fields = {f"p{number}": config.ssm(f"/p{number}") for number in range(10)}
    with pytest.raises(config.ConfigUnavailable) as caught:
        type("Many", (config.Settings,), fields).load()
    assert [problem.field for problem in caught.value.problems] == ["p0"]


class Times:
    """A clock and a sleep that count."""

    def __init__(self, seconds: float, failure: Failure, good_after: int | None = None) -> None:
        self.left = seconds
        self.failure = failure
        self.good_after = good_after
        self.pauses: list[float] = []

    def remaining(self) -> float:
        """Return the seconds left."""
        return max(0.0, self.left)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.left -= seconds

    def attempt(self) -> str:
        """Fail, as often as told."""
        if self.good_after is not None and len(self.pauses) >= self.good_after:
            return "value"
        raise self.failure


def run(times: Times) -> str | Failure:
    """Return what comes of trying."""
    try:
        return retry(times.attempt, times, sleep=times.sleep)  # type: ignore[arg-type]
    except Failure as failure:
        return failure


def test_pauses_grow_up_to_a_second() -> None:
    """Each pause is drawn from zero to twice as much as the one before, up to a second."""
    longest = [0.0] * 12
    for _ in range(200):
        times = Times(60, Failure(UNAVAILABLE, "down", retry=FAILING), good_after=12)
        assert run(times) == "value"
        longest = [max(pair) for pair in zip(longest, times.pauses, strict=True)]
    for number, seconds in enumerate(longest):
        most = min(1.0, 0.05 * 2**number)
        assert most * 0.8 < seconds <= most


def test_pauses_after_throttling_spread_over_half_of_the_time() -> None:
    """A throttled request is tried again somewhere in the first half of the time left, down to nothing left."""
    firsts = []
    for _ in range(200):
        times = Times(8, Failure(UNAVAILABLE, "slow down", retry=THROTTLED))
        assert isinstance(run(times), Failure)
        firsts.append(times.pauses[0])
        assert times.left < 0.5
        assert len(times.pauses) < 60
    assert max(firsts) <= 4
    assert max(firsts) > 3.5
    assert min(firsts) < 0.5


@pytest.mark.parametrize(("kind", "tries"), [(NEVER, 1), (BRIEFLY, 4)])
def test_other_failures_are_tried_a_few_times_at_most(kind: str, tries: int) -> None:
    """What is not known to pass is not asked for until the deadline."""
    times = Times(8, Failure(UNAVAILABLE, "cut off", retry=kind))
    assert isinstance(run(times), Failure)
    assert len(times.pauses) == tries - 1


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, THROTTLED),
        ("RequestLimitExceeded", 503, THROTTLED),
        ("", 429, THROTTLED),
        ("", 500, FAILING),
        ("ServiceUnavailable", 503, FAILING),
        ("Anything", 502, FAILING),
        ("AccessDeniedException", 400, NEVER),
        ("InvalidKeyId", 400, NEVER),
        ("", 403, NEVER),
    ],
)
def test_which_errors_are_tried_again(code: str, status: int, kind: str) -> None:
    """Throttling and 5xx are; refusals are not."""
    assert classify_error(code, "", status).retry == kind
