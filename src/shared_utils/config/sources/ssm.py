"""SSM Parameter Store: single parameters in batches of ten, and everything below a path."""

from __future__ import annotations

from shared_utils.config.aws.endpoints import arn_prefix
from shared_utils.config.outcomes import INVALID, MISSING, THROTTLED, UNAVAILABLE, Failure, Value
from shared_utils.config.references import Reference
from shared_utils.config.sources.base import Source, register_secret_text
from shared_utils.config.types.scalars import StringList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from shared_utils.config.references import Children
    from shared_utils.config.sources.base import Job, Reading

__all__ = ["SOURCE"]

_BATCH = 10  # GetParameters' own limit
_BATCH_ATTEMPTS = 3
_PAGE = 10  # GetParametersByPath's
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:")


class _Ssm(Source):
    options = frozenset({"decrypt", "label", "recursive", "region", "version"})
    service = "ssm"

    def normalise(self, name: str, key: str | None, options: dict[str, str]) -> str:
        if key is not None:
            raise Failure(INVALID, "an SSM reference has no #key", hint="read the parameter as a dict instead")
        if not _NAME_CHARACTERS.issuperset(name):
            raise Failure(
                INVALID,
                "the SSM parameter's name has a character that none can have",
                hint="use letters, digits and _ . - /",
            )
        if "/" in name and not name.startswith(("/", "arn:")):
            hint = f"write ssm:///{name.rstrip('/')}"
            raise Failure(INVALID, "a parameter's name with a slash in it starts with one", hint=hint)
        for option in ("decrypt", "recursive"):
            if options.get(option, "true") not in {"true", "false"}:
                hint = f"write {option}=true or {option}=false"
                raise Failure(INVALID, f"{option}={options[option]}", hint=hint)
            if options.get(option) == "true":  # the default
                del options[option]
        if not name.startswith("arn:") and ":" in name:  # SSM's own `name:3` is `?version=3`
            name, _, pinned = name.partition(":")
            if "version" in options or "label" in options or not pinned:
                raise Failure(INVALID, "the version or label is pinned twice", hint="pin it once")
            options["version" if pinned.isdecimal() else "label"] = pinned
        if "version" in options and not options["version"].isdecimal():
            hint = "a version is a whole number; labels go in label="
            raise Failure(INVALID, f"version={options['version']}", hint=hint)
        if "version" in options and "label" in options:
            raise Failure(INVALID, "both a version and a label are pinned", hint="pin one of them")
        if name.endswith("/") and ("version" in options or "label" in options):
            raise Failure(INVALID, "a whole path has no version or label", hint="pin single parameters")
        if not name.endswith("/") and "recursive" in options:
            hint = "end the name with a slash to read all below it"
            raise Failure(INVALID, "recursive goes with a path", hint=hint)
        return name

    def children(self, reference: Reference) -> Children | None:
        return _Below(reference) if _is_path(reference) else None

    def jobs(self, references: Sequence[Reference], reading: Reading) -> list[Job]:
        jobs: list[Job] = []
        batches = reading.transport.supports("ssm:GetParameters")
        groups: dict[tuple[str | None, bool], list[Reference]] = {}
        for reference in references:
            if _is_path(reference):
                jobs.append(reading.job(_read_path, reference))
            elif batches:
                groups.setdefault((reference.region, _decrypts(reference)), []).append(reference)
            else:
                jobs.append(reading.job(_read_one, reference))
        for group in groups.values():
            starts = range(0, len(group), _BATCH)
            jobs += (reading.job(_read_batch, *group[start : start + _BATCH]) for start in starts)
        return jobs

    def local_value(self, reference: Reference, given: Any) -> Value:
        if _is_path(reference) and isinstance(given, dict):
            return Value({str(name): _local_text(value) for name, value in given.items()})
        return Value(_local_text(given))

    def actions(self, reference: Reference) -> list[str]:
        return ["ssm:GetParametersByPath"] if _is_path(reference) else ["ssm:GetParameter", "ssm:GetParameters"]

    def resources(self, reference: Reference, region: str, account: str) -> list[str]:
        if reference.name.startswith("arn:"):
            return [reference.name]
        parameter = f"{arn_prefix('ssm', region, account)}:parameter/{reference.name.strip('/')}".rstrip("/")
        # A policy for a path is written either way, and which of them is compared is not documented: both.
        return [parameter, f"{parameter}/*"] if _is_path(reference) else [parameter]


SOURCE = _Ssm()


class _Below:
    """The parameters below a path, read with the same options."""

    __slots__ = ("_deep", "_query", "_start")

    def __init__(self, path: Reference) -> None:
        options = {option: value for option, value in path.options.items() if option != "recursive"}
        start, question_mark, query = Reference(path.scheme, path.name, None, options).base.partition("?")
        self._start = start
        self._query = question_mark + query
        self._deep = path.options.get("recursive") != "false"

    def name_of(self, base: str) -> str | None:
        """Return the relative name of the parameter with that `base`, None when it is not below."""
        if not base.startswith(self._start):
            return None
        name, question_mark, query = base[len(self._start) :].partition("?")
        if not name or name.endswith("/") or question_mark + query != self._query or (not self._deep and "/" in name):
            return None
        return name

    def base_of(self, name: str) -> str:
        """Return the `base` of the parameter with that relative name."""
        return f"{self._start}{name}{self._query}"


def _is_path(reference: Reference) -> bool:
    """Whether it names all parameters below a path, not one parameter."""
    return reference.name.endswith("/")


def _decrypts(reference: Reference) -> bool:
    return reference.options.get("decrypt") != "false"


