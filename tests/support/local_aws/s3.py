"""What moto's S3 lacks here: a bucket of another account than the expected one is refused (S3 user guide, "Bucket owner
condition").
"""

from __future__ import annotations

from wsgiref.types import WSGIEnvironment

from moto.s3.models import s3_backends
from werkzeug.wrappers import Response

from tests.support.local_aws.app import LocalApp

DENIED = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def install(app: LocalApp) -> None:
    """Look at each request that names the owner that it expects."""
    app.guard(_other_owner)


def _other_owner(environ: WSGIEnvironment) -> Response | None:
    expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER")
    if not expected:
        return None
    host, _, _ = environ["HTTP_HOST"].partition(":")
    bucket = host.removesuffix(".localhost") if host.endswith(".localhost") else environ["PATH_INFO"].split("/")[1]
    owner = s3_backends.bucket_accounts.get(bucket)
    if owner is None or expected in owner:
        return None
    return Response(DENIED, status=403, mimetype="application/xml")
