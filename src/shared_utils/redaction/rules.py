"""What must not be readable in a line, and how it is found: by key, by type, by value, by pattern, and in text.

While nothing is secret this costs next to nothing: each key is judged once, registered values and patterns are empty.
`shared_utils.config` hands every secret that it loads to `register_secret`.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring, encode_basestring_ascii

TYPE_CHECKING = False  # as typing's, without the import: configuration alone must not pay for it
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MASK", "REDACTION", "Redaction", "register_secret"]

MASK = "[REDACTED]"

# A key is sensitive when it holds one of these, separators apart ("db_password", "newPasswordAgain", "x-api-key"), ...
_HOLDS = ("password", "passwd", "passphrase", "privatekey", "apikey", "clientsecret", "creditcard", "cardnumber")
# ... or ends with one of these words ("access_token", "X-Auth-Token"; but not "token_count" or "secret_arn").
_ENDS = (  # noqa: SIM905 - a list would take 30 lines
    "access_key access_key_id accesskey auth authorization connection_string cookie cookies credential credentials "
    "csrf cvc cvv encryption_key jwt otp pwd secret secret_binary secret_key secret_string secret_value secretkey "
    "secrets amz_signature signing_key token"
).split()
# The cheapest sign that a sensitive key may stand in a text: one of these is in it.
_STEMS = (  # noqa: SIM905
    "passw passphrase pwd secret token auth api_key apikey api-key private credit card cookie access cred csrf "
    "cvc cvv encryption jwt otp signature signing connection"
).split()

_WORDS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+"
# A key in text: key=value (query strings, key=value logs, the repr of a dataclass), and the quoted key of JSON and of
# the repr of a dict, also of JSON in a string. Prose ("password: at least 8 characters") has neither form.
# Bounded, and anchored at the start of a word or at a quote, so that a long text costs linear time.
_KEY = (
    r"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,63})="""
    r"""|(?P<quote>(?<!\\)\\{0,16}["'])(?P<quoted>[\w.\- ]{1,64})(?P=quote)\s{0,8}:\s{0,8}"""
)
# Its value: quoted, quoted within a string, called, bracketed, or up to whatever ends it.
_VALUE = (
    r"""[bBuU]?"(?:[^"\\]|\\.)*"?|[bBuU]?'(?:[^'\\]|\\.)*'?"""
    r"""|(?P<inner>\\+["'])(?s:(?:(?!(?P=inner)).)*)(?:(?P=inner))?"""
    r"""|[\w.]{0,64}\([^()]{0,4096}\)?|\[[^\[\]]{0,4096}\]?|\{[^{}]{0,4096}\}?"""
    r"""|[^\s&;,)\]}"'<>\\]+"""
)
# The header, as HTTP libraries print it.
_HEADER = r"(?i:(?<=authorization: )(?:[a-z0-9-]{1,32} )?[^\s\"',;]+)"
# The password in scheme://user:password@host.
_USER_INFO = r"(?<=://)[^/?#\s:@\"']{0,64}:[^/?#\s@\"']{1,256}(?=@)"

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

# A registered value shorter than this is not looked for in text: "on" or "42" would be masked in every line.
_SHORTEST = 4
# One shorter than this is masked only where it stands alone: "prod" is, "product" is not.
_STANDS_ALONE_BELOW = 8
# Values that are not lasting and are still looked for; each costs every line 0.1 µs.
_MOST_PASSING = 64
_MOST_KEYS_REMEMBERED = 4096
# What describes a database in a JSON secret, and is no secret: it stands in messages everywhere ("todos", "admin"). The
# keys are those of AWS ("JSON structure of AWS Secrets Manager secrets", Secrets Manager user guide) and their usual
# other names, without separators.
_DESCRIPTIVE = frozenset(
    (  # noqa: SIM905
        "database dbclusteridentifier dbinstanceidentifier dbname engine host hostname masterarn port region ssl user "
        "userarn username"
    ).split()
)


