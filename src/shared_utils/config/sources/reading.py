"""Reading references from AWS with the fewest calls: parameters in tens, the rest one by one, all side by side."""

from __future__ import annotations

from shared_utils.config.aws.retry import retrying
from shared_utils.config.cache import Value
from shared_utils.config.failures import MISSING, UNAVAILABLE, Failure
from shared_utils.config.references import Reference
from shared_utils.config.types.scalars import StringList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.aws.transports import Transport
    from shared_utils.config.sources.appconfig_sessions import Sessions

    Deliver = Callable[[str, "Value | Failure"], None]
    Job = tuple[Callable[[], None], Sequence[Reference]]

__all__ = ["Reading"]

_BATCH = 10  # GetParameters' own limit
_PAGE = 10  # GetParametersByPath's
_THREADS = 8


class Reading:
    """One round of reading: a transport, the deadline, and where results go."""

    def __init__(
        self,
        transport: Transport,
        deadline: Deadline,
        deliver: Deliver,
        *,
        seed: Callable[[str, Value], None],
        sessions: Callable[[], Sessions],
    ) -> None:
        self._transport = transport
        self._sessions = sessions
        self._deadline = deadline
        self._deliver = deliver
        self._seed = seed

    def read(self, references: Sequence[Reference]) -> None:
        """Deliver a value or a failure for each reference."""
        jobs: list[Job] = []
        single = self._transport.can("ssm:GetParameters")
        groups: dict[tuple[str | None, bool], list[Reference]] = {}
        for reference in references:
            if reference.scheme == "ssm" and not reference.is_path and single:
                groups.setdefault((reference.region, reference.decrypt), []).append(reference)
            else:
                jobs.append(self._job(self._READERS[reference.scheme], reference))
        for group in groups.values():
            starts = range(0, len(group), _BATCH)
            jobs.extend(self._job(Reading._parameters, *group[start : start + _BATCH]) for start in starts)
        self._run(jobs)

    def _job(self, reader: Callable[..., None], *references: Reference) -> Job:
        def job() -> None:
            try:
                reader(self, *references)
            except Failure as failure:
                self._fail(references, failure)
            except Exception as error:  # a read ends in a value or a ConfigError, nothing else
                self._fail(references, Failure(UNAVAILABLE, f"the answer could not be read ({type(error).__name__})"))

        return job, references

    def _fail(self, references: Iterable[Reference], failure: Failure) -> None:
        for reference in references:
            self._deliver(reference.base, failure)

    def _run(self, jobs: list[Job]) -> None:
        """Do all jobs, each once, in this thread and a few more."""
        waiting = [job for job, _ in jobs]

        def work() -> None:
            while True:
                try:
                    job = waiting.pop()
                except IndexError:
                    return
                job()

        threads = []
        if len(jobs) > 1:
            from threading import Thread

            for _ in range(min(_THREADS, len(jobs)) - 1):
                thread = Thread(target=work, name="shared_utils.config", daemon=True)
                thread.start()
                threads.append(thread)
        work()
        for thread in threads:
            thread.join(self._deadline.remaining() + 0.1)

    def _ask(self, operation: str, request: dict[str, Any], region: str | None) -> dict[str, Any]:
        return retrying(lambda: self._transport.call(operation, request, region, self._deadline), self._deadline)

    def _parameters(self, *references: Reference) -> None:
        """Read up to ten parameters of one region with one call; if that is refused, one by one."""
        if len(references) == 1:
            self._parameter(references[0])
            return
        names = [reference.name + reference.selector for reference in references]
        request = {"Names": names, "WithDecryption": references[0].decrypt}
        try:
            answer = self._ask("ssm:GetParameters", request, references[0].region)
        except Failure as failure:
            if not failure.code or (failure.transient and failure.code != "InternalServerError"):
                raise  # nobody answered, or too busy: more calls would not help
            answer = None
        if answer is None:  # one name that is denied, or whose key is, must not sink the others
            self._singly(references)
            return
        unknown = set(answer.get("InvalidParameters") or ())
        unanswered = []
        for reference, name in zip(references, names, strict=True):
            same = [parameter for parameter in answer["Parameters"] if reference.name in _names(parameter)]
            alone = sum(other.name == reference.name for other in references) == 1
            parameter = _match(reference, same, alone=alone)
            if parameter is not None:
                self._deliver(reference.base, _parameter_value(parameter))
            elif name in unknown:
                self._deliver(reference.base, Failure(MISSING, "not found", code="ParameterNotFound"))
            else:
                unanswered.append(reference)
        self._singly(unanswered)

    def _singly(self, references: Iterable[Reference]) -> None:
        """Read parameters one after the other, each with an outcome of its own."""
        for reference in references:
            self._job(Reading._parameter, reference)[0]()

    def _parameter(self, reference: Reference) -> None:
        if reference.is_path:
            self._path(reference)
            return
        request = {"Name": reference.name + reference.selector, "WithDecryption": reference.decrypt}
        answer = self._ask("ssm:GetParameter", request, reference.region)
        self._deliver(reference.base, _parameter_value(answer["Parameter"]))

    def _path(self, reference: Reference) -> None:
        """Read everything below a path, page by page, into a dict of names relative to it."""
        if not self._transport.can("ssm:GetParametersByPath"):
            raise Failure(
                UNAVAILABLE,
                f"the {self._transport.name} transport cannot read a whole path",
                remedy="set SHARED_UTILS_CONFIG_TRANSPORT=signed, or read the parameters one by one",
            )
        request: dict[str, Any] = {
            "Path": reference.name.rstrip("/") or "/",
            "Recursive": reference.options.get("recursive") != "false",
            "WithDecryption": reference.decrypt,
            "MaxResults": _PAGE,
        }
        values: dict[str, Value] = {}
        while True:
            answer = self._ask("ssm:GetParametersByPath", request, reference.region)
            for parameter in answer["Parameters"]:
                value = _parameter_value(parameter)
                if isinstance(value, Failure):
                    raise value
                values[parameter["Name"]] = value
            token = answer.get("NextToken")
            if not token:
                break
            request["NextToken"] = token
        if not values:
            raise Failure(MISSING, "there is no parameter below this path", code="ParameterNotFound")
        shared = {option: value for option, value in reference.options.items() if option != "recursive"}
        for name, value in values.items():
            self._seed(Reference("ssm", name, None, dict(shared)).base, value)
        content = {name.removeprefix(reference.name): value.content for name, value in values.items()}
        sensitive = any(value.sensitive for value in values.values())
        self._deliver(reference.base, Value(content, sensitive=sensitive))

    def _secret(self, reference: Reference) -> None:
        request = {"SecretId": reference.name}
        if "stage" in reference.options:
            request["VersionStage"] = reference.options["stage"]
        if "version_id" in reference.options:
            request["VersionId"] = reference.options["version_id"]
        answer = self._ask("secretsmanager:GetSecretValue", request, reference.region)
        self._deliver(reference.base, secret_value(answer))

    def _configuration(self, reference: Reference) -> None:
        self._deliver(reference.base, self._sessions().read(reference, self._transport, self._deadline))

    _READERS = {"ssm": _parameter, "secret": _secret, "appconfig": _configuration}  # noqa: RUF012 - never changed


