"""boto3 clients: one per service and region, bounded in time and retries, every request counted.

Credentials, profiles, proxies, CA bundles and `AWS_ENDPOINT_URL` are botocore's business; nothing here reads them.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from layerctl import __version__
from layerctl.aws.failures import UNREACHABLE, UnexpectedAnswerError, describe
from layerctl.core.errors import LayerctlError
from layerctl.core.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from boto3.session import Session

__all__ = ["CONCURRENCY", "Aws"]

# Regions (and accounts) at once. Lambda's control plane takes 15 requests a second per region and account, so
# more than one at a time within a region gains little and runs into throttling.
CONCURRENCY = 16
_ATTEMPTS = 6  # unless the user says otherwise; botocore's standard mode waits at most 20 s each, with full jitter

# What an answer always has. A list that is missing must not count as empty: prune would take a proxy's log-in page
# for "nobody uses it".
_ALWAYS = {
    "AssumeRole": "Credentials",
    "DeleteParameters": "DeletedParameters",
    "DescribeRegions": "Regions",
    "GetCallerIdentity": "Arn",
    "GetLayerVersion": "Content",
    "GetLayerVersionPolicy": "Policy",
    "GetParameter": "Parameter",
    "GetParametersByPath": "Parameters",
    "ListAliases": "Aliases",
    "ListFunctions": "Functions",
    "ListLayerVersions": "LayerVersions",
    "PublishLayerVersion": "LayerVersionArn",
}


class Aws:
    """One account, as seen by one set of credentials.

    Args:
        timeout: seconds to wait for an answer.
        profile: whose credentials, by the profile's name; None: `profiles`, else botocore's chain.
        profiles: partition to profile, for work that spans partitions: an account belongs to one of them.
        session: in place of a profile: whose credentials.
        requests: counts HTTP requests by ``service.Operation``, retries included; shared between accounts.
    """

    def __init__(
        self,
        *,
        timeout: float = 60,
        profile: str | None = None,
        profiles: Mapping[str, str] | None = None,
        session: Session | None = None,
        requests: Counter[str] | None = None,
    ) -> None:
        self._timeout = timeout
        self._profile = profile
        self._profiles = profiles or {}
        self._session = session
        self._sessions: dict[str | None, tuple[Session, int]] = {}
        self._clients: dict[tuple[str, str | None, bool], Any] = {}
        self._lock = threading.Lock()  # a session is not thread-safe, and making a client takes 30 ms
        self._asking = threading.Lock()
        self._accounts: dict[str, str] = {}
        self.requests: Counter[str] = Counter() if requests is None else requests

    def client(self, service: str, region: str | None = None, *, retry: bool = True) -> Any:
        """The client of a service in a region, made once.

        Args:
            service: as boto3 names it, e.g. ``lambda``.
            region: its name; None takes the environment's.
            retry: False for calls that are not safe to repeat blindly: botocore then sends each once.
        """
        key = (service, region, retry)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, region, retry)
            return self._clients[key]

    def _make(self, service: str, region: str | None, retry: bool) -> Any:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        try:
            session, attempts = self._open_session(region)
            config = Config(
                connect_timeout=min(self._timeout, 10),
                read_timeout=self._timeout,
                retries={"mode": "standard", "total_max_attempts": attempts if retry else 1},
                max_pool_connections=CONCURRENCY,
                user_agent_extra=f"layerctl/{__version__}",
            )
            make: Any = session.client  # its stubs want literal service names
            client = make(service, region_name=region, config=config)
        except BotoCoreError as error:  # e.g. AWS_PROFILE names a profile that does not exist
            raise LayerctlError(str(describe(error, region or "default region"))) from None
        client.meta.events.register("before-send", self._count)
        client.meta.events.register("after-call", _require_answer)
        return client

    def _open_session(self, region: str | None) -> tuple[Session, int]:
        """The session for a region, and how often a request is tried, which botocore's configuration may say."""
        import boto3
        import botocore.session

        if self._session is not None:
            return self._session, _ATTEMPTS
        profile = self._profile or self._profiles.get(partition_of(region or ""))
        if profile not in self._sessions:
            core = botocore.session.Session(profile=profile)
            attempts = core.get_config_variable("max_attempts") or _ATTEMPTS  # AWS_MAX_ATTEMPTS
            self._sessions[profile] = (boto3.session.Session(botocore_session=core), attempts)
        return self._sessions[profile]

    def _count(self, event_name: str, **_: object) -> None:
        service, operation = event_name.split(".")[1:]
        with self._lock:
            self.requests[f"{service}.{operation}"] += 1

    def account(self, regions: Sequence[str]) -> str:
        """The account id of the credentials in these regions' partition, asked once, in the first that answers.

        Raises:
            LayerctlError: there are no credentials, or they are not valid.
        """
        partition = partition_of(regions[0])
        problem = ""
        with self._asking:
            for region in () if partition in self._accounts else regions:
                try:
                    arn = str(self.client("sts", region).get_caller_identity()["Arn"])
                except UNREACHABLE as error:
                    problem = problem or str(describe(error, region))
                    continue
                self._accounts[partition] = arn.split(":")[4]
                break
        if partition not in self._accounts:
            raise LayerctlError(problem)
        return self._accounts[partition]

    def assume(self, role: str, region: str) -> Aws:
        """The account of a role, for one hour (a scan takes minutes); its requests count with ours.

        Raises:
            LayerctlError: the role may not be assumed; the message names the right that is missing.
        """
        import boto3

        try:
            answer = self.client("sts", region).assume_role(RoleArn=role, RoleSessionName="layerctl")
        except UNREACHABLE as error:
            raise LayerctlError(f"role {role}: {describe(error, region)}") from None
        keys = answer["Credentials"]
        session = boto3.session.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        return Aws(timeout=self._timeout, session=session, requests=self.requests)

    def summary(self) -> str:
        """One line for people: how many requests were sent, and which."""
        total = sum(self.requests.values())
        parts = ", ".join(f"{count} {name}" for name, count in sorted(self.requests.items()))
        return f"{total} requests to AWS" + (f": {parts}" if parts else "")


def _require_answer(parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Refuse a success without content (botocore's ``after-call`` event)."""
    succeeded = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 300
    if succeeded and "Error" not in parsed and parsed.get(_ALWAYS.get(model.name, "ResponseMetadata")) is None:
        raise UnexpectedAnswerError(operation=model.name)