class Redaction:
    """The rules in force. One instance serves the process; `configure` sets it up, `register_secret` feeds it."""

    __slots__ = (
        "_allowed",
        "_extra",
        "_forms",
        "_passing",
        "_registered",
        "_stems",
        "_verdicts",
        "epoch",
        "longest",
        "needles",
        "on_register",
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
        self.on_register: list[Callable[[], None]] = []  # what was scrubbed before must be scrubbed again
        self._registered: dict[str, dict[str, str]] = {}  # value -> its forms
        self._passing: dict[str, None] = {}  # of them, those that are not lasting, the latest last
        self._forms: dict[str, str] = {}  # text to look for -> its regular expression

    def configure(self, keys: Iterable[str] = (), patterns: bool | Iterable[str] = False) -> None:
        """Add sensitive `keys` to the default list ("!token" takes one off it) and switch `patterns` on.

        Raises:
            re.error: one of the patterns is not a regular expression.
        """
        names = [name for name in keys if name]
        self._extra = frozenset(_normal(name) for name in names if name[0] != "!")
        self._allowed = frozenset(_normal(name[1:]) for name in names if name[0] == "!")
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
            verdict = self._judge(_normal(key[:256]))
            if len(self._verdicts) < _MOST_KEYS_REMEMBERED:
                self._verdicts[key] = verdict
        return verdict

    def _judge(self, name: str) -> bool:
        if name in self._allowed:
            return False
        joined = name.replace("_", "")
        return (
            name in self._extra
            or any(word in joined for word in _HOLDS)
            or any(name == word or name.endswith("_" + word) for word in _ENDS)
            or any(name.endswith("_" + word) for word in self._extra)
        )

    def register(self, values: Iterable[str], *, lasting: bool = True) -> None:
        """Mask `values` wherever they stand: as they are, escaped (JSON, repr), percent-encoded, or in base64.

        Base64 of a longer text that holds a value ("user:password") looks different and is not recognised; its key
        ("authorization") is. Of values that are not `lasting` the latest are looked for: a function that makes a
        Secret of each request's token must not become slower with each.
        """
        new = False
        for value in values:
            if len(value) < _SHORTEST:
                continue
            known = value in self._registered
            if lasting:
                self._passing.pop(value, None)
            elif not known or value in self._passing:
                self._passing.pop(value, None)
                self._passing[value] = None  # the latest comes last
            if not known:
                self._registered[value] = _expressions(value)
                new = True
        for value in list(self._passing)[:-_MOST_PASSING]:
            self._passing.pop(value, None)
            self._registered.pop(value, None)
        if new:
            self._renew()

    def _renew(self) -> None:
        """Make what lines are searched for anew, as a whole: other threads read it meanwhile."""
        while True:
            registered = self._registered.copy()
            forms: dict[str, str] = {}
            for expressions in registered.values():
                forms |= expressions
            needles = tuple(dict.fromkeys(encode_basestring(form)[1:-1] for form in forms))
            self._forms, self.needles, self.longest = forms, needles, max(map(len, needles), default=0)
            self.epoch += 1
            if registered.keys() == self._registered.keys():  # else another thread has registered one, and lost
                break
        for callback in self.on_register:
            callback()

    def forget(self, *, but: Iterable[str] = ()) -> None:
        """Forget every registered value, `but` those. For tests."""
        kept = list(but)
        self._registered.clear()
        self._passing.clear()
        self.register(kept)
        self._renew()

    def registered(self) -> list[str]:
        """Return every registered value. For tests."""
        return list(self._registered)

    def suspects(self, line: str) -> bool:
        """Whether encoded values may hold something that only a look at each of them can find."""
        if self.needles and any(needle in line for needle in self.needles):
            return True
        if self.pattern is not None and self.pattern.search(line):
            return True
        if ("://" in line and "@" in line) or "uthorization: " in line:
            return True
        return ("=" in line or '\\"' in line or "'" in line) and self._has_stem(line)

    def _has_stem(self, text: str) -> bool:
        text = text.lower()
        return any(stem in text for stem in self._stems)

    def scrub(self, text: str) -> str:
        """Return `text` without registered values, without values of sensitive keys, without what patterns find."""
        forms = self._forms
        if forms and any(form in text for form in forms):
            # Longest first, so that a value which holds another one is masked whole.
            expressions = [forms[form] for form in sorted(forms, key=len, reverse=True)]
            text = re.sub("|".join(expressions), MASK, text)
        if self._has_stem(text):
            text = self._mask_values(text)
        if "://" in text and "@" in text:
            text = re.sub(_USER_INFO, MASK, text)
        if "uthorization: " in text:
            text = re.sub(_HEADER, MASK, text)
        if self.pattern is not None:
            text = self.pattern.sub(MASK, text)
        return text

    def _mask_values(self, text: str) -> str:
        """Return `text` without the values of sensitive keys; those of other keys are looked through in turn."""
        pieces = []
        done = 0
        for found in re.finditer(_KEY, text):
            if found.start() < done or not self.is_sensitive(found["name"] or found["quoted"]):
                continue
            value = re.compile(_VALUE).match(text, found.end())
            if value is not None and not value[0].lstrip("\"'\\").startswith(MASK[:-1]):
                pieces += [text[done : found.end()], _masked_like(value[0])]
                done = value.end()
        return "".join([*pieces, text[done:]]) if pieces else text


def _masked_like(value: str) -> str:
    """Return the mask in the quotes of the value, so that JSON inside a string stays JSON."""
    opening = value[: len(value) - len(value.lstrip("\\\"'"))]
    if not opening or opening[-1] not in "\"'":
        return MASK
    quote = opening[: min(i for i, char in enumerate(opening) if char in "\"'") + 1]
    return f"{quote}{MASK}{quote}"


def _normal(key: str) -> str:
    """Return the key in snake case: ``X-Api-Key``, ``xApiKey`` and ``x_api_key`` are one."""
    return re.sub(_WORDS, "_", key).strip("_").lower()


def _expressions(value: str) -> dict[str, str]:
    """Return the forms of `value` that are long enough to be looked for, each with the expression that finds it."""
    return {
        form: rf"(?<!\w){re.escape(form)}(?!\w)" if len(form) < _STANDS_ALONE_BELOW else re.escape(form)
        for form in _forms(value)
        if len(form) >= _SHORTEST
    }


def _forms(value: str) -> list[str]:
    """Return the ways in which `value` may be written in a text."""
    from binascii import b2a_base64

    try:
        raw = value.encode()
    except UnicodeEncodeError:  # a lone surrogate; nothing can have percent-encoded it
        return [value]
    forms = [value, b2a_base64(raw, newline=False).rstrip(b"=").decode()]
    if not value.isalnum() or not value.isascii():
        percent = "".join(chr(b) if b < 128 and (chr(b).isalnum() or b in b"-._~") else f"%{b:02X}" for b in raw)
        forms += [repr(value)[1:-1], percent, percent.replace("%20", "+")]
        for escape in (encode_basestring, encode_basestring_ascii):  # JSON, and JSON in a string in JSON
            once = escape(value)[1:-1]
            forms += [once, escape(once)[1:-1]]
    return forms


REDACTION = Redaction()


def register_secret(value: object, *, lasting: bool = True) -> None:
    """Mask `value` in every line written from now on; of a mapping or sequence, every text and whole number in it.

    A value shorter than 4 characters is not masked by value, one shorter than 8 only where it stands alone. In a
    mapping what describes a database (``username``, ``host``, ``dbname``, ...) is no secret. See `Redaction.register`
    for `lasting`.
    """
    REDACTION.register(_texts(value), lasting=lasting)


def _texts(value: object) -> Iterable[str]:
    """Yield every secret text in `value`, however deep."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 1024:
            yield str(value)
        elif isinstance(value, (bytes, bytearray)):
            yield bytes(value).decode("utf-8", "backslashreplace")
        elif isinstance(value, dict):
            waiting += (item for key, item in value.items() if isinstance(item, (dict, list)) or not _describes(key))
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += value


def _describes(key: object) -> bool:
    return _normal(str(key)[:256]).replace("_", "") in _DESCRIPTIVE