def _names(parameter: dict[str, Any]) -> tuple[Any, Any]:
    return parameter.get("Name"), parameter.get("ARN")


def _match(reference: Reference, same: list[dict[str, Any]], *, alone: bool) -> dict[str, Any] | None:
    """Return which of the answered parameters of that name a reference asked for, None when that is not certain.

    A pinned one is known by its Selector (``:3``, ``:label``), or by its version.
    """
    if len(same) == 1 and alone:
        return same[0]
    for parameter in same:
        selector = parameter.get("Selector") or ""
        if selector == reference.selector and (selector or len(same) == 1 or _all_selected(same, parameter)):
            return parameter
        if reference.selector and reference.selector == f":{parameter.get('Version')}":
            return parameter
    return None


def _all_selected(same: list[dict[str, Any]], but: dict[str, Any]) -> bool:
    return all(parameter is but or parameter.get("Selector") for parameter in same)


def _parameter_value(parameter: dict[str, Any]) -> Value | Failure:
    """Return the value of a Parameter structure (Systems Manager API Reference)."""
    text = parameter.get("Value")
    if not isinstance(text, str):
        return Failure(UNAVAILABLE, "the answer has no value in it")
    kind = parameter.get("Type")
    if kind == "StringList":
        return Value(StringList(text.split(",")))
    if kind == "SecureString":
        from shared_utils.redaction.values import register_secret

        register_secret(text)
    return Value(text, sensitive=kind == "SecureString")


def secret_value(answer: dict[str, Any]) -> Value:
    """Return the value in a GetSecretValue answer: text, or bytes. What is secret in it is told to the logger."""
    from shared_utils.redaction.values import register_secret

    text = answer.get("SecretString")
    if text is None:
        binary = answer["SecretBinary"]
        if isinstance(binary, str):
            from base64 import b64decode

            binary = b64decode(binary, validate=True)
        register_secret(binary)
        return Value(bytes(binary), sensitive=True)
    if not isinstance(text, str):
        raise Failure(UNAVAILABLE, "the answer has no value in it")
    register_secret(text)
    if text.lstrip().startswith(("{", "[")):
        import json

        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            parts = None
        register_secret(parts if isinstance(parts, (dict, list)) else text)  # every text in it by itself
    return Value(text, sensitive=True)
