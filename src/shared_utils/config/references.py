"""References: where a value comes from, as one string.

``env://NAME``, ``ssm:///path/name``, ``ssm:///path/`` (everything below), ``secret://name#key``,
``appconfig://application/environment/profile#key``; options follow a question mark, before the key:
``ssm:///path/name?version=3``, ``secret://name?stage=AWSPREVIOUS#key``.
"""

from __future__ import annotations

from shared_utils.config.failures import INVALID, Failure

__all__ = ["SCHEMES", "Reference", "is_reference", "parse", "quote"]

SCHEMES = ("env", "ssm", "secret", "appconfig")

# The options that each scheme knows, and what each looks like in a message.
_OPTIONS = {
    "env": frozenset[str](),
    "ssm": frozenset({"decrypt", "label", "recursive", "region", "version"}),
    "secret": frozenset({"region", "stage", "version_id"}),
    "appconfig": frozenset({"region"}),
}
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:")


# Bytes that a URI keeps as they are; every other becomes %XX, upper case.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quote(text: str, also: bytes = b"") -> str:
    """Percent-encode `text` by RFC 3986, keeping the unreserved characters and those in `also`."""
    return "".join(chr(b) if b in _UNRESERVED or b in also else f"%{b:02X}" for b in text.encode())


class Reference:
    """A parsed reference. `base` is the canonical text without the key: what is read, and what is cached by."""

    __slots__ = ("base", "key", "name", "options", "scheme")

    def __init__(self, scheme: str, name: str, key: str | None = None, options: dict[str, str] | None = None) -> None:
        self.scheme = scheme
        self.name = name
        self.key = key
        self.options = {} if options is None else options
        _check(self)  # and bring into one form
        tail = "&".join(f"{option}={self.options[option]}" for option in sorted(self.options))
        self.base = f"{scheme}://{self.name}" + (f"?{tail}" if tail else "")

    def __str__(self) -> str:
        return self.base if self.key is None else f"{self.base}#{self.key}"

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"

    @property
    def is_path(self) -> bool:
        """Whether it names all SSM parameters below a path, not one parameter."""
        return self.scheme == "ssm" and self.name.endswith("/")

    @property
    def decrypt(self) -> bool:
        """Whether SSM shall decrypt the value: always, unless told otherwise."""
        return self.options.get("decrypt") != "false"

    @property
    def region(self) -> str | None:
        """The region to ask, when it is not the function's own: an option, or part of an ARN."""
        asked = self.options.get("region")
        if asked is None and self.name.startswith("arn:"):
            parts = self.name.split(":", 4)
            asked = parts[3] if len(parts) > 4 else None
        return asked or None

    @property
    def selector(self) -> str:
        """SSM's way to pin a version or label: `name:3`, `name:label` ("" for the newest)."""
        pinned = self.options.get("version") or self.options.get("label")
        return f":{pinned}" if pinned else ""

    @property
    def parts(self) -> list[str]:
        """The parts of an AppConfig name: application, environment, profile."""
        parts = self.name.split("/")
        if "%" in self.name:
            from urllib.parse import unquote

            return [unquote(part) for part in parts]
        return parts


def is_reference(text: str) -> bool:
    """Whether `text` starts like a reference."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme in SCHEMES


def parse(text: str) -> Reference:
    """Parse a reference.

    Raises:
        Failure: of kind invalid, when it is none, or has an option that its scheme does not know.
    """
    if not isinstance(text, str):
        raise Failure(INVALID, f"a reference is a text, not {type(text).__name__}", remedy="write it like ssm:///path")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES:
        raise Failure(
            INVALID,
            "not a reference to a configuration value",
            remedy="write env://NAME, ssm:///path, secret://name#key or appconfig://app/env/profile",
        )
    if scheme == "env":
        return Reference(scheme, rest)
    rest, hash_sign, key = rest.partition("#")
    name, _, query = rest.partition("?")
    options: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        option, equals, value = pair.partition("=")
        if option not in _OPTIONS[scheme] or not equals or not value:
            known = ", ".join(sorted(_OPTIONS[scheme]))
            raise Failure(INVALID, f"option {pair!r} is unknown or empty", remedy=f"use {known}, each as option=value")
        options[option] = value
    return Reference(scheme, name, key if hash_sign else None, options)


def _check(reference: Reference) -> None:
    """Refuse what no service would accept, before a request is made for it; bring the rest into one form."""
    scheme, name = reference.scheme, reference.name
    if not name or name.isspace() or "\n" in name:
        raise Failure(INVALID, "the reference names nothing", remedy=f"write {scheme}://NAME")
    if reference.key == "":
        raise Failure(INVALID, "the key after # is empty", remedy="name a key, or leave out the #")
    if scheme == "ssm":
        _check_ssm(reference)
    elif scheme == "appconfig":
        parts = reference.parts
        reference.name = "/".join(map(quote, parts))  # canonical, however it was written
        if len(parts) != 3 or not all(parts):
            raise Failure(
                INVALID,
                "an AppConfig reference has three parts",
                remedy="write appconfig://application/environment/profile (a slash inside a name as %2F)",
            )


def _check_ssm(reference: Reference) -> None:
    name, options = reference.name, reference.options
    if reference.key is not None:
        raise Failure(INVALID, "an SSM reference has no #key", remedy="read the parameter as a dict instead")
    if not _NAME_CHARACTERS.issuperset(name):
        raise Failure(
            INVALID,
            "the SSM parameter's name has a character that none can have",
            remedy="use letters, digits and _ . - /",
        )
    if "/" in name and not name.startswith(("/", "arn:")):
        raise Failure(
            INVALID, "a parameter's name with a slash in it starts with one", remedy=f"write ssm:///{name.rstrip('/')}"
        )
    for option, allowed in (("decrypt", ("true", "false")), ("recursive", ("true", "false"))):
        if options.get(option, "true") not in allowed:
            raise Failure(INVALID, f"{option}={options[option]}", remedy=f"write {option}=true or {option}=false")
    # Canonical, so that equal questions share one cache entry: SSM's own `name:3` is `?version=3`, the defaults go.
    for option in ("decrypt", "recursive"):
        if options.get(option) == "true":
            del options[option]
    if not name.startswith("arn:") and ":" in name:
        reference.name, _, pinned = name.partition(":")
        if options.get("version") or options.get("label") or not pinned:
            raise Failure(INVALID, "the version or label is pinned twice", remedy="pin it once")
        options["version" if pinned.isdecimal() else "label"] = pinned
    if "version" in options and not options["version"].isdecimal():
        raise Failure(
            INVALID, f"version={options['version']}", remedy="a version is a whole number; labels go in label="
        )
    if "version" in options and "label" in options:
        raise Failure(INVALID, "both a version and a label are pinned", remedy="pin one of them")
    if reference.is_path and (options.get("version") or options.get("label")):
        raise Failure(INVALID, "a whole path has no version or label", remedy="pin single parameters")
    if not reference.is_path and "recursive" in options:
        raise Failure(INVALID, "recursive goes with a path", remedy="end the name with a slash to read all below it")
