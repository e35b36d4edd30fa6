"""AppConfig: sessions, their single-use tokens, and the interval at which one may poll.

Source: AWS AppConfig User Guide, "Retrieving feature flags and configuration data"; AWS AppConfig Data API Reference.
A token is sent once and never again, not even after a failure that may have come before it was used up: then a new
session is started, which gives the whole configuration.
"""

from __future__ import annotations

from shared_utils.config.aws.endpoints import arn_prefix
from shared_utils.config.aws.retry import retry
from shared_utils.config.entries import Moment
from shared_utils.config.outcomes import BRIEFLY, INVALID, UNAVAILABLE, Failure, Value
from shared_utils.config.references import quote
from shared_utils.config.sources.base import Source, pick

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from shared_utils.config.aws.retry import Deadline
    from shared_utils.config.aws.transports.base import Transport
    from shared_utils.config.references import Reference
    from shared_utils.config.sources.base import Reading

__all__ = ["SOURCE", "Sessions"]

_SHORTEST_POLL = 15
"""Seconds between polls that we promise AppConfig to wait (its own minimum); the TTL decides how often we do ask."""
_USUAL_POLL = 60.0


class _AppConfig(Source):
    options = frozenset({"region"})
    service = "appconfigdata"

    def normalise(self, name: str, key: str | None, options: dict[str, str]) -> str:
        parts = _parts(name)
        if len(parts) != 3 or not all(parts):
            raise Failure(
                INVALID,
                "an AppConfig reference has three parts",
                hint="write appconfig://application/environment/profile (a slash inside a name as %2F)",
            )
        return "/".join(map(quote, parts))

    def read(self, reading: Reading, reference: Reference) -> None:
        sessions = reading.kept.setdefault("appconfig", Sessions())
        reading.deliver(reference.base, sessions.read(reference, reading.transport, reading.deadline))

    def select(self, content: Any, key: str | None) -> Any:
        _refuse_variants(content, key)
        return content if key is None else pick(content, key)

    def actions(self, reference: Reference) -> list[str]:
        return ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]

    def resources(self, reference: Reference, region: str, account: str) -> list[str]:
        application, environment, profile = (part if _is_id(part) else "*" for part in _parts(reference.name))
        path = f"application/{application}/environment/{environment}/configuration/{profile}"
        return [f"{arn_prefix('appconfig', region, account)}:{path}"]


SOURCE = _AppConfig()


def _parts(name: str) -> list[str]:
    """Return application, environment and profile."""
    parts = name.split("/")
    if "%" in name:
        from urllib.parse import unquote

        return [unquote(part) for part in parts]
    return parts


def _is_id(part: str) -> bool:
    """Whether it is an AppConfig id, of which ARNs are made, and not a name."""
    return len(part) == 7 and part.isascii() and part.isalnum() and part.islower()


class _Session:
    """A session's next token (None: start anew), and the configuration that its last poll gave."""

    __slots__ = ("content", "content_type", "interval", "polled", "token")

    def __init__(self) -> None:
        self.token: str | None = None
        self.content: bytes | None = None
        self.content_type = ""
        self.polled = Moment(0.0, 0.0)
        self.interval = 0.0


class Sessions:
    """One session for each profile that is read."""

    def __init__(self, now: Callable[[], Moment] = Moment.now) -> None:
        self._now = now
        self._sessions: dict[str, _Session] = {}

    def read(self, reference: Reference, transport: Transport, deadline: Deadline) -> Value:
        """Return the newest configuration; within the poll interval, the one we have.

        Raises:
            Failure: as the service said, or when its answer is not what its content type says.
        """
        if transport.supports("appconfigagent:GetConfiguration"):
            request = {"Parts": _parts(reference.name)}
            answer = retry(
                lambda: transport.call("appconfigagent:GetConfiguration", request, reference.region, deadline), deadline
            )
            return _value(answer["Configuration"], str(answer.get("ContentType") or ""))
        session = self._sessions.setdefault(reference.base, _Session())
        if session.content is None or self._now().since(session.polled) >= session.interval:

            def poll() -> None:
                self._poll(session, reference, transport, deadline)

            try:
                retry(poll, deadline)
            except Failure as failure:
                bad_token = failure.code == "BadRequestException" and session.polled.wall > 0
                if not bad_token:
                    raise
            else:
                bad_token = False
            if bad_token:  # expired, spoilt, or polled too soon: the next poll starts a new session
                retry(poll, deadline)
        assert session.content is not None
        return _value(session.content, session.content_type)

    def _poll(self, session: _Session, reference: Reference, transport: Transport, deadline: Deadline) -> None:
        """Spend the session's token, or a new session's, on one poll."""
        token, session.token = session.token, None
        if token is None:
            application, environment, profile = _parts(reference.name)
            request = {
                "ApplicationIdentifier": application,
                "EnvironmentIdentifier": environment,
                "ConfigurationProfileIdentifier": profile,
                "RequiredMinimumPollIntervalInSeconds": _SHORTEST_POLL,
            }
            started = transport.call("appconfigdata:StartConfigurationSession", request, reference.region, deadline)
            token = started.get("InitialConfigurationToken")
            if not isinstance(token, str) or not token:
                raise Failure(UNAVAILABLE, "the answer has no session token in it", retry=BRIEFLY)
            session.content = None  # a new session's first answer is the whole configuration
        request = {"ConfigurationToken": token}
        answer = transport.call("appconfigdata:GetLatestConfiguration", request, reference.region, deadline)
        session.token = answer.get("NextPollConfigurationToken") or None
        session.interval = _seconds(answer.get("NextPollIntervalInSeconds"))
        session.polled = self._now()
        if answer["Configuration"] or session.content is None:  # empty: nothing has changed since the last poll
            session.content = answer["Configuration"]
            session.content_type = str(answer.get("ContentType") or "")


def _refuse_variants(content: object, key: str | None) -> None:
    """Refuse flags whose value depends on who asks: only the agent evaluates their rules.

    Raises:
        Failure: of kind invalid, naming the flag.
    """
    if not isinstance(content, dict):
        return
    for name, flag in content.items():
        if (key is None or key == name) and isinstance(flag, dict) and "_variants" in flag:
            raise Failure(
                INVALID,
                f"the flag {name!r} has variants, which only the AppConfig agent evaluates",
                hint="add the agent's layer and set SHARED_UTILS_CONFIG_TRANSPORT=extension",
            )


def _seconds(given: object) -> float:
    try:
        return min(86400.0, max(0.0, float(str(given))))
    except ValueError:
        return _USUAL_POLL


def _value(content: bytes, content_type: str) -> Value:
    """Return a configuration as its content type says: JSON as a tree, text as text, anything else as bytes."""
    import json

    kind = content_type.partition(";")[0].strip().lower()
    broken = ""
    try:
        if kind == "application/json" or kind.endswith("+json"):
            return Value(json.loads(content))
        return Value(content.decode())
    except UnicodeDecodeError:
        return Value(content)
    except (ValueError, RecursionError):
        broken = "the configuration is said to be JSON, but is not"
    raise Failure(INVALID, broken, hint="correct the configuration and deploy it")
