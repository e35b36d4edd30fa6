"""Redaction at its edges: every word, the shortest values, values within values, forms of a value, cuts."""

from __future__ import annotations

import base64
import json
import os
import urllib.parse

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.config import Secret
from shared_utils.redaction import REDACTION
from shared_utils.redaction.values import forget, register_secret, registered

MASK = "[REDACTED]"
# The words by which a key is sensitive, written out: the test must not take them from the code.
ENDS = [
    *("access_key", "access_key_id", "accesskey", "auth", "authorization", "connection_string", "cookie"),
    *("cookies", "credential", "credentials", "csrf", "cvc", "cvv", "encryption_key", "jwt", "otp", "pin", "pwd"),
    *("secret", "secret_binary", "secret_key", "secret_string", "secret_value", "secretkey", "secrets"),
    *("amz_signature", "signing_key", "token"),
]
HOLDS = ["password", "passwd", "passphrase", "privatekey", "apikey", "clientsecret", "creditcard", "cardnumber"]


@pytest.mark.parametrize("word", ENDS)
def test_every_word_at_the_end_of_a_key_masks(captured_logs, word):
    """Alone and after another word, in snake, camel and kebab case; as a value's key and within text."""
    camel = "x" + "".join(part.title() for part in word.split("_"))
    for key in (word, f"my_{word}", word.upper(), f"X-{word.replace('_', '-').title()}", camel):
        get_logger().info("it", **{key: "c4n4ry"})
        get_logger().info(f"{key}=c4n4ry&a=1")
        get_logger().info(f'{{"{key}": "c4n4ry", "a": 1}}')
    assert "c4n4ry" not in json.dumps(captured_logs)
    assert all("a" in line["message"] or line["message"] == "it" for line in captured_logs)


@pytest.mark.parametrize("word", HOLDS)
def test_every_word_anywhere_in_a_key_masks(captured_logs, word):
    """At its beginning, in its middle and at its end."""
    for key in (word, f"{word}Again", f"old_{word}_x", f"x{word}y"):
        get_logger().info("it", **{key: "c4n4ry"})
    assert "c4n4ry" not in json.dumps(captured_logs)


@pytest.mark.parametrize("key", ["author", "tokens_used", "secretary", "key", "keys", "passenger", "cookies_accepted"])
def test_words_that_only_look_like_them_stay(captured_logs, key):
    """A key is judged by its words."""
    get_logger().info("it", **{key: "shown"})
    assert captured_logs.one()[key] == "shown"


@pytest.mark.parametrize(
    ("value", "alone", "inside"),
    [("abc", False, False), ("ab3d", True, False), ("abc4567", True, False), ("abcd5678", True, True)],
    ids=["3", "4", "7", "8"],
)
def test_short_registered_values(captured_logs, value, alone, inside):
    """Under 4 characters never, under 8 only where it stands alone, from 8 on anywhere."""
    register_secret(value)
    get_logger().info(f"it is {value}.", value=value, word=f"x{value}y")
    line = captured_logs.one()
    assert (line["message"] == f"it is {MASK}.") is alone
    assert (line["value"] == MASK) is alone
    assert (line["word"] == f"x{MASK}y") is inside


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_values_of_which_one_begins_the_other_the_longer_is_masked(captured_logs, order):
    """Nothing of the longer one is left, whichever was registered first."""
    for value in ["c4n4ry-short", "c4n4ry-short-and-longer"][::order]:
        register_secret(value)
    get_logger().info("<c4n4ry-short-and-longer> <c4n4ry-short>")
    assert captured_logs.one()["message"] == f"<{MASK}> <{MASK}>"


