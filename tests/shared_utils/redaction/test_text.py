"""What masking leaves of a text: all but the values, exactly."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_utils.redaction import MASK, REDACTION, Redaction, snake_case
from shared_utils.redaction.values import register_secret, registered

# A text, and what is written of it.
TEXTS = {
    "password=c4n4ry": "password=[REDACTED]",
    "a=1&token=c4n4ry&b=2": "a=1&token=[REDACTED]&b=2",
    'pwd="c4n4ry with spaces" b=2': 'pwd="[REDACTED]" b=2',
    "pwd='c4n4ry' b=2": "pwd='[REDACTED]' b=2",
    'pwd="c4n4\\"ry" b=2': 'pwd="[REDACTED]" b=2',
    '{"otp": "c4n4ry", "b": 2}': '{"otp": "[REDACTED]", "b": 2}',
    "{'otp': 'c4n4ry', 'b': 2}": "{'otp': '[REDACTED]', 'b': 2}",
    '{"otp": [1, 2], "b": 2}': '{"otp": [REDACTED], "b": 2}',
    '{"otp": {"c4n4ry": 2}, "b": 2}': '{"otp": [REDACTED], "b": 2}',
    '{\\"otp\\": \\"c4n4ry\\", \\"b\\": 2}': '{\\"otp\\": \\"[REDACTED]\\", \\"b\\": 2}',
    '{\\\\\\"otp\\\\\\": \\\\\\"c4n4ry\\\\\\", "b": 2}': '{\\\\\\"otp\\\\\\": \\\\\\"[REDACTED]\\\\\\", "b": 2}',
    "{b'otp': b'c4n4ry', b'n': 1}": "{b'otp': [REDACTED], b'n': 1}",
    "Login(user='ann', password='c4n4ry', n=1)": "Login(user='ann', password='[REDACTED]', n=1)",
    "token='otp=c4n4ry c4n4ry' b=2": "token='[REDACTED]' b=2",
    "token={'otp': 'c4n4ry', 'pwd': 'c4n4ry'} otp=c4n4ry": "token=[REDACTED] otp=[REDACTED]",
    "secret=Wrapper('c4n4ry') b=2": "secret=[REDACTED] b=2",
    "x=1 token=c4n4ry y=2 token=c4n4ry z": "x=1 token=[REDACTED] y=2 token=[REDACTED] z",
    "token=": "token=",
    "token=''": "token='[REDACTED]'",
    'Authorization: Bearer c4n4ry"': 'Authorization: [REDACTED]"',
    "at https://ann:c4n4ry@h/p": "at https://[REDACTED]@h/p",
    "token=True secret=None max_token=5": "token=True secret=None max_token=5",
    "token=5": "token=[REDACTED]",
    "max_token=5 otp=c4n4ry": "max_token=5 otp=[REDACTED]",
}


@pytest.mark.parametrize("text", TEXTS)
def test_only_the_value_is_replaced(text: str) -> None:
    """What stands before and after it is kept, its quotes too; what is masked already stays as it is."""
    assert REDACTION.scrub(text) == TEXTS[text]
    assert REDACTION.scrub(TEXTS[text]) == TEXTS[text]


@pytest.mark.parametrize("text", [text for text, shown in TEXTS.items() if text != shown])
def test_a_line_with_such_a_text_is_suspected(text: str) -> None:
    """What is to be masked takes the full way, whatever the only sign of it is, also within another text."""
    assert REDACTION.suspects(json.dumps(text))
    assert REDACTION.suspects(json.dumps({"a": f"x {text} y"}))


@pytest.mark.parametrize(
    "text",
    [
        "it",
        "a=1",
        "it's",
        "ann@example",
        "https://example/?a=1",
        "the token",
        '"otp"',
        "the value",
        "header: ",
        "a token\\n",
    ],
)
def test_a_harmless_line_is_not_suspected(text: str) -> None:
    """One sign alone is none: such a line takes the fast way, also when something is registered."""
    register_secret("c4n4ry-Sq7xZ")
    assert not REDACTION.suspects(text)


@pytest.mark.parametrize(
    "value", ["prod-c4n4ry", "c4n4ry-prod", "c4n4ry-prod-c4n4ry", "prod", "prod.prod", "prod(c4n4ry", "XregisteredX"]
)
@pytest.mark.parametrize(
    "form",
    [
        "password={}",
        "a=1&password={}&b=2",
        'password="{}" b',
        "{{'password': '{}', 'n': 1}}",
        '{{\\"otp\\": \\"{}\\"}}',
    ],
)
def test_a_value_that_holds_a_registered_one_is_masked_whole(form: str, value: str) -> None:
    """A password of which a part is registered (the name of a stage) shows nothing of the rest."""
    register_secret(["prod", "registered"])
    assert REDACTION.scrub(form.format(value)) == form.format(MASK)
    assert REDACTION.scrub(form.format(MASK)) == form.format(MASK)


@pytest.mark.parametrize(
    ("key", "snake"),
    [
        ("_token_", "token"),
        ("--X-Api-Key--", "x_api_key"),
        ("xApiKey", "x_api_key"),
        ("HTTPHeader", "http_header"),
        ("OTP", "otp"),
        ("pinX", "pin_x"),
        ("Xpin", "xpin"),
        ("a1B", "a1_b"),
        (" a  b ", "a_b"),
        ("access__key", "access_key"),
        ("__access___key__", "access_key"),
        ("Access__Key", "access_key"),
        ("__", ""),
        ("", ""),
    ],
)
def test_a_key_in_snake_case(key: str, snake: str) -> None:
    """Words are parted at capitals and at whatever is no letter or digit; nothing is left at either end."""
    assert snake_case(key) == snake


@pytest.mark.parametrize("key", ["token_", "_token", "-otp-", ".pwd.", "Ücookie", "access__key", "my__otp"])
def test_separators_around_a_word_hide_nothing(key: str) -> None:
    """A key is sensitive by its words."""
    assert REDACTION.is_sensitive(key)
    assert REDACTION.is_sensitive(key)  # as it is remembered


@pytest.mark.parametrize("key", ["pinX", "xpinx", "Xotp", "tokenX", "", "_"])
def test_letters_around_a_word_make_another_one(key: str) -> None:
    """Letters are part of the word, whichever they are."""
    assert not REDACTION.is_sensitive(key)
    assert not REDACTION.is_sensitive(key)


def test_keys_of_one_letter_and_taken_off() -> None:
    """A key of one letter can be added; one taken off is shown with every value, and others after it are not."""
    rules = Redaction()
    rules.configure(["q", "", "!token", "!otp"])
    assert rules.hides("q", 1)
    assert rules.hides("my_q", 1)
    assert not rules.hides("token", "x")
    assert not rules.hides("otp", "x")
    assert rules.hides("my_token", "x")
    assert not rules.hides("my_token", True)
    assert rules.scrub("q=c4n4ry token=shown") == "q=[REDACTED] token=shown"


def test_patterns_are_off_until_asked_for() -> None:
    """Without a word about them nothing is found by its looks, and later words count, not earlier ones."""
    rules, text = Redaction(), "AKIAIOSFODNN7EXAMPLE IT123456"
    assert rules.scrub(text) == text
    rules.configure(patterns=True)
    assert rules.scrub(text) == f"{MASK} IT123456"
    rules.configure(patterns=[r"IT\d+", "X{3}"])
    assert rules.scrub(text) == f"AKIAIOSFODNN7EXAMPLE {MASK}"
    rules.configure()
    assert rules.scrub(text) == text


def test_each_change_of_the_rules_has_an_epoch_of_its_own() -> None:
    """What was found harmless by one set of rules is looked at again by every later one."""
    rules = Redaction()
    epochs = [rules.epoch]
    for change in range(6):
        if change % 2:
            rules.configure(["q"])
        else:
            rules.look_for({"abc": "abc"})
        epochs.append(rules.epoch)
    assert len(set(epochs)) == 7


def test_the_longest_form_is_known() -> None:
    """Where a text is cut, so much more of it is looked at: a value that is cut would not be found."""
    rules = Redaction()
    assert rules.longest == 0
    rules.look_for({"abc": "abc", 'a"bc': 'a"bc'})
    assert rules.longest == 5
    rules.look_for({})
    assert (rules.longest, rules.needles) == (0, ())


@pytest.mark.parametrize(
    "key",
    ["dbInstanceIdentifier", "db_cluster_identifier", "DB-Name", "master_arn", "userArn", "user", "Username", "host"],
)
def test_what_describes_a_database_is_no_secret_however_it_is_written(key: str) -> None:
    """The keys of a JSON secret are judged without case and separators."""
    register_secret({key: "shown-text", "x" + key: "hidden-text"})
    assert registered() == ["hidden-text"]


@dataclasses.dataclass
class HalfMade:
    """A dataclass with a field that has no value yet."""

    later: str = dataclasses.field(init=False)
    code: str = "c4n4ry-code"


@pytest.mark.parametrize(
    "value", [HalfMade(), (("c4n4ry-code",),), frozenset({"c4n4ry-code"}), bytearray(b"c4n4ry-code")]
)
def test_texts_are_found_in_every_kind_of_value(value: Any) -> None:
    """What cannot be read is left out, and the rest registered."""
    register_secret(value)
    assert registered() == ["c4n4ry-code"]


def test_what_is_registered_without_a_word_is_looked_for_for_ever() -> None:
    """Only what was said to be of the moment, or has an owner with later values, is given up."""
    for number in range(70):
        register_secret(f"c4n4ry-{number}-x")
    assert len(registered()) == 70


def test_flags_and_what_is_too_short_are_not_registered() -> None:
    """A truth value would be masked in every line, and so would a text of 3 characters."""
    register_secret({"a": True, "b": None, "c": 1.5, "d": "abc", "e": 999, "f": "abcd", "g": 1000})
    assert sorted(registered()) == ["1000", "abcd"]


def test_a_whole_number_of_a_key_is_registered() -> None:
    """An RSA modulus is; a number beyond every key is not turned into text, which takes long."""
    register_secret([(1 << 1024) - 1, 1 << 1100])
    assert registered() == [str((1 << 1024) - 1)]


def test_json_within_json_stays_json() -> None:
    """A text that is JSON, however often it was put into a string, can be read after masking."""
    text = json.dumps({"otp": "c4n4ry", "n": 1})
    for _ in range(4):
        clean = REDACTION.scrub(text)
        assert "c4n4ry" not in clean
        read: Any = clean
        while isinstance(read, str):
            read = json.loads(read)
        assert read == {"otp": MASK, "n": 1}
        text = json.dumps(text)


@given(st.text("a0_", max_size=8))
def test_a_key_in_lower_case_needs_no_expression(key: str) -> None:
    """The quick way for most keys and the expression for the others agree: white space around makes it the latter's."""
    assert snake_case(key) == snake_case(f" {key} ")
