"""What configuration reads as secret is masked, in all its parts, wherever it appears."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config, logging
from tests.support.fake_aws import FakeSsm

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared_utils.testing import CapturedLogs
    from tests.support.fake_aws import Server

    Serve = Callable[..., Server]

DATABASE = json.dumps({"username": "ann1", "password": "canary-pw", "hosts": [{"key": "canary-deep"}], "pin": 481516})


@dataclass
class Database:
    """A secret as a dataclass."""

    username: str
    password: str


def secure(**parameters: str) -> FakeSsm:
    """Return a parameter store of SecureStrings."""
    ssm = FakeSsm(**parameters)
    ssm.types = dict.fromkeys(parameters, "SecureString")
    return ssm


READS: dict[str, Callable[[], Any]] = {
    "as a dict": lambda: config.get("ssm:///p/db", type=dict),
    "as text": lambda: json.loads(config.get("ssm:///p/db")),
    "as a dataclass": lambda: vars(config.get("ssm:///p/db", type=Database)) | {"hosts": [{"key": "canary-deep"}]},
    "below a path": lambda: json.loads(config.get("ssm:///p/")["db"]),
}


@pytest.mark.parametrize("read", READS)
def test_the_parts_of_a_json_parameter_are_masked(serve: Serve, captured_logs: CapturedLogs, read: str) -> None:
    """Each secret text and number in a JSON SecureString is masked by itself, as those of a JSON secret are."""
    serve(secure(**{"/p/db": DATABASE}))
    value = READS[read]()
    logging.info(f"{value['password']} {value['hosts'][0]['key']}", number=481516, user=value["username"])
    line = captured_logs[-1]
    assert (line["message"], line["number"], line["user"]) == ("[REDACTED] [REDACTED]", "[REDACTED]", "ann1")


def test_the_items_of_a_secret_list_are_masked(serve: Serve, captured_logs: CapturedLogs) -> None:
    """A SecureString that is read as a list of texts has secret items."""
    serve(secure(**{"/keys": "canary-one, canary-two"}))
    one, two = config.get("ssm:///keys", type=list[str])
    assert (one, two) == ("canary-one", "canary-two")
    logging.info(f"{two} and {one}")
    assert captured_logs[-1]["message"] == "[REDACTED] and [REDACTED]"


def test_secrets_made_of_plain_values_stay_masked(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, captured_logs: CapturedLogs
) -> None:
    """A variable or parameter that a field reads as Secret is masked, however many Secrets are made afterwards."""
    serve(FakeSsm(**{"/plain": "canary-plain"}))
    monkeypatch.setenv("TOKEN", "canary-variable")

    class Settings(config.Settings):
        token: config.Secret = config.env("TOKEN")
        plain: config.Secret | None = config.ssm("/plain")

    Settings.load()
    for number in range(200):
        config.Secret(f"of-a-request-{number}")
    logging.info("canary-plain canary-variable")
    assert captured_logs[-1]["message"] == "[REDACTED] [REDACTED]"


class Shown(config.Settings):
    """Fields whose names say what they are."""

    db_password: str = config.env("A", default="canary-a")
    has_password: bool = config.env("B", default=True)
    token: str | None = config.env("C", default=None)
    password_length: int = config.env("D", default=12)
    pin: int = config.env("E", default=1234)
    login: dict[str, str] = config.env("F", default={"user": "ann", "password": "canary-f"})
    database: Database = config.env("G", default=Database("ann", "canary-g"))
    url: str = config.env("H", default="https://ann:canary-h@example.com/")
    table: str = config.env("I", default="todos")


def test_the_repr_masks_what_a_line_would(captured_logs: CapturedLogs) -> None:
    """By the field's name, by keys inside, by what was registered; what is no secret is shown."""
    shown = repr(Shown.load())
    assert "canary" not in shown
    assert "1234" not in shown
    for part in ("has_password=True", "token=None", "password_length=12", "'user': 'ann'", "table='todos'"):
        assert part in shown
    logging.info("it", settings=Shown.load())
    assert "canary" not in captured_logs[-1]["settings"]


@pytest.mark.parametrize("validate", [None, lambda value: int(value)])
def test_errors_do_not_show_what_a_name_marks_as_secret(monkeypatch: pytest.MonkeyPatch, validate: Any) -> None:
    """A value of the wrong type is not repeated where the field, the variable or the key has a secret's name."""
    monkeypatch.setenv("DB_PASSWORD", "canary-1")
    monkeypatch.setenv("PLAIN", "canary-2")

    class ByVariable(config.Settings):
        value: int if validate is None else str = config.env("DB_PASSWORD", validate=validate)  # type: ignore[valid-type]

    class ByField(config.Settings):
        api_key: int if validate is None else str = config.env("PLAIN", validate=validate)  # type: ignore[valid-type]

    for settings in (ByVariable, ByField):
        with pytest.raises(config.InvalidConfig) as caught:
            settings.load()
        assert "canary" not in str(caught.value)
    with pytest.raises(config.InvalidConfig) as caught:
        config.get("env://DB_PASSWORD", type=int)
    assert "canary" not in str(caught.value)
    with pytest.raises(config.InvalidConfig, match="canary-2"):
        config.get("env://PLAIN", type=int)