@pytest.mark.parametrize("value", ["c4n4ry-a", "c4n4ry-ab", "c4n4ry-abc", "c4n4ry-ümlaut", "c4n4ry €/?&=+"])
@pytest.mark.parametrize(
    "form",
    [
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
        urllib.parse.quote_plus,
        lambda value: urllib.parse.quote(value, safe=""),
        json.dumps,
        lambda value: json.dumps(json.dumps(value)),
        lambda value: json.dumps(value, ensure_ascii=False),
        repr,
    ],
    ids=["base64", "base64 without =", "plus", "percent", "json", "json in json", "json, not ASCII", "repr"],
)
def test_every_form_of_a_registered_value_is_masked(captured_logs, value, form):
    """As text, as a value and in bytes."""
    register_secret(value)
    shown = form(value)
    get_logger().info(f"it is {shown} here", value=shown, raw=shown.encode(), nested=[{"x": f"<{shown}>"}])
    line = captured_logs.one()
    core = shown.strip("\"'\\")
    assert core.rstrip("=") not in json.dumps(line, ensure_ascii=False)
    assert MASK in line["message"]


@pytest.mark.parametrize(
    "address",
    [
        "redis://:c4n4ry@host:6379/0",
        "postgres://user:c4n4ry@host/db",
        "amqps://u:c4n4ry%2F@h",
        "https://u:c4n4ry@h/p?a=1",
    ],
)
def test_an_address_may_be_the_lines_only_odd_value(captured_logs, address):
    """A password in an address is masked in a line that has nothing else to look at, as message and as value."""
    get_logger().info("it", url=address)
    get_logger().info(address)
    for text in (captured_logs[0]["url"], captured_logs[1]["message"]):
        assert "c4n4ry" not in text
        assert text.startswith(address.partition("://")[0] + "://")
        assert "@h" in text


def test_text_below_a_describing_key_is_a_secret(captured_logs):
    """In a JSON secret host and user are shown, but what is nested below such a key is masked."""
    register_secret(
        {"host": "db.example", "engine": {"note": "c4n4ry-nested"}, "user": ["c4n4ry-listed"], "port": 54321}
    )
    get_logger().info("db.example 54321 c4n4ry-nested c4n4ry-listed")
    assert captured_logs.one()["message"] == f"db.example 54321 {MASK} {MASK}"


@pytest.mark.parametrize("size", [2000, 4096])
@pytest.mark.parametrize("what", ["event", "message"])
def test_a_long_secret_at_the_cut_leaves_nothing(captured_logs, what, size):
    """A registered value of 1,700 characters that begins before, at and behind the cut is gone, as a whole."""
    secret = "".join(f"c4n4ry{number:04}" for number in range(170))
    register_secret(secret)
    if what == "message":
        logging.configure(max_line_bytes=size)

    @instrument(log_event=size if what == "event" else False)
    def handler(event, context):
        if what == "message":
            get_logger().info(event["text"])

    for before in range(0, size + 200, 97):
        handler({"text": "x" * before + secret + "y" * size}, None)
    assert captured_logs
    assert "c4n4ry" not in json.dumps(captured_logs)


def test_the_line_of_an_internal_failure_is_redacted(captured_logs, monkeypatch):
    """The message of the line that could not be made stands in it, without what must not be readable."""
    register_secret("c4n4ry-Sq7xZ")

    def fail(*args: object) -> None:
        raise MemoryError("c4n4ry-Sq7xZ")

    monkeypatch.setattr("shared_utils.logging.output._render", fail)
    get_logger().info("it is c4n4ry-Sq7xZ, password=c4n4ry-other")
    line = captured_logs.one()
    assert "it is [REDACTED]" in line["message"]
    assert "c4n4ry" not in json.dumps(line)
    assert REDACTION.suspects("c4n4ry-Sq7xZ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1" * 19, True), ("1" * 20, False), ("-5", True), (".5", True), ("nan", False), ("Infinity", False)],
)
def test_what_is_a_number_under_a_measure_in_text(captured_logs, value, shown):
    """Digits of a usual length are a measure; a longer run of them, and words that Python reads as numbers, are not."""
    get_logger().info(f"max_token={value}")
    assert captured_logs.one()["message"] == f"max_token={value if shown else MASK}"


