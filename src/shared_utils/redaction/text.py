"""Secrets in running text: values of sensitive keys, passwords in addresses, headers, registered values, patterns.

Loaded for the first text that may hold any of them.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.redaction import Redaction

__all__ = ["scrub"]

# A key in text: key=value (query strings, key=value logs, the repr of a dataclass), and the quoted key of JSON and of
# the repr of a dict, also of JSON in a string. Prose ("password: at least 8 characters") has neither form.
# Bounded, and anchored at the start of a word or at a quote, so that a long text costs linear time.
_KEY = (
    r"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,63})="""
    r"""|(?P<quote>(?<!\\)\\{0,16}["'])(?P<quoted>[\w.\- ]{1,64})(?P=quote)\s{0,8}:\s{0,8}"""
)
# Its value: with a registered value in it that is masked already, quoted, quoted within a string, called, bracketed, or
# up to whatever ends it.
_VALUE = (
    r"""(?:[^\s&;,()\[\]{}"'<>\\]*\[REDACTED\])+[^\s&;,)\]}"'<>\\]*|"""
    r"""[bBuU]?"(?:[^"\\]|\\.)*"?|[bBuU]?'(?:[^'\\]|\\.)*'?"""
    r"""|(?P<inner>\\+["'])(?s:(?:(?!(?P=inner)).)*)(?:(?P=inner))?"""
    r"""|[\w.]{0,64}\([^()]{0,4096}\)?|\[[^\[\]]{0,4096}\]?|\{[^{}]{0,4096}\}?"""
    r"""|[^\s&;,)\]}"'<>\\]+"""
)
# The header, as HTTP libraries print it.
_HEADER = r"(?i:(?<=authorization: )(?:[a-z0-9-]{1,32} )?[^\s\"',;]+)"
# The password in scheme://user:password@host.
_USER_INFO = r"(?<=://)[^/?#\s:@\"']{0,64}:[^/?#\s@\"']{1,256}(?=@)"

_LITERALS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}


def scrub(rules: Redaction, text: str, mask: str) -> str:
    """Return `text` with `mask` for what the rules find in it; see `Redaction.scrub`."""
    forms = rules.forms
    if forms and any(form in text for form in forms):
        # Longest first, so that a value which holds another one is masked whole.
        expressions = [forms[form] for form in sorted(forms, key=len, reverse=True)]
        text = re.sub("|".join(expressions), mask, text)
    if rules.has_stem(text):
        text = _mask_values(rules, text, mask)
    if "://" in text and "@" in text:
        text = re.sub(_USER_INFO, mask, text)
    if "uthorization: " in text:
        text = re.sub(_HEADER, mask, text)
    if rules.pattern is not None:
        text = rules.pattern.sub(mask, text)
    return text


def _mask_values(rules: Redaction, text: str, mask: str) -> str:
    """Return `text` without the values of sensitive keys; those of other keys are looked through in turn."""
    pieces = []
    done = 0
    for found in re.finditer(_KEY, text):
        key = found["name"] or found["quoted"]
        if found.start() < done or not rules.is_sensitive(key):
            continue
        value = re.compile(_VALUE).match(text, found.end())
        if value is not None and not rules.hides(key, _literal(value[0])):
            continue
        if value is not None and value[0].strip("\"'\\") != mask:
            pieces += [text[done : found.end()], _masked_like(value[0], mask)]
            done = value.end()
    return "".join([*pieces, text[done:]]) if pieces else text


def _literal(text: str) -> object:
    """Return the truth value, None or number that a text shows, as Python or JSON write it; else the text."""
    if text in _LITERALS:
        return _LITERALS[text]
    try:
        return float(text) if len(text) < 20 and text[:1] in "+-.0123456789" else text
    except ValueError:
        return text


def _masked_like(value: str, mask: str) -> str:
    """Return the mask in the quotes of the value, so that JSON inside a string stays JSON."""
    opening = value[: len(value) - len(value.lstrip("\\\"'"))]
    if not opening or opening[-1] not in "\"'":
        return mask
    quote = opening[: min(i for i, char in enumerate(opening) if char in "\"'") + 1]
    return f"{quote}{mask}{quote}"
