"""Makes the release of a tag on GitLab: ``python3 layer/gitlab_release.py v1.2.0 release``.

The folder's files are kept as packages of the project, and the release links to them; its text is notes.md. A release
that is there already is completed. The job needs nothing but Python: it has no environment of the repository.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

KEPT = (".json", ".pem", ".whl", ".zip")


def send(method: str, address: str, body: bytes, kind: str, done: tuple[int, ...] = (201,)) -> int:
    """Send it with the job's token; returns the status, which is one of those that mean done. Others end the job."""
    headers = {"JOB-TOKEN": os.environ["CI_JOB_TOKEN"], "Content-Type": kind}
    request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - GitLab's own address
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            status, said = int(answer.status), ""
    except urllib.error.HTTPError as error:
        status, said = error.code, error.read(2000).decode("utf-8", "replace")
    except OSError as error:
        sys.exit(f"error: {method} {address}: {error}")
    if status not in done:
        sys.exit(f"error: {method} {address}: {status} {said}")
    return status


def main(tag: str, folder: Path) -> None:
    """Upload the files, then make the release, so that it links to nothing that is not there."""
    project = f"{os.environ['CI_API_V4_URL']}/projects/{os.environ['CI_PROJECT_ID']}"
    packages = f"{project}/packages/generic/layer/{tag.removeprefix('v')}"
    links = []
    for path in sorted(path for path in folder.iterdir() if path.suffix in KEPT):
        address = f"{packages}/{path.name}"
        send("PUT", address, path.read_bytes(), "application/octet-stream")
        links.append({"name": path.name, "url": address, "link_type": "package"})
    notes = (folder / "notes.md").read_text("utf-8")
    release = json.dumps({"tag_name": tag, "description": notes, "assets": {"links": links}})
    if send("POST", f"{project}/releases", release.encode(), "application/json", done=(201, 409)) == 409:
        print(f"{tag} is out already, and is completed")  # noqa: T201 - a script


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
