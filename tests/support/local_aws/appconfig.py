"""AppConfig's data plane, which moto lacks: sessions, and the newest hosted version of a profile.

Source: AppConfig Data API reference, StartConfigurationSession and GetLatestConfiguration.
moto has no environments: any name of one will do. Nothing has to be deployed first.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from moto.appconfig.models import appconfig_backends
from moto.core import DEFAULT_ACCOUNT_ID
from werkzeug.wrappers import Request, Response

from tests.support.local_aws.app import LocalApp

_POLL_SECONDS = 15  # the least that AppConfig lets a client wait
# token -> (region, application, profile, the version that its holder has)
_sessions: dict[str, tuple[str, str, str, int | None]] = {}


def install(app: LocalApp) -> None:
    """Answer the two calls of the data plane."""
    app.route("/configurationsessions", _start)
    app.route("/configuration", _latest)


def _start(request: Request) -> Response:
    asked = json.loads(request.get_data() or b"{}")
    region = _region(request)
    application, profile = str(asked["ApplicationIdentifier"]), str(asked["ConfigurationProfileIdentifier"])
    if _profile(region, application, profile) is None:
        return _refuse(404, "ResourceNotFoundException", f"no configuration profile {application}/{profile}")
    return Response(json.dumps({"InitialConfigurationToken": _token((region, application, profile, None))}), status=201)


def _latest(request: Request) -> Response:
    session = _sessions.pop(request.args.get("configuration_token", ""), None)
    if session is None:
        return _refuse(400, "BadRequestException", "the token is unknown, or has been used")
    region, application, profile, held = session
    versions = _profile(region, application, profile).config_versions
    newest = max(versions, default=None)
    headers = {
        "Next-Poll-Configuration-Token": _token((region, application, profile, newest)),
        "Next-Poll-Interval-In-Seconds": str(_POLL_SECONDS),
    }
    if newest is None or newest == held:  # nothing new: an empty body
        return Response(b"", headers=headers)
    version = versions[newest]
    content = version.content if isinstance(version.content, bytes) else str(version.content).encode()
    return Response(content, headers=headers | {"Content-Type": version.content_type or "application/octet-stream"})


def _profile(region: str, application: str, profile: str) -> Any:
    """Return a profile, each part by id or name; None when there is none."""
    for found in appconfig_backends[DEFAULT_ACCOUNT_ID][region].applications.values():
        if application in (found.id, found.name):
            for each in found.config_profiles.values():
                if profile in (each.id, each.name):
                    return each
    return None


def _token(session: tuple[str, str, str, int | None]) -> str:
    token = secrets.token_urlsafe(24)
    _sessions[token] = session
    return token


def _region(request: Request) -> str:
    scope = re.search(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/", request.headers.get("Authorization", ""))
    return scope[1] if scope else "us-east-1"


def _refuse(status: int, code: str, message: str) -> Response:
    return Response(json.dumps({"Message": message}), status=status, headers={"x-amzn-ErrorType": code})