@pytest.mark.parametrize("written", ["customer_ssn", "customerSsn", "Customer-Ssn", "CUSTOMER.SSN"])
def test_a_key_of_ones_own_is_found_in_text_however_it_is_written(captured_logs, written):
    """A key of several words that `redact` names is masked within text in any case and with any separator."""
    logging.configure(redact=["customer_ssn"])
    get_logger().info(f"{written}=c4n4ry&a=1")
    assert captured_logs.one()["message"] == f"{written}={MASK}&a=1"


@pytest.mark.parametrize("value", ['"c4n4ry"', "\nc4n4ry\t", "éc4n4ryß", "\\c4n4ry\\"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_character_of_an_escaped_value_is_left(captured_logs, value, ascii_only):
    """Escaped once and twice, a value is masked from its first to its last character."""
    register_secret(value)
    once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    get_logger().info(f"<{value}> <{once}> <{twice}>")
    assert captured_logs.one()["message"] == f"<{MASK}> <{MASK}> <{MASK}>"


def test_bytes_that_are_no_text_can_be_registered(captured_logs):
    """They are found as an escaped text shows them."""
    register_secret(b"c4n4ry\xff\xfe-raw")
    get_logger().info(r"it is c4n4ry\xff\xfe-raw")
    assert captured_logs.one()["message"] == f"it is {MASK}"


def test_a_value_of_the_moment_that_is_used_again_is_the_latest(captured_logs):
    """Of values that are not lasting those are looked for that were used last, not those that were new last."""
    for number in (*range(64), 0, *range(64, 74)):
        register_secret(f"c4n4ry-{number:02}", lasting=False)
    get_logger().info("c4n4ry-00 c4n4ry-73 c4n4ry-11 c4n4ry-10")
    assert captured_logs.one()["message"] == f"{MASK} {MASK} {MASK} c4n4ry-10"


def test_a_value_is_found_in_the_repr_of_a_text(captured_logs):
    """Also where repr escapes what JSON escapes in another way."""
    register_secret("c4n4ry\x07\u200bbell")
    get_logger().info("it is " + repr("c4n4ry\x07\u200bbell"))
    assert captured_logs.one()["message"] == f"it is '{MASK}'"


def test_whole_numbers_and_secrets_within_a_value_are_registered(captured_logs):
    """A number is found as it is written; a Secret by what it holds, also when that is not registered any more."""
    secret = Secret("c4n4ry-inner")
    forget()
    register_secret({"code": 48151623, "deep": [secret]})
    get_logger().info("it is 48151623, c4n4ry-inner")
    assert captured_logs.one()["message"] == f"it is {MASK}, {MASK}"


@pytest.mark.parametrize("value", ["c4n4ry-xW", "éc4n4ry9"])
def test_no_character_of_an_encoded_value_is_left(captured_logs, value):
    """In base64 that ends with a letter of any kind, percent-encoded, and as the repr of bytes."""
    register_secret(value)
    raw = value.encode()
    encoded = base64.b64encode(raw).decode().rstrip("=")
    get_logger().info(f"<{encoded}> <{urllib.parse.quote(value)}> <{raw!r}>")
    assert captured_logs.one()["message"] == f"<{MASK}> <{MASK}> <b'{MASK}'>"


def test_a_forked_child_can_register(captured_logs):
    """The lock of registered values is a new one in the child, whoever held the parent's."""
    child = os.fork()
    if not child:
        try:
            register_secret("c4n4ry-of-the-child")
        finally:
            os._exit(0 if "c4n4ry-of-the-child" in registered() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("before", [1, "text", None, [2], {"a": 1}, (3,)])
def test_a_sensitive_key_is_found_behind_any_value(captured_logs, before):
    """What stands before it, in the line or in a list, does not end the search."""
    get_logger().info(
        "it", first=before, listed=[before, {"password": "c4n4ry"}], tree={"a": before, "b": [{"otp": 1}]}
    )
    get_logger().info("it", first=before, second={"password": "c4n4ry"})
    first, second = captured_logs
    assert (first["listed"][1], first["tree"]["b"]) == ({"password": MASK}, [{"otp": MASK}])
    assert second["second"] == {"password": MASK}