def _selector(reference: Reference) -> str:
    """Return SSM's way to pin a version or label: `:3`, `:label` ("" for the newest)."""
    pinned = reference.options.get("version") or reference.options.get("label")
    return f":{pinned}" if pinned else ""


def _read_batch(reading: Reading, *references: Reference) -> None:
    """Read up to ten parameters of one region with one request; if that is refused, one by one."""
    if len(references) == 1:
        _read_one(reading, references[0])
        return
    names = [reference.name + _selector(reference) for reference in references]
    request = {"Names": names, "WithDecryption": _decrypts(references[0])}
    try:
        # Briefly: a single name can make the service fail, and the time is needed for the others then.
        answer = reading.ask("ssm:GetParameters", request, references[0].region, failing_attempts=_BATCH_ATTEMPTS)
    except Failure as failure:
        if not failure.code or failure.retry == THROTTLED:
            raise  # nobody answered, or too busy: more requests would not help
        answer = None
    if answer is None:  # one name that is denied, or whose key is, must not fail the others
        _read_singly(reading, references)
        return
    unknown = set(answer.get("InvalidParameters") or ())
    unanswered = []
    for reference, name in zip(references, names, strict=True):
        same = [parameter for parameter in answer["Parameters"] if reference.name in _names(parameter)]
        alone = sum(other.name == reference.name for other in references) == 1
        parameter = _match(reference, same, alone=alone)
        if parameter is not None:
            reading.deliver(reference.base, _parameter_value(parameter, reference.base))
        elif name in unknown:
            reading.deliver(reference.base, Failure(MISSING, "not found", code="ParameterNotFound"))
        else:
            unanswered.append(reference)
    _read_singly(reading, unanswered)


def _read_singly(reading: Reading, references: Iterable[Reference]) -> None:
    """Read parameters one by one, each with an outcome of its own, so that none waits for one that fails."""
    reading.run([reading.job(_read_one, reference) for reference in references], threads=_BATCH)


def _read_one(reading: Reading, reference: Reference) -> None:
    request = {"Name": reference.name + _selector(reference), "WithDecryption": _decrypts(reference)}
    answer = reading.ask("ssm:GetParameter", request, reference.region)
    reading.deliver(reference.base, _parameter_value(answer["Parameter"], reference.base))


def _read_path(reading: Reading, reference: Reference) -> None:
    """Read everything below a path, page by page, into a dict of names relative to it."""
    transport = reading.transport
    if not transport.supports("ssm:GetParametersByPath"):
        raise Failure(
            UNAVAILABLE,
            f"the {transport.name} transport cannot read a whole path",
            hint="set SHARED_UTILS_CONFIG_TRANSPORT=signed, or read the parameters one by one",
        )
    request: dict[str, Any] = {
        "Path": reference.name.rstrip("/") or "/",
        "Recursive": reference.options.get("recursive") != "false",
        "WithDecryption": _decrypts(reference),
        "MaxResults": _PAGE,
    }
    below = _Below(reference)
    values: dict[str, Value] = {}
    while True:
        answer = reading.ask("ssm:GetParametersByPath", request, reference.region)
        for parameter in answer["Parameters"]:
            value = _parameter_value(parameter, below.base_of(parameter["Name"].removeprefix(reference.name)))
            if isinstance(value, Failure):
                raise value
            values[parameter["Name"]] = value
        token = answer.get("NextToken")
        if not token:
            break
        request["NextToken"] = token
    if not values:
        raise Failure(MISSING, "there is no parameter below this path", code="ParameterNotFound")
    relative = {name.removeprefix(reference.name): value for name, value in values.items()}
    sensitive = frozenset(name for name, value in relative.items() if value.sensitive)
    content = {name: value.content for name, value in relative.items()}
    reading.deliver(reference.base, Value(content, sensitive_names=sensitive))


def _names(parameter: dict[str, Any]) -> tuple[Any, Any]:
    return parameter.get("Name"), parameter.get("ARN")


def _match(reference: Reference, same: list[dict[str, Any]], *, alone: bool) -> dict[str, Any] | None:
    """Return the one of the answered parameters of that name that a reference asked for, None if that is not certain.

    A pinned one is known by its Selector (``:3``, ``:label``), or by its version.
    """
    if len(same) == 1 and alone:
        return same[0]
    for parameter in same:
        selector = parameter.get("Selector") or ""
        if selector == _selector(reference) and (selector or len(same) == 1 or _all_selected(same, parameter)):
            return parameter
        if _selector(reference) and _selector(reference) == f":{parameter.get('Version')}":
            return parameter
    return None


def _all_selected(same: list[dict[str, Any]], but: dict[str, Any]) -> bool:
    return all(parameter is but or parameter.get("Selector") for parameter in same)


def _parameter_value(parameter: dict[str, Any], owner: str) -> Value | Failure:
    """Return the value of a Parameter structure (Systems Manager API Reference)."""
    text = parameter.get("Value")
    if not isinstance(text, str):
        return Failure(UNAVAILABLE, "the answer has no value in it")
    kind = parameter.get("Type")
    if kind == "StringList":
        return Value(StringList(text.split(",")))
    if kind == "SecureString":
        register_secret_text(text, owner)
    return Value(text, sensitive=kind == "SecureString")


def _local_text(given: Any) -> Any:
    """Return a value as SSM would hold it: a text, or a StringList."""
    if isinstance(given, str):
        return given
    if isinstance(given, (list, tuple)) and all(isinstance(item, str) for item in given):
        return StringList(given)
    import json

    return json.dumps(given, default=str)
