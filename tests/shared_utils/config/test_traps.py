"""The nine traps of Powertools' Parameters (the field's list), each as the behaviour that we have instead."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from tests.support.fake_aws import Answer, FakeSsm, aws_error, denied_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Server
    from tests.support.fake_clock import Clock

    Serve = Callable[..., Server]


def test_trap_1_the_cache_knows_whether_a_value_was_decrypted(serve: Serve) -> None:
    """A parameter read as ciphertext and then decrypted gives the plain text the second time."""
    ssm = FakeSsm(**{"/todos/key": "plain text"})
    ssm.types["/todos/key"] = "SecureString"
    serve(ssm)
    assert config.get("ssm:///todos/key?decrypt=false") == "AQICAH-ciphertext"
    assert config.get("ssm:///todos/key") == "plain text"
    assert config.get("ssm:///todos/key?decrypt=false") == "AQICAH-ciphertext"


def test_trap_2_batch_and_single_reads_share_one_cache(serve: Serve) -> None:
    """What a Settings class has read in a batch, get() has without a call, and the other way round."""
    server = serve(FakeSsm(**{"/a": "1", "/b": "2", "/c": "3"}))

    class Settings(config.Settings):
        a: int = config.ssm("/a")
        b: int = config.ssm("/b")

    assert config.get("ssm:///a", type=int) == 1
    Settings.load()
    assert server.operations == ["GetParameter", "GetParameter"]  # /a was known, /b was all that was left
    assert config.get("ssm:///b") == "2"
    assert len(server.calls) == 2


def test_trap_2_a_path_brings_its_parameters_along(serve: Serve) -> None:
    """What was read below a path is known by its single name afterwards."""
    server = serve(FakeSsm(**{"/todos/a": "1", "/todos/deep/b": "2"}))
    assert config.get("ssm:///todos/") == {"a": "1", "deep/b": "2"}
    assert config.get("ssm:///todos/deep/b") == "2"
    assert server.operations == ["GetParametersByPath"]


@pytest.mark.parametrize("code", ["InternalServerError", "InvalidKeyId", "AccessDeniedException"])
def test_trap_3_a_failing_name_in_a_batch_is_an_error_of_its_own(serve: Serve, code: str) -> None:
    """When a batch fails for one of its names, the others get their values, and that one its error."""
    ssm = FakeSsm(**{"/a": "1", "/b": "2", "/bad": "x"})

    def answer(call: Any) -> Answer:
        names = call.json.get("Names") or [call.json["Name"]]
        return (
            aws_error(code, "cannot", 500 if code == "InternalServerError" else 400) if "/bad" in names else ssm(call)
        )

    serve(answer)
    config.configure(deadline=2)

    class Settings(config.Settings):
        a: int = config.ssm("/a")
        b: int = config.ssm("/b")
        bad: str = config.ssm("/bad", default="not used: the name exists")

    with pytest.raises(config.ConfigUnavailable) as caught:
        Settings.load()
    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == ("bad", code)
    assert config.get("ssm:///a") == "1"


def test_trap_3_names_that_the_service_calls_invalid_are_missing_ones(serve: Serve) -> None:
    """InvalidParameters of a batch are reported one by one as missing, and defaults stand for them."""
    serve(FakeSsm(**{"/a": "1"}))

    class Settings(config.Settings):
        a: int = config.ssm("/a")
        b: int = config.ssm("/b")
        c: int = config.ssm("/c", default=3)

    with pytest.raises(config.MissingConfig) as caught:
        Settings.load()
    assert [problem.field for problem in caught.value.problems] == ["b"]


def test_trap_4_many_threads_on_a_cold_key_make_one_call(serve: Serve) -> None:
    """32 threads that want the same parameter at once share one request."""
    ssm = FakeSsm(**{"/a": "1"})
    everybody = threading.Barrier(32)
    asked = threading.Event()

    def answer(call: Any) -> Answer:
        asked.wait(0.3)  # long enough for all to have come
        return ssm(call)

    server = serve(answer)
    values: list[Any] = []

    def work() -> None:
        everybody.wait()
        values.append(config.get("ssm:///a", type=int))

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [1] * 32
    assert len(server.calls) == 1


def test_trap_5_an_old_value_is_better_than_none(serve: Serve, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """When the source fails after the TTL, the old value is served, with back-off: not every call asks again."""
    ssm = FakeSsm(**{"/a": "1"})
    server = serve(ssm)
    assert config.get("ssm:///a") == "1"
    server.answer = lambda call: aws_error("AccessDeniedException", denied_message("ssm:GetParameter", "parameter/a"))
    clock.advance(400)
    for _ in range(10):
        assert config.get("ssm:///a") == "1"
    assert len(server.calls) == 2
    clock.advance(61)
    server.answer = ssm
    ssm.parameters["/a"] = "2"
    assert config.get("ssm:///a") == "2"


def test_trap_5_an_old_value_is_not_served_for_ever(serve: Serve, clock: Clock) -> None:
    """Past max_stale the failure is told instead of the value."""
    server = serve(FakeSsm(**{"/a": "1"}))
    assert config.get("ssm:///a") == "1"
    server.answer = lambda call: aws_error("InternalServerError", "down", 500)
    clock.advance(300 * 1.1 + 3600)
    config.configure(deadline=1)
    with pytest.raises(config.ConfigUnavailable, match="InternalServerError"):
        config.get("ssm:///a")


def test_trap_6_nine_encrypted_and_one_plain_parameter_take_one_call(serve: Serve) -> None:
    """Encrypted and plain parameters travel in one batch."""
    ssm = FakeSsm(**{f"/p{number}": str(number) for number in range(10)})
    ssm.types |= {f"/p{number}": "SecureString" for number in range(9)}
    server = serve(ssm)
    names = {f"p{number}": config.ssm(f"/p{number}") for number in range(10)}
    settings = type("Many", (config.Settings,), names).load()
    assert [getattr(settings, name) for name in names] == [str(number) for number in range(10)]
    assert server.operations == ["GetParameters"]


def test_trap_7_a_callers_change_stays_the_callers(serve: Serve) -> None:
    """What get() and load() hand out may be changed without anybody else seeing it."""
    serve(FakeSsm(**{"/a": '{"list": [1]}'}))

    class Settings(config.Settings):
        a: dict[str, list[int]] = config.ssm("/a")

    for read in (lambda: config.get("ssm:///a", type=dict[str, list[int]]), lambda: Settings.load().a):
        for _ in range(3):
            value = read()
            assert value == {"list": [1]}
            value["list"].append(2)
            value["more"] = []


@pytest.mark.parametrize(("monotonic", "wall"), [(400, 0), (0, 400), (400, -5000)])
def test_trap_7_a_value_expires_by_either_clock(serve: Serve, clock: Clock, monotonic: float, wall: float) -> None:
    """The TTL passes by the monotonic clock, and by the wall clock while the other stands still in a freeze."""
    server = serve(FakeSsm(**{"/a": "1"}))
    config.get("ssm:///a")
    clock.monotonic += monotonic
    clock.wall += wall
    config.get("ssm:///a")
    assert len(server.calls) == 2


def test_trap_7_a_wall_clock_that_steps_back_expires_nothing(serve: Serve, clock: Clock) -> None:
    """A corrected clock makes no value old."""
    server = serve(FakeSsm(**{"/a": "1"}))
    config.get("ssm:///a")
    clock.wall -= 86400
    clock.monotonic += 200
    config.get("ssm:///a")
    assert len(server.calls) == 1


def test_trap_8_reading_a_parameter_loads_no_sdk(serve: Serve) -> None:
    """A process that has read a parameter has imported neither boto3 nor any of the heavy standard modules."""
    server = serve(FakeSsm(**{"/a": "1"}))
    heavy = ["asyncio", "boto3", "botocore", "concurrent.futures", "email", "http.client", "inspect", "ssl", "typing",
             "urllib.parse", "urllib3", "structlog", "dataclasses", "datetime"]  # fmt: skip
    code = (
        "import sys; from shared_utils import config\n"
        "assert config.get('ssm:///a', type=int) == 1\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, env=_env())
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    assert len(server.calls) == 1


def _env() -> dict[str, str]:
    import os
    from pathlib import Path

    import shared_utils

    return {**os.environ, "PYTHONPATH": str(Path(shared_utils.__file__).parents[1])}


def test_trap_9_the_error_code_is_there_to_be_looked_at(serve: Serve) -> None:
    """An error carries the service's code, and its message the action, the resource and the region."""
    serve(lambda call: aws_error("AccessDeniedException", denied_message("ssm:GetParameter", "parameter/a")))
    with pytest.raises(config.ConfigUnavailable) as caught:
        config.get("ssm:///a", default="never")
    assert caught.value.problems[0].code == "AccessDeniedException"
    message = str(caught.value)
    assert "allow ssm:GetParameter on arn:aws:ssm:eu-central-1:111122223333:parameter/a" in message
    assert "asked in eu-central-1" in message


def test_trap_9_lifetimes_are_spread(serve: Serve, clock: Clock) -> None:
    """The TTL of each value differs by up to a tenth, so that a fleet does not refresh in step."""
    server = serve(FakeSsm(**{f"/{number}": str(number) for number in range(50)}))
    for number in range(50):
        config.get(f"ssm:///{number}")
    expired: dict[int, int] = {}  # after that many seconds: so many values
    for second in range(265, 335, 5):
        clock.advance(265 if second == 265 else 5)
        before = len(server.calls)
        for number in range(50):
            config.get(f"ssm:///{number}")
        expired[second] = len(server.calls) - before
    assert expired[265] == 0
    assert sum(expired.values()) == 50
    assert sum(count > 0 for count in expired.values()) >= 6
    assert max(expired.values()) < 25


def test_trap_9_a_failed_read_is_remembered_for_a_moment(serve: Serve, clock: Clock) -> None:
    """A missing name is not asked for again at once, but soon."""
    ssm = FakeSsm()
    server = serve(ssm)
    for _ in range(5):
        assert config.get("ssm:///later", default="default") == "default"
    assert len(server.calls) == 1
    ssm.parameters["/later"] = "value"
    clock.advance(6)
    assert config.get("ssm:///later", default="default") == "value"
