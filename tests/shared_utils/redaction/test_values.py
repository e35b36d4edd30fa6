"""Registered values are bounded, and what cannot be a secret is shown."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config, get_logger, logging
from shared_utils.redaction import MASK, REDACTION
from shared_utils.redaction.values import register_secret, registered
from tests.support.fake_aws import Answer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared_utils.testing import CapturedLogs
    from tests.support.fake_aws import Call, Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A Secrets Manager whose only secret changes with each read."""
    reads = 0

    def answer(call: Call) -> Answer:
        nonlocal reads
        reads += 1
        return Answer(
            {"SecretString": json.dumps({"user": "ann", "password": f"pw-{reads:05}", "more": f"x-{reads:05}"})}
        )

    with serving(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "signed")
        config.refresh()
        yield server
        config.refresh()


@pytest.mark.parametrize("refresh", [False, True])
def test_a_secret_that_is_rotated_for_ever(server: Server, captured_logs: CapturedLogs, *, refresh: bool) -> None:
    """Of each reference the current value and the two before are looked for, with all their parts, and no more."""
    sizes = set()
    for number in range(1, 301):
        if refresh:
            config.refresh()
        whole = config.get("secret://db", type=dict, max_age=0)
        assert whole["password"] == f"pw-{number:05}"
        assert config.get("secret://db#password").reveal() == whole["password"]
        sizes.add(len(registered()))
    assert max(sizes) < 3 * 8
    logging.info("pw-00300 pw-00299 pw-00298 x-00298 pw-00297 x-00001 ann")
    assert captured_logs[-1]["message"] == f"{MASK} {MASK} {MASK} {MASK} pw-00297 x-00001 ann"


def test_owners_do_not_displace_each_other(captured_logs: CapturedLogs) -> None:
    """A value that two references have stays masked while one of them has it."""
    register_secret("shared-value", owner="ssm:///a")
    register_secret("shared-value", owner="ssm:///b")
    for number in range(10):
        register_secret(f"other-{number}", owner="ssm:///a")
        register_secret(f"other-{number}", owner="ssm:///a")  # again is not another one
    logging.info("shared-value other-9 other-8 other-7 other-6")
    assert captured_logs[-1]["message"] == f"{MASK} {MASK} {MASK} {MASK} other-6"


def test_a_value_that_comes_back_is_the_latest(captured_logs: CapturedLogs) -> None:
    """A reference that alternates between two forms keeps both."""
    for _ in range(5):
        register_secret("first-form", owner="a")
        register_secret("second-form", owner="a")
    logging.info("first-form second-form")
    assert captured_logs[-1]["message"] == f"{MASK} {MASK}"
    assert len(registered()) == 2


def test_what_was_bound_before_it_was_known_is_masked(captured_logs: CapturedLogs) -> None:
    """Each registration counts: a value that a logger has written already is masked once it is known to be a secret."""
    log = get_logger(note="bound-long-before")
    register_secret("another-value", owner="a")
    log.info("before")
    register_secret("bound-long-before", owner="b")
    log.info("after")
    assert [line["note"] for line in captured_logs] == ["bound-long-before", MASK]


def test_owners_are_bounded() -> None:
    """References made of user input do not add up, either."""
    for number in range(1100):
        register_secret(f"value-{number}", owner=f"ssm:///{number}")
        if number == 30:
            REDACTION.look_for({})  # building needles each time is not what is tested
    assert len(registered()) == 1024


@dataclass
class Login:
    """A part of a secret."""

    user: str
    tail: str


def test_secrets_and_dataclasses_are_looked_into(captured_logs: CapturedLogs) -> None:
    """Values within a Secret and in the fields of a dataclass are found."""
    register_secret([config.Secret("in-a-secret"), Login("ann1", "in-a-field")], owner="a")
    logging.info("in-a-secret in-a-field")
    assert captured_logs[-1]["message"] == f"{MASK} {MASK}"


SHOWN: dict[str, Any] = {
    "has_password": True,
    "password": None,
    "use_token": False,
    "password_length": 12,
    "max_token": 500,
    "private_key_bits": 2048,
    "password_max_age": 3.5,
    "api_key_count": 2,
    "passwordMinLength": 8,
    "min_secret": 1,
}
MASKED: dict[str, Any] = {
    "otp": 123456,
    "cvv": 123,
    "pin": 1234,
    "token": 55,
    "access_token": 5.5,
    "card_number": 4111111111111111,
    "credit_card_expiry": 1226,
    "password": 12345678,
    "max_token_text": "x",
    "db_password_length": "twelve",
    "secret": [1, 2],
    "apiKey": 5,
}


@pytest.mark.parametrize("key", SHOWN)
def test_truth_values_none_and_measures_are_shown(captured_logs: CapturedLogs, key: str) -> None:
    """A flag, nothing, and a number under a key that names a count, limit, length or time are no secret."""
    value = SHOWN[key]
    logging.info("it", **{key: value}, deep=[{key: value}], text=f"{key}={value!r} {json.dumps({key: value})}")
    line = captured_logs[-1]
    assert (line[key], line["deep"]) == (value, [{key: value}])
    assert line["text"] == f"{key}={value!r} {json.dumps({key: value})}"


@pytest.mark.parametrize("key", [key for key in MASKED if key != "max_token_text"])
def test_other_values_under_such_keys_are_masked(captured_logs: CapturedLogs, key: str) -> None:
    """Codes, numbers of cards, and texts stay masked, whatever else the key says."""
    logging.info("it", **{key: MASKED[key]}, deep=[{key: MASKED[key]}], text=f"{key}={MASKED[key]}")
    line = captured_logs[-1]
    assert (line[key], line["deep"]) == (MASK, [{key: MASK}])
    assert re.fullmatch(re.escape(f"{key}={MASK}"), line["text"])


def test_a_key_that_was_asked_for_is_masked_whatever_its_value(captured_logs: CapturedLogs) -> None:
    """What `configure(redact=…)` names is hidden, truth values and measures too."""
    logging.configure(redact=["vip", "max_discount"])
    logging.info("it", is_vip=True, max_discount=5)
    assert (captured_logs[-1]["is_vip"], captured_logs[-1]["max_discount"]) == (MASK, MASK)
