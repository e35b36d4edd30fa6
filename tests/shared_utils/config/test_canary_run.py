"""A canary run: settings of any secrets, types, names and mistakes leave no secret in a line, an error or a repr.

A hundred examples in the suite; ``CANARY_EXAMPLES=10000`` makes it as many.
"""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_utils import config, get_logger
from shared_utils.redaction.values import forget

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs, ConfigValues

EXAMPLES = int(os.environ.get("CANARY_EXAMPLES", "100"))
CANARY = "c4n4ry-Sq7xZ"
# Around the canary stands whatever a secret may hold; it is looked for by its heart, which nothing else contains.
SECRETS = st.builds(
    lambda before, after: f"{before}{CANARY}{after}",
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)
KEYS = st.sampled_from(["password", "api_key", "value", "data", "a b", "tail", "x"])


@dataclass
class Login:
    """A part of a secret."""

    user: str
    password: str
    port: int = 5432


def refuse(value: object) -> None:
    """Refuse a value, with it in the text."""
    raise ValueError(f"refused {value!r}")


TYPES = st.sampled_from(
    [
        *(
            None,
            str,
            int,
            float,
            bool,
            dict,
            list,
            bytes,
            list[str],
            dict[str, int],
            config.Secret,
            config.Secret[bytes],
        ),
        *(config.Secret | None, int | None, Login, tuple[str, int], set[str], dict[str, config.Secret]),
    ]
)
SOURCES = st.sampled_from(
    ["secret://s", "secret://s#password", "secret://s#value.tail", "env://DB_PASSWORD", "vault://v"]
)
SHAPES = st.sampled_from(["text", "object", "deep", "list", "broken"])


def shaped(secret: str, shape: str, key: str) -> Any:
    """Return a secret in one of the shapes that secrets have."""
    if shape == "object":
        return {key: secret, "user": "ann"}
    if shape == "deep":
        return {"value": {"tail": secret, key: [secret, {"x": secret}]}}
    if shape == "list":
        return json.dumps([secret, 1])
    return "{" + secret if shape == "broken" else secret


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(secret=SECRETS, shape=SHAPES, key=KEYS, kind=TYPES, source=SOURCES, check=st.booleans(), default=st.booleans())
def test_no_secret_comes_out_of_settings(
    config_values: ConfigValues,
    captured_logs: CapturedLogs,
    *,
    secret: str,
    shape: str,
    key: str,
    kind: Any,
    source: str,
    check: bool,
    default: bool,
) -> None:
    """Whatever is read as whatever, and however it fails: errors, tracebacks, reprs and lines are free of it."""
    forget()
    config.register_source("vault", lambda path: None, secret=True)
    value = shaped(secret, shape, key)
    base = source.partition("#")[0]
    config_values({base: value if base.startswith("secret") or isinstance(value, str) else json.dumps(value)})
    fields = {
        "__annotations__": {"read": kind},
        "read": config.field(source, validate=refuse if check else None, **({"default": "d"} if default else {})),
    }
    shown: list[str] = []
    log = get_logger()
    try:
        loaded = type("Settings", (config.Settings,), fields).load()
    except config.ConfigError as error:
        shown += [str(error), repr(error), repr(error.problems), "".join(traceback.format_exception(error))]
        log.exception("failed")
    else:
        shown += [repr(loaded), str(loaded)]
        if not source.startswith("env"):  # a plain variable's value is not known to be secret
            log.info("read %s", loaded.read, value=loaded.read, deep=[{"x": loaded.read}], text=f"<{loaded.read}>")
        log.info("settings", settings=loaded)
    try:
        config.get(source, type=kind)
    except config.ConfigError as error:
        shown.append(str(error))
    shown += [json.dumps(line, ensure_ascii=False) for line in captured_logs]
    captured_logs.clear()
    assert CANARY not in "\n".join(shown)
