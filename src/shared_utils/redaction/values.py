"""Values that must not be readable anywhere: what `shared_utils.config` has loaded as a secret.

Loaded when the first one is registered.
"""

from __future__ import annotations

import os
import re
from binascii import b2a_base64
from json.encoder import encode_basestring, encode_basestring_ascii
from threading import RLock

from shared_utils.redaction import REDACTION, snake_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["forget", "register_secret", "registered"]

# A value shorter than this is not looked for in text: "on" or "42" would be masked in every line.
_SHORTEST = 4
# One shorter than this is masked only where it stands alone: "prod" is, "product" is not.
_STANDS_ALONE_BELOW = 8
# Values that are not lasting and are still looked for; each costs every line 0.1 µs.
_MOST_PASSING = 64
# What describes a database in a JSON secret, and is no secret: it stands in messages everywhere ("todos", "admin"). The
# keys are those of AWS ("JSON structure of AWS Secrets Manager secrets", Secrets Manager user guide) and their usual
# other names, without separators.
_DESCRIPTIVE = frozenset(
    (  # noqa: SIM905
        "database dbclusteridentifier dbinstanceidentifier dbname engine host hostname masterarn port region ssl user "
        "userarn username"
    ).split()
)

# Values of one owner (a reference) that stay registered: the current one and the two before, which may still be in use.
_GENERATIONS = 3
# Owners that are remembered, as many as the cache of configuration has entries.
_MOST_OWNERS = 1024

_registered: dict[str, dict[str, str]] = {}  # value -> its forms, each with the expression that finds it
_lasting: set[str] = set()  # of them, those without an owner that stay
_passing: dict[str, None] = {}  # those that do not, the latest last
_owned: dict[str, list[frozenset[str]]] = {}  # owner -> its generations, the latest last
_lock = RLock()  # reentrant: a signal handler may read a secret


def _renew_lock() -> None:
    """Start with a new lock in a forked child: the thread that held it is gone."""
    global _lock  # noqa: PLW0603
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def register_secret(value: object, *, owner: str | None = None, lasting: bool = True) -> None:
    """Mask `value` in every line written from now on; of a mapping or sequence, every text and whole number in it.

    It is found as it is, escaped (JSON, repr), percent-encoded, or in base64. Base64 of a longer text that holds a
    value ("user:password") looks different and is not recognised; its key ("authorization") is. A value shorter than 4
    characters is not masked by value, one shorter than 8 only where it stands alone. In a mapping what describes a
    database (``username``, ``host``, ``dbname``, ...) is no secret.

    Args:
        value: a text, number, bytes, Secret, or a mapping, sequence or dataclass of such, however deep.
        owner: where the value comes from. Of each owner the latest value and the two before are looked for: a secret
            that is rotated for ever must not make lines slower for ever.
        lasting: without an owner, False is for a value of the moment, of which the latest 64 are looked for: a function
            that makes a Secret of each request's token must not become slower with each.
    """
    texts = frozenset(text for text in _texts(value) if len(text) >= _SHORTEST)
    if not texts:
        return
    with _lock:
        if owner is not None:
            generations = _owned.pop(owner, [])
            _owned[owner] = [*(known for known in generations if known != texts), texts][-_GENERATIONS:]
            if len(_owned) > _MOST_OWNERS:
                del _owned[next(iter(_owned))]
            if generations and generations[-1] == texts:
                return
        elif lasting:
            _lasting.update(texts)
        else:
            for text in texts:
                _passing.pop(text, None)
                _passing[text] = None  # the latest comes last
            for text in list(_passing)[:-_MOST_PASSING]:
                del _passing[text]
        _look_for_all()


def _look_for_all() -> None:
    """Look for what is registered now, and nothing else."""
    wanted = _lasting.union(_passing, *(texts for generations in _owned.values() for texts in generations))
    if wanted == _registered.keys():
        return
    for text in _registered.keys() - wanted:
        del _registered[text]
    for text in sorted(wanted - _registered.keys()):
        _registered[text] = _expressions(text)
    forms: dict[str, str] = {}
    for expressions in _registered.values():
        forms |= expressions
    REDACTION.look_for(forms)


def forget(*, but: Iterable[str] = ()) -> None:
    """Forget every registered value, `but` those. For tests."""
    with _lock:
        _passing.clear()
        _owned.clear()
        _lasting.clear()
        _lasting.update(but)
        _look_for_all()


def registered() -> list[str]:
    """Return every registered value. For tests."""
    return list(_registered)


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
        elif getattr(type(value), "__secret__", False):
            waiting.append(value.reveal())  # type: ignore[attr-defined]
        elif hasattr(type(value), "__dataclass_fields__"):
            waiting.append({name: getattr(value, name, None) for name in value.__dataclass_fields__})  # type: ignore[attr-defined]


def _describes(key: object) -> bool:
    return snake_case(str(key)[:256]).replace("_", "") in _DESCRIPTIVE


def _expressions(value: str) -> dict[str, str]:
    """Return the forms of `value` that are long enough to be looked for, each with the expression that finds it."""
    return {
        form: rf"(?<!\w){re.escape(form)}(?!\w)" if len(form) < _STANDS_ALONE_BELOW else re.escape(form)
        for form in _forms(value)
        if len(form) >= _SHORTEST
    }


def _forms(value: str) -> list[str]:
    """Return the ways in which `value` may be written in a text."""
    try:
        raw = value.encode()
    except UnicodeEncodeError:  # a lone surrogate; nothing can have percent-encoded it
        return [value]
    forms = [value, b2a_base64(raw, newline=False).rstrip(b"=").decode()]
    if not value.isalnum() or not value.isascii():
        percent = "".join(chr(b) if b < 128 and (chr(b).isalnum() or b in b"-._~") else f"%{b:02X}" for b in raw)
        forms += [repr(value)[1:-1], repr(raw)[2:-1], percent, percent.replace("%20", "+")]
        for escape in (encode_basestring, encode_basestring_ascii):  # JSON, and JSON in a string in JSON
            once = escape(value)[1:-1]
            forms += [once, escape(once)[1:-1]]
    return forms
