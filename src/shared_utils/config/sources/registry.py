"""The schemes of references, and their sources, each loaded when the first reference names it."""

from __future__ import annotations

from shared_utils.config.outcomes import INVALID, Failure
from shared_utils.config.references import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.sources.base import Source

__all__ = ["is_reference", "make_reference", "parse", "schemes", "source_of"]

# Scheme: the module that has its source.
_BUILT_IN = {"env": "env", "ssm": "ssm", "secret": "secretsmanager", "appconfig": "appconfig"}
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


def is_reference(text: str) -> bool:
    """Whether `text` starts like a reference."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and (scheme in _BUILT_IN or scheme in _sources)


def parse(text: str) -> Reference:
    """Parse a reference.

    Raises:
        Failure: of kind invalid, when it is none, or has an option that its scheme does not know.
    """
    if not isinstance(text, str):
        raise Failure(INVALID, f"a reference is a text, not {type(text).__name__}", remedy="write it like ssm:///path")
    scheme, _, rest = text.partition("://")
    if not is_reference(text):
        raise Failure(
            INVALID,
            "not a reference to a configuration value",
            remedy="write env://NAME, ssm:///path, secret://name#key or appconfig://app/env/profile",
        )
    if scheme == "env":  # a variable's name may hold anything
        return make_reference(scheme, rest)
    rest, hash_sign, key = rest.partition("#")
    name, _, query = rest.partition("?")
    known = source_of(scheme).options
    options: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        option, equals, value = pair.partition("=")
        if option not in known or not equals or not value:
            remedy = f"use {', '.join(sorted(known))}, each as option=value" if known else "leave it out"
            raise Failure(INVALID, f"option {pair!r} is unknown or empty", remedy=remedy)
        options[option] = value
    return make_reference(scheme, name, key if hash_sign else None, options)


def make_reference(scheme: str, name: str, key: str | None = None, options: dict[str, str] | None = None) -> Reference:
    """Return the canonical reference, so that equal questions share one cache entry.

    Raises:
        Failure: of kind invalid, for what no service would accept.
    """
    options = dict(options or {})
    if not name or name.isspace() or "\n" in name:
        raise Failure(INVALID, "the reference names nothing", remedy=f"write {scheme}://NAME")
    if key == "":
        raise Failure(INVALID, "the key after # is empty", remedy="name a key, or leave out the #")
    source = source_of(scheme)
    reference = Reference(scheme, source.normalise(name, key, options), key, options)
    reference.children = source.children(reference)
    return reference
