"""From references to values: environment variables, values that stand in for AWS, and AWS."""

from __future__ import annotations

import os

from shared_utils.config.aws.retry import for_now
from shared_utils.config.cache import Entry, Value, Want
from shared_utils.config.client import store
from shared_utils.config.failures import INVALID, MISSING, Failure, Problem
from shared_utils.config.references import Reference, is_reference, parse
from shared_utils.config.types.scalars import Unfit, convert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["Found", "enter", "finish", "look_up"]


class Found:
    """What came of one reference: a value or a failure, where it came from, and the cache's entry if it has one."""

    __slots__ = ("entry", "failure", "reference", "source", "value")

    def __init__(self, reference: Reference, source: str) -> None:
        self.reference = reference
        self.source = source
        self.value: Value | None = None
        self.failure: Failure | None = None
        self.entry: Entry | None = None

    def take(self, outcome: Entry | Value | Failure) -> None:
        """Keep an outcome of whatever kind."""
        if isinstance(outcome, Failure):
            self.failure = outcome
        elif isinstance(outcome, Entry):
            self.entry, self.value = outcome, outcome.value
        else:
            self.value = outcome


def look_up(wants: Sequence[Want]) -> list[Found]:
    """Return what each wanted reference leads to, in their order. Nothing is raised; calls are as few as can be."""
    keeper = store()
    keeper.settle()
    standins: Any = keeper.standins
    if standins is None:
        standins = _file_values()
    found = [enter(want.reference, standins) for want in wants]
    asked: dict[str, Want] = {}
    for want, one in zip(wants, found, strict=True):
        if one.value is not None or one.failure is not None:
            continue
        if standins is not None:
            from shared_utils.config.overrides import look_in

            one.take(look_in(standins, one.reference))
            continue
        base = one.reference.base
        other = asked.get(base)
        max_age = want.max_age if other is None else min(want.max_age, other.max_age)
        max_stale = want.max_stale if other is None else min(want.max_stale, other.max_stale)
        asked[base] = Want(one.reference, max_age, max_stale)
    if asked:
        outcomes = keeper.read(list(asked.values()), for_now(keeper.limits.deadline))
        for one in found:
            if one.value is None and one.failure is None:
                one.take(outcomes[one.reference.base])
    return found


def _file_values() -> dict[str, object] | Failure | None:
    if not os.environ.get("SHARED_UTILS_CONFIG_FILE"):
        return None
    from shared_utils.config.overrides import file_values

    return file_values()


def enter(reference: Reference, standins: Any) -> Found:
    """Start with a reference: an environment variable has its value at once, or is a reference itself (one level)."""
    if reference.scheme != "env":
        return Found(reference, str(reference))
    source = str(reference)
    text = _variable(reference.name, standins)
    found = Found(reference, source)
    if isinstance(text, str) and is_reference(text.strip()):
        found.source = f"{source} -> {text.strip()}"
        try:
            found.reference = parse(text.strip())
        except Failure as failure:
            found.take(failure)
        else:
            if found.reference.scheme == "env":
                found.take(_variable_or_failure(found.reference.name, standins))
    else:
        found.take(_variable_or_failure(reference.name, standins))
    return found


def _variable(name: str, standins: Any) -> object:
    """Return an environment variable, from among the values that stand in if it is there."""
    if standins is not None and not isinstance(standins, Failure) and f"env://{name}" in standins:
        given: object = standins[f"env://{name}"]
        return given
    return os.environ.get(name)


def _variable_or_failure(name: str, standins: Any) -> Value | Failure:
    text = _variable(name, standins)
    if text is None:
        return Failure(MISSING, "not set", remedy=f"set the environment variable {name}")
    return Value(text)


def finish(found: Found, kind: Any, name: str = "", *, sensitive: bool = False) -> tuple[Any, Problem | None]:
    """Return the value as a `kind`, or the problem with it."""
    failure = found.failure
    value = found.value
    if value is not None:
        sensitive = sensitive or value.sensitive
        try:
            if found.reference.scheme == "appconfig":
                from shared_utils.config.sources.appconfig_sessions import check_variants

                check_variants(value.content, found.reference.key)
            content = value.content if found.reference.key is None else _pick(value.content, found.reference)
            return convert(content, kind), None
        except Failure as error:
            failure = error
        except Unfit as error:
            failure = Failure(INVALID, error.tell(sensitive=sensitive), remedy="correct the value at its source")
    assert failure is not None
    return None, _problem(found, failure, name)


def _problem(found: Found, failure: Failure, name: str) -> Problem:
    remedy = failure.remedy
    what = failure.what
    if found.reference.scheme != "env":
        from shared_utils.config.aws.hints import explain

        what, remedy = explain(found.reference, failure)
    return Problem(name, found.source, failure.kind, what, remedy, failure.code)


def _pick(content: Any, reference: Reference) -> Any:
    """Return the value of a JSON object's key; `a.b` goes into nested objects where no key has that very name."""
    tree = content
    if isinstance(content, (str, bytes)):
        import json

        try:
            tree = json.loads(content)
        except (ValueError, RecursionError):
            tree = None
    if not isinstance(tree, dict):
        raise Failure(
            INVALID,
            f"it is not a JSON object, so it has no key {reference.key!r}",
            remedy="leave out the key, or store a JSON object",
        )
    key = str(reference.key)
    if key in tree:
        return tree[key]
    node: Any = tree
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            raise Failure(MISSING, f"it has no key {key!r}", code="KeyNotFound")
        node = node[part]
    return node
