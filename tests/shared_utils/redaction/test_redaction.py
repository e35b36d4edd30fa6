"""No secret is readable in any line that we write, whatever way it came in."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import logging as standard_logging
import threading
import time
import urllib.parse
import warnings

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.config import Secret
from shared_utils.redaction import MASK, REDACTION
from shared_utils.redaction.values import forget, register_secret, registered

CANARY = "c4n4ry-Sq7xZ"


@pytest.fixture
def lines(captured_logs, monkeypatch):
    """Everything written, as text; registered secrets are forgotten afterwards."""
    stream = io.StringIO()
    monkeypatch.setattr("shared_utils.logging.output.observers", [lambda line: stream.write(line + "\n")])
    yield stream
    forget()


@dataclasses.dataclass
class Login:
    """Something whose repr shows a password."""

    user: str
    password: str


KEYS = [
    *("password", "passwd", "PASSWORD", "db_password", "newPasswordConfirmation", "passphrase", "pwd"),
    *("secret", "client_secret", "clientSecret", "aws_secret_access_key", "SecretString", "SecretBinary"),
    *("token", "access_token", "refreshToken", "id-token", "X-Auth-Token", "x-amz-security-token", "jwt"),
    *("api_key", "apikey", "apiKey", "X-Api-Key", "x_api_key", "private_key", "privateKey", "signing_key"),
    *("authorization", "Authorization", "Proxy-Authorization", "cookie", "Set-Cookie", "cookies", "credentials"),
    *("credit_card", "cardNumber", "cvv", "connection_string", "encryption_key"),
]
HARMLESS = ["token_count", "max_tokens", "secret_arn", "secretName", "key", "keys", "monkey", "authored", "passenger"]


@pytest.mark.parametrize("key", KEYS)
def test_a_sensitive_key_is_masked_wherever_it_stands(lines, key):
    """In any case and spelling: as a keyword, bound, nested, in lists, in JSON and key=value text, in reprs."""
    log = get_logger().bind(**{key: CANARY})
    with logging.bound(**{key: CANARY}):
        log.info("it", **{key: CANARY})
        log.info("it", deep={"a": [{"b": {key: CANARY}}, ({key: [CANARY]},)]}, many={key: {"x": CANARY}})
        log.info("it", body=json.dumps({key: CANARY, "inner": json.dumps({key: CANARY})}))
        log.msg(f"{{'{key}': '{CANARY}'}}", query=f"a=1&{key}={CANARY}&b=2", pair=f'{key}="{CANARY}"')
        log.info("it", text=repr({key: CANARY, "n": 1}), raw=repr({key.encode(): CANARY.encode(), "n": [1]}))
        log.info("it", text=repr({key: [CANARY, 1]}), called=f"{key}=Wrapper('{CANARY}')", listed=f"{key}=['{CANARY}']")
        log.info("it", payload=json.dumps({"list": [{key: {"deep": CANARY}}]}))
    assert CANARY not in lines.getvalue()
    assert lines.getvalue().count(MASK) >= 10


@pytest.mark.parametrize("key", HARMLESS)
def test_a_harmless_key_is_not_masked(lines, key):
    """Words that only resemble sensitive ones keep their values."""
    get_logger().info("it", **{key: 42})
    assert json.loads(lines.getvalue())[key] == 42


@pytest.mark.parametrize(
    "message",
    ["password: at least 8 characters", "the token is missing", "secret santa", "a=b", "'key' in it", "x = y"],
)
def test_prose_is_left_alone(lines, message):
    """A message that speaks of passwords is not a password."""
    get_logger().info(message)
    assert json.loads(lines.getvalue())["message"] == message


def test_keys_can_be_added_and_taken_off(lines):
    """`redact` extends the default list, "!" shortens it; a later configuration applies to keys already seen."""
    log = get_logger()
    log.info("it", ssn="seen", token="seen")
    logging.configure(redact=["SSN", "!token"])
    log.info("it", ssn=CANARY, customer_ssn=CANARY, token="shown", other={"ssn": CANARY}, text=f"ssn={CANARY}")
    assert CANARY not in lines.getvalue()
    assert json.loads(lines.getvalue().splitlines()[1])["token"] == "shown"


def test_a_secret_by_type_is_masked(lines):
    """config.Secret shows nothing, at the top, nested, in a message and in an f-string."""
    secret = Secret(CANARY)
    forget()  # by type alone
    get_logger().info(f"with {secret}", value=secret, deep=[{"x": secret}], key={secret: 1})
    get_logger().info("with %s", secret)
    get_logger().info(secret)
    assert CANARY not in lines.getvalue()
    assert len(lines.getvalue().splitlines()) == 3


@pytest.mark.parametrize(
    "value", [CANARY, 'c4n"4ry\\q', "c4n4ry/with+signs= &é", "c4n4ry\nin\ttwo lines", "c4n4ry😀😀"]
)
def test_a_registered_value_is_masked_in_every_form(lines, value):
    """As text, within text, escaped by JSON once or twice, by repr, percent-encoded, in base64, as a key."""
    register_secret(value)
    log = get_logger()
    log.msg(f"before{value}after", value=value, deep=[{"x": (value,)}], key={value: 1})
    log.info("it", once=json.dumps({"a": value}), twice=json.dumps(json.dumps({"a": value})), shown=repr([value]))
    log.info("it", ascii=json.dumps(value), percent=urllib.parse.quote(value, safe=""))
    log.info("it", plus=urllib.parse.quote_plus(value), b64=base64.b64encode(value.encode()).decode())
    log.info("it", raw=value.encode(), error=ValueError(value), login=Login("ann", value))
    text = lines.getvalue()
    assert "c4n" not in text
    assert base64.b64encode(value.encode()).decode().rstrip("=") not in text
    assert all(json.loads(line)["message"] for line in text.splitlines())


def test_a_short_value_masks_only_itself(lines):
    """Below 4 characters a value is not looked for; below 8 only where it stands alone."""
    register_secret("on")
    register_secret("prod")
    get_logger().info("online product", stage="prod", text="in prod now", switch="on")
    line = json.loads(lines.getvalue())
    assert line["message"] == "online product"
    assert (line["stage"], line["text"], line["switch"]) == (MASK, f"in {MASK} now", "on")


def test_a_registered_value_never_masks_the_lines_own_keys(lines, lambda_context):
    """A secret that equals a level, a year or the function's name leaves level, time and identity readable."""
    for value in ("INFO", time.strftime("%Y"), "test-function", "message", "service"):
        register_secret(value)

    @instrument
    def handler(event, context):
        get_logger().info("it", level="INFO")

    handler({}, lambda_context)
    line = json.loads(lines.getvalue())
    assert (line["level"], line["function_name"], line["level_"]) == ("INFO", "test-function", MASK)
    assert line["timestamp"].startswith(time.strftime("%Y"))


