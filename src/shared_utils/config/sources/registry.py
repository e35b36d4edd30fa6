"""The schemes of references, and their sources, each loaded when the first reference names it."""

from __future__ import annotations

import re

from shared_utils.config.arguments import wrong_argument
from shared_utils.config.outcomes import INVALID, Failure
from shared_utils.config.references import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.config.sources.base import Source

__all__ = ["is_reference", "make_reference", "meant_reference", "parse", "register", "schemes", "source_of"]

# Scheme: the module that has its source.
_BUILT_IN = {"env": "env", "ssm": "ssm", "secret": "secretsmanager", "appconfig": "appconfig", "dynamodb": "dynamodb"}
# Schemes of other things that are one letter away from ours.
_OTHER_SCHEMES = frozenset({"sms", "ssh", "ssl"})
_EXAMPLES = {
    "env": "env://NAME",
    "ssm": "ssm:///path",
    "secret": "secret://name#key",
    "appconfig": "appconfig://app/env/profile",
    "dynamodb": "dynamodb://table/key#attribute",
}
_sources: dict[str, Source] = {}


def schemes() -> list[str]:
    """Return the schemes that a reference may have."""
    return [*_BUILT_IN, *(scheme for scheme in _sources if scheme not in _BUILT_IN)]


def source_of(scheme: str) -> Source:
    """Return the source of a scheme that `schemes` has."""
    source = _sources.get(scheme)
    if source is None:
        from importlib import import_module

        source = import_module(f"{__package__}.{_BUILT_IN[scheme]}").SOURCE
        _sources[scheme] = source
    return source


def register(scheme: Any, source: Source) -> None:
    """Add a source, or replace the one that was registered for its scheme.

    Raises:
        ConfigError: the scheme is none (RFC 3986, section 3.1, in lower case), or one that is built in.
    """
    if not isinstance(scheme, str) or re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme) is None:
        allowed = "lower-case letters, digits, + - and ., beginning with a letter"
        raise wrong_argument("config.register_source", "scheme", scheme, allowed)
    if scheme in _BUILT_IN:
        raise wrong_argument("config.register_source", "scheme", scheme, f"schemes other than {', '.join(_BUILT_IN)}")
    _sources[scheme] = source


def is_reference(text: str) -> bool:
    """Whether `text` starts like a reference."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and (scheme in _BUILT_IN or scheme in _sources)


def meant_reference(text: str) -> str:
    """Return the reference that `text` was probably meant to be, "" when it does not look like one.

    Meant are a scheme in capitals (``SSM://x``), a slash too few (``ssm:/x``), quotes around all (``"ssm:///x"``), and
    one wrong, missing or additional letter (``ssn:///x``). Other schemes that are one letter apart are not.
    """
    bare = text.strip().strip("\"'").strip()
    scheme, colon, rest = bare.partition(":")
    if not colon or not rest.startswith("/"):
        return ""
    found = scheme.strip().lower()
    if found not in _BUILT_IN and found not in _sources:
        if not rest.startswith("//") or found in _OTHER_SCHEMES:
            return ""
        found = next((known for known in schemes() if known != "env" and _is_typing_error(found, known)), "")
    if not found:
        return ""
    name = rest.removeprefix("//") if rest.startswith("//") or found == "ssm" else rest.removeprefix("/")
    if found == "ssm" and "/" in name:  # a path
        name = "/" + name.lstrip("/")
    return f"{found}://{name}"


def _is_typing_error(text: str, known: str) -> bool:
    """Whether one letter is wrong, missing or additional, or two have changed places."""
    if text == known or abs(len(text) - len(known)) > 1 or len(text) < 2:
        return False
    start = 0
    while start < min(len(text), len(known)) and text[start] == known[start]:
        start += 1
    mine, theirs = text[start:], known[start:]
    return (
        mine[1:] == theirs[1:]
        or mine[1:] == theirs
        or mine == theirs[1:]
        or (mine[1::-1] == theirs[:2] and mine[2:] == theirs[2:])
    )


def _example(scheme: str) -> str:
    return _EXAMPLES.get(scheme, f"{scheme}://path")


def parse(text: str) -> Reference:
    """Parse a reference.

    Raises:
        Failure: of kind invalid, when it is none, or has an option that its scheme does not know.
    """
    if not isinstance(text, str):
        raise Failure(INVALID, f"a reference is a text, not {type(text).__name__}", hint="write it like ssm:///path")
    scheme, separator, rest = text.partition("://")
    if not is_reference(text):
        meant = meant_reference(text)
        what = f"{scheme!r} is no scheme of a reference" if separator else "not a reference to a configuration value"
        hint = f"write {meant}" if meant else f"write {', '.join(map(_example, schemes()))}"
        raise Failure(INVALID, what, hint=hint)
    if scheme == "env":  # a variable's name may hold anything
        return make_reference(scheme, rest)
    rest, hash_sign, key = rest.partition("#")
    known = source_of(scheme).options
    if known is None:
        return make_reference(scheme, rest, key if hash_sign else None)
    name, _, query = rest.partition("?")
    options: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        option, equals, value = pair.partition("=")
        if option not in known or not equals or not value:
            hint = f"use {', '.join(sorted(known))}, each as option=value" if known else "leave it out"
            raise Failure(INVALID, f"option {pair!r} is unknown or empty", hint=hint)
        options[option] = value
    return make_reference(scheme, name, key if hash_sign else None, options)


def make_reference(scheme: str, name: str, key: str | None = None, options: dict[str, str] | None = None) -> Reference:
    """Return the canonical reference, so that equal questions share one cache entry.

    Raises:
        Failure: of kind invalid, for what no service would accept.
    """
    options = dict(options or {})
    if not name or name.isspace() or "\n" in name:
        raise Failure(INVALID, "the reference names nothing", hint=f"write {scheme}://NAME")
    if key == "":
        raise Failure(INVALID, "the key after # is empty", hint="name a key, or leave out the #")
    source = source_of(scheme)
    reference = Reference(scheme, source.normalise(name, key, options), key, options)
    reference.children = source.children(reference)
    return reference
