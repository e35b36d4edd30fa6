"""The base class of sources, and the context in which one round of reading happens."""

from __future__ import annotations

from threading import Thread

from shared_utils.config.aws.retry import retry
from shared_utils.config.outcomes import INVALID, MISSING, UNAVAILABLE, Failure, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.aws.transports.base import Transport
    from shared_utils.config.references import Children, Reference

    Deliver = Callable[[str, "Value | Failure"], None]
    Job = Callable[[], None]

__all__ = ["Reading", "Source", "pick", "register_secret_text"]

_THREADS = 8


class Source:
    """One scheme: which references are right, how they are read, and what reading them must be allowed."""

    options: frozenset[str] | None = frozenset()
    """The options that may follow the question mark of a reference; None: what follows belongs to the name."""
    service = ""
    """The AWS service that is asked, as endpoints are named; "" for none."""
    secret = False
    """Whether its values are secrets, whatever they are read as."""

    def normalise(self, name: str, key: str | None, options: dict[str, str]) -> str:
        """Return the canonical name, and bring `options` into their canonical form.

        Raises:
            Failure: of kind invalid, for what the service would not accept.
        """
        return name

    def children(self, reference: Reference) -> Children | None:
        """Return which references are below `reference`, None when it is no path."""
        return None

    def jobs(self, references: Sequence[Reference], reading: Reading) -> list[Job]:
        """Return the jobs that deliver all `references` with the fewest requests. They run side by side."""
        return [reading.job(self.read, reference) for reference in references]

    def read(self, reading: Reading, reference: Reference) -> None:
        """Deliver one reference.

        Raises:
            Failure: it gave no value.
        """
        raise NotImplementedError

    def select(self, content: Any, key: str | None) -> Any:
        """Return the part of a value that a reference's key names; all of it without a key.

        Raises:
            Failure: missing when there is no such part, invalid when the value has no parts.
        """
        return content if key is None else pick(content, key)

    def local_value(self, reference: Reference, given: Any) -> Value:
        """Return the value that the service would answer, for one given in a test or a local file."""
        return Value(given)

    def actions(self, reference: Reference) -> list[str]:
        """Return the IAM actions that reading it takes."""
        return []

    def resources(self, reference: Reference, region: str, account: str) -> list[str]:
        """Return the ARNs (patterns) that those must be allowed on."""
        return []


class Reading:
    """One round of reading: the deadline, where results go, and what sources keep between rounds (`kept`)."""

    def __init__(
        self, transport: Callable[[], Transport], deadline: Deadline, deliver: Deliver, kept: dict[str, Any]
    ) -> None:
        self._transport = transport
        self.deadline = deadline
        self.deliver = deliver
        self.kept = kept

    @property
    def transport(self) -> Transport:
        """The way to ask AWS, chosen at the first use. Raises Failure when the environment names none."""
        return self._transport()

    def ask(
        self, operation: str, request: dict[str, Any], region: str | None, *, failing_attempts: int | None = None
    ) -> dict[str, Any]:
        """Return the answer to a request, tried again while that helps (see `retry`). Raises Failure."""
        transport = self.transport
        return retry(
            lambda: transport.call(operation, request, region, self.deadline),
            self.deadline,
            failing_attempts=failing_attempts,
        )

    def job(self, read: Callable[..., None], *references: Reference) -> Job:
        """Return a job that calls ``read(reading, *references)`` and delivers the failure that this raises."""

        def run() -> None:
            try:
                read(self, *references)
            except Failure as failure:
                self.fail(references, failure)
            except Exception as error:  # a read ends in a value or a ConfigError, nothing else
                self.fail(references, Failure(UNAVAILABLE, f"the answer could not be read ({type(error).__name__})"))

        return run

    def fail(self, references: Iterable[Reference], failure: Failure) -> None:
        """Deliver one failure for all `references`."""
        for reference in references:
            self.deliver(reference.base, failure)

    def run(self, jobs: Sequence[Job], threads: int = _THREADS) -> None:
        """Run every job once, in up to so many threads (this one is the first), until the deadline."""
        waiting = list(jobs)

        def work() -> None:
            while waiting:
                try:
                    job = waiting.pop()
                except IndexError:  # another thread was faster
                    return
                job()

        others = [
            Thread(target=work, name="shared_utils.config", daemon=True) for _ in range(min(threads, len(waiting)) - 1)
        ]
        started = []
        for thread in others:
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down
                break
            started.append(thread)
        work()
        for thread in started:
            thread.join(self.deadline.remaining() + 0.1)


def register_secret_text(text: str, owner: str) -> None:
    """Tell the logger a secret text and, where it is a JSON object or list, every secret text in it."""
    from shared_utils.redaction.values import register_secret

    parts = None
    if text.lstrip().startswith(("{", "[")):
        import json

        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            parts = None
    register_secret([text, parts] if isinstance(parts, (dict, list)) else text, owner=owner)


def pick(content: Any, key: str) -> Any:
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
            f"it is not a JSON object, so it has no key {key!r}",
            hint="leave out the key, or store a JSON object",
        )
    if key in tree:
        return tree[key]
    node: Any = tree
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            raise Failure(MISSING, f"it has no key {key!r}", code="KeyNotFound")
        node = node[part]
    return node
