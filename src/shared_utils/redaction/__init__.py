"""What must not be readable in a line, and how it is found: by key, by pattern, in text, and by registered value.

While nothing is secret this costs next to nothing: each key is judged once, registered values and patterns are empty.
Values are registered in `shared_utils.redaction.values`.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["MASK", "REDACTION", "Redaction", "snake_case"]

MASK = "[REDACTED]"

# A key is sensitive when it holds one of these, separators apart ("db_password", "newPasswordAgain", "x-api-key"), ...
_HOLDS = ("password", "passwd", "passphrase", "privatekey", "apikey", "clientsecret", "creditcard", "cardnumber")
# ... or ends with one of these words ("access_token", "X-Auth-Token"; but not "token_count" or "secret_arn").
_ENDS = frozenset(
    (  # noqa: SIM905 - a list would take 30 lines
        "access_key access_key_id accesskey auth authorization connection_string cookie cookies credential credentials "
        "csrf cvc cvv encryption_key jwt otp pin pwd secret secret_binary secret_key secret_string secret_value "
        "secretkey secrets amz_signature signing_key token"
    ).split()
)
# The cheapest sign that a sensitive key may stand in a text: one of these is in it.
_STEMS = (  # noqa: SIM905
    "passw passphrase pwd secret token auth api_key apikey api-key private credit card cookie access cred csrf "
    "cvc cvv encryption jwt otp pin signature signing connection"
).split()

_WORDS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+"
# AWS access key ids; AWS secret access keys; JSON web tokens; bearer and basic credentials.
PATTERNS = (
    r"\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}\b",
    (
        r"(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]{0,39}[A-Z])(?=[A-Za-z0-9/+]{0,39}[a-z])(?=[A-Za-z0-9/+]{0,39}[0-9])"
        r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    ),
    r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*",
    r"(?i:\b(?:bearer|basic)\s{1,4}[A-Za-z0-9._~+/=-]{8,})",
)

# Words of a key under which a number is no secret: it counts, limits or measures one, or says when it ends.
_MEASURES = frozenset(
    (  # noqa: SIM905
        "age attempts bits bytes chars characters count counts days duration expiration expires expiry hours len "
        "length lifetime limit limits max maximum min minimum minutes ms retries seconds size timeout total ttl"
    ).split()
)
_MOST_KEYS_REMEMBERED = 4096


class Redaction:
    """The rules in force. One instance serves the process."""

    __slots__ = (
        "_allowed",
        "_extra",
        "_stems",
        "_verdicts",
        "epoch",
        "forms",
        "longest",
        "needles",
        "on_new_values",
        "pattern",
        "safe_keys",
    )

    def __init__(self) -> None:
        self.needles: tuple[str, ...] = ()  # how registered values look in an encoded line
        self.epoch = 0  # changes with the rules: what was found harmless before must be looked at again
        self.longest = 0  # length of the longest needle
        self.pattern: re.Pattern[str] | None = None
        self.safe_keys: set[str] = set()  # keys that may be written as they are; filled by the line's fast way
        self._verdicts: dict[str, bool] = {}
        self._extra: frozenset[str] = frozenset()
        self._allowed: frozenset[str] = frozenset()
        self._stems: tuple[str, ...] = tuple(_STEMS)
        self.on_new_values: list[Callable[[], None]] = []  # what was scrubbed before must be scrubbed again
        self.forms: Mapping[str, str] = {}  # text to look for -> its regular expression

    def configure(self, keys: Iterable[str] = (), patterns: bool | Iterable[str] = False) -> None:
        """Add sensitive `keys` to the default list ("!token" takes one off it) and switch `patterns` on.

        Raises:
            re.error: one of the patterns is not a regular expression.
        """
        names = [name for name in keys if name]
        self._extra = frozenset(snake_case(name) for name in names if name[0] != "!")
        self._allowed = frozenset(snake_case(name[1:]) for name in names if name[0] == "!")
        self._stems = (*_STEMS, *(name.split("_")[0] for name in self._extra))
        chosen = PATTERNS if patterns is True else tuple(patterns or ())
        self.pattern = re.compile("|".join(f"(?:{p})" for p in chosen)) if chosen else None
        self.epoch += 1
        self.safe_keys.clear()
        self._verdicts.clear()

    def is_sensitive(self, key: str) -> bool:
        """Whether the value under `key` must be masked. Case and separators do not matter."""
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._judge(snake_case(key[:256]))
            if len(self._verdicts) < _MOST_KEYS_REMEMBERED:
                self._verdicts[key] = verdict
        return verdict

    def hides(self, key: str, value: object) -> bool:
        """Whether `value` must be masked under `key`.

        Truth values and None are shown (``has_password=True``), numbers where the key names a measure
        (``password_length``, ``max_token``); neither under a key that `configure` was given.
        """
        if value is None or not self.is_sensitive(key):
            return False
        name = snake_case(key[:256])
        if _ends_with(name, self._extra):
            return True
        return not (isinstance(value, bool) or (isinstance(value, (int, float)) and _names_a_measure(name)))

    def _judge(self, name: str) -> bool:
        if name in self._allowed:
            return False
        joined = name.replace("_", "")
        return any(word in joined for word in _HOLDS) or _ends_with(name, _ENDS) or _ends_with(name, self._extra)

    def look_for(self, forms: Mapping[str, str]) -> None:
        """Look for these texts from now on, each given with the regular expression that finds it.

        They are replaced as a whole: other threads read them meanwhile.
        """
        needles = tuple(dict.fromkeys(encode_basestring(form)[1:-1] for form in forms))
        self.forms, self.needles, self.longest = forms, needles, max(map(len, needles), default=0)
        self.epoch += 1
        for callback in self.on_new_values:
            callback()

    def suspects(self, line: str) -> bool:
        """Whether encoded values may hold something that only a look at each of them can find."""
        if self.needles and any(needle in line for needle in self.needles):
            return True
        if self.pattern is not None and self.pattern.search(line):
            return True
        # Single characters first: the search for one is memchr(), ten times as fast as that for two.
        if ("@" in line and "://" in line) or "uthorization: " in line:
            return True
        return ("=" in line or "'" in line or ("\\" in line and '\\"' in line)) and self.has_stem(line)

    def has_stem(self, text: str) -> bool:
        """Whether a sensitive key may stand in `text`."""
        text = text.lower()
        return any(stem in text for stem in self._stems)

    def scrub(self, text: str) -> str:
        """Return `text` without registered values, without values of sensitive keys, without what patterns find."""
        if not (
            self.has_stem(text)
            or ("@" in text and "://" in text)
            or self.pattern is not None
            or any(form in text for form in self.forms)
        ):
            return text
        from shared_utils.redaction.text import scrub

        return scrub(self, text, MASK)


def _ends_with(name: str, endings: frozenset[str]) -> bool:
    """Whether a name in snake case is one of `endings`, or ends with one and is a word longer, or several."""
    while name not in endings:
        _, separator, name = name.partition("_")
        if not separator:
            return False
    return True


def _names_a_measure(name: str) -> bool:
    """Whether a key in snake case says how many, how long or when: ``password_length``, ``max_token``."""
    words = name.split("_")
    return not _MEASURES.isdisjoint(words) and "card" not in words


def snake_case(key: str) -> str:
    """Return the key in snake case: ``X-Api-Key``, ``xApiKey`` and ``x_api_key`` are one."""
    if key.isascii() and key.islower() and key.isidentifier() and "__" not in key:
        return key.strip("_")  # as most keys are: else each cold start would compile the expression
    return re.sub(_WORDS, "_", key).strip("_").lower()


REDACTION = Redaction()