def test_a_number_that_is_a_registered_value_is_masked(lines):
    """A PIN registered as text is masked as a number too."""
    register_secret("48151623")
    get_logger().info("it", pin=48151623, other=4815)
    line = json.loads(lines.getvalue())
    assert (line["pin"], line["other"]) == (MASK, 4815)


def test_secrets_made_for_each_request_do_not_add_up(lines):
    """The latest Secrets made by hand are masked by value; configuration's stay masked, however many come after."""
    register_secret("c4n4ry-of-configuration")
    for number in range(500):
        Secret(f"c4n4ry-{number:04}-token")
        Secret("c4n4ry-of-configuration")
        Secret("c4n4ry-used-all-the-time")
    assert len(registered()) < 100
    get_logger().info("c4n4ry-of-configuration c4n4ry-used-all-the-time c4n4ry-0499-token c4n4ry-0470-token")
    assert json.loads(lines.getvalue())["message"] == " ".join([MASK] * 4)


def test_threads_that_register_and_log_do_not_disturb_each_other(lines):
    """No registration is lost, and no line, while several threads load secrets and others log."""

    def register(first):
        for number in range(first, first + 60):
            register_secret(f"c4n4ry-{number:04}-value")

    def log_lines():
        for _ in range(100):
            get_logger().info("password=c4n4ry-none", value={1})

    threads = [threading.Thread(target=register, args=(first,)) for first in range(0, 240, 60)]
    threads += [threading.Thread(target=log_lines) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    get_logger().info("all", values=[f"c4n4ry-{number:04}-value" for number in range(240)])
    assert "c4n4ry" not in lines.getvalue()
    assert "failed" not in lines.getvalue()


def test_a_secret_of_any_depth_is_registered(lines):
    """A JSON secret nested deeper than Python recurses is no obstacle."""
    deep = "c4n4ry-deep"
    for _ in range(100_000):
        deep = [deep]
    register_secret(deep)
    while isinstance(deep, list):
        deep = deep[0]
    get_logger().info("c4n4ry-deep")
    assert json.loads(lines.getvalue())["message"] == MASK


PATTERNED = {
    "access key id": "AKIAIOSFODNN7EXAMPLE",
    "temporary key id": "ASIAIOSFODNN7EXAMPLE",
    "secret access key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1"[:40],
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjNG40cnkifQ.c4n4ryc4n4ryc4n4ry",
    "bearer": "Bearer c4n4ry.c4n4ry-c4n4ry",
    "basic": "Basic YzRuNHJ5OmM0bjRyeQ==",
}


@pytest.mark.parametrize("secret", PATTERNED.values(), ids=PATTERNED.keys())
def test_patterns_find_secrets_when_switched_on(lines, secret):
    """AWS keys, web tokens, bearer and basic credentials: in messages, values, lists and exceptions."""
    logging.configure(redact_patterns=True)
    try:
        raise ValueError(f"refused {secret}")
    except ValueError:
        get_logger().exception(f"with {secret} inside", value=secret, deep=[{"x": f"header {secret}, more"}])
    assert secret not in lines.getvalue()


def test_the_authorization_header_is_masked_in_text(lines):
    """As HTTP libraries print it, with any scheme."""
    for scheme in ("Bearer ", "Basic ", "AWS4-HMAC-SHA256 ", ""):
        get_logger().info("sent", dump=f"GET / HTTP/1.1\r\nAuthorization: {scheme}{CANARY}\r\nHost: example")
    get_logger().info(f"header authorization: Bearer {CANARY}")
    assert CANARY not in lines.getvalue()
    assert lines.getvalue().count("Host: example") == 4


def test_ones_own_patterns(lines):
    """A regular expression of the function's own masks what it finds."""
    logging.configure(redact_patterns=[r"\bIT\d{6}\b"])
    get_logger().info("tax number IT123456", other="IT12")
    line = json.loads(lines.getvalue())
    assert (line["message"], line["other"]) == (f"tax number {MASK}", "IT12")


def test_a_password_in_an_address_is_masked(lines):
    """scheme://user:password@host loses the credentials, in values and in exceptions."""
    get_logger().info("it", url=f"postgres://ann:{CANARY}@db.example/x", error=OSError(f"at https://a:{CANARY}@b/"))
    assert CANARY not in lines.getvalue()
    assert "db.example" in lines.getvalue()


def _raise_chain() -> None:
    try:
        try:
            raise KeyError(f"password='{CANARY}'")
        except KeyError as error:
            error.add_note(f"tried token={CANARY}")
            raise OSError(str({"secret": CANARY})) from error
    except OSError as error:
        raise ExceptionGroup("both", [error, ValueError(repr(Login("ann", CANARY)))]) from error


def test_no_canary_is_in_any_line(lines, lambda_context):
    """Every kind of secret, pushed through messages, values, exceptions, causes, locals, the event and stdlib lines."""
    registered = "r3g1st3r3d-Sq7xZ"
    register_secret(registered)
    logging.configure(exception_locals=True, buffer=True)
    log = get_logger()

    @instrument(log_event=True, log_response=True)
    def handler(event, context):
        password = CANARY  # shown as a local variable, were it not for its name
        found = registered
        log.debug("buffered", api_key=CANARY, value=found)
        log.info("message with %s", found, login=Login("ann", password))
        standard_logging.getLogger("library").warning("password=%s %s", CANARY, found, extra={"token": CANARY})
        standard_logging.getLogger("library").warning({"token": CANARY})
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"token={CANARY} {found}", stacklevel=1)
        try:
            raise RuntimeError(found)
        except RuntimeError:
            log.exception("handled", stack_info=True)
        if event["raise"]:
            _raise_chain()
        return {"password": CANARY, "body": json.dumps({"token": CANARY, "x": found})}

    event = {
        "raise": False,
        "headers": {"Authorization": CANARY, "Cookie": [CANARY]},
        "body": json.dumps({"user": "ann", "password": CANARY, "nested": {"apiKey": CANARY}}),
        "queryStringParameters": {"q": registered},
        "rawQueryString": f"token={CANARY}&q={registered}",
    }
    handler(event, lambda_context)
    with pytest.raises(ExceptionGroup):
        handler({**event, "raise": True}, lambda_context)
    text = lines.getvalue()
    assert CANARY not in text
    assert registered not in text
    assert [json.loads(line)["level"] for line in text.splitlines()].count("ERROR") == 3


def test_a_secret_across_the_cut_leaves_no_half(lines):
    """Where a long value is cut, no part of a secret is left over."""
    register_secret(CANARY)
    logging.configure(max_line_bytes=4096)
    for shift in range(0, 40, 3):
        get_logger().info("it", value=("x" * (1500 + shift) + CANARY) * 50)
        get_logger().info("it", value=CANARY * 2000)
    assert "c4n4" not in lines.getvalue()
    assert "4ry-S" not in lines.getvalue()


def test_hidden_text_costs_linear_time(lines):
    """Texts made to slow down a search take time in proportion to their length."""

    def duration(text: str) -> float:
        best = 9.0
        for _ in range(3):
            start = time.thread_time()
            REDACTION.scrub(text)
            best = min(best, time.thread_time() - start)
        return best

    logging.configure(redact_patterns=True)
    for piece in (
        "token" * 2,
        "a.-_",
        '\\"',
        "'",
        "password=",
        '"password":',
        "://a:",
        "A1a",
        "eyJ",
        " \t",
        "\\",
        "{",
        "token=[",
        "token=(",
    ):
        short, long = (duration("secret " + piece * count) for count in (2000, 16_000))
        assert long < 30 * short + 0.05, piece  # eight times the text; quadratic would be 64 times the time
