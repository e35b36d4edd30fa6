"""`layerctl doctor`."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, NamedTuple

import click

from layerctl.cli.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["command"]


class Check(NamedTuple):
    """One thing that commands need.

    Attributes:
        name: what it is.
        found: what is there; None: it is missing.
        hint: how to get it, and what does not work without it.
    """

    name: str
    found: str | None
    hint: str = ""


@click.command()
@click.option("--profile", metavar="NAME", help="The AWS profile.  [default: AWS's own search order]")
@click.option("--offline", is_flag=True, help="Do not ask AWS whose credentials these are.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
def command(*, profile: str | None, offline: bool, as_json: bool) -> int:
    """Say what is on this machine of what layerctl works with, what is missing, and how to get it.

    Exit code 0: everything is there. 1: something is missing; what does not work without it is said.
    """
    checks = [*_interpreters(), *_programs(), *_emulator(), *_aws(profile, offline=offline)]
    if as_json:
        print_json([check._asdict() for check in checks])
    else:
        rows = [("ok" if check.found else "missing", check.name, check.found or check.hint) for check in checks]
        print_table(("", "what", "found, or how to get it"), rows)
    return 0 if all(check.found for check in checks) else 1


def _interpreters() -> Iterator[Check]:
    import datetime as dt

    from layerctl.core.runtimes import supported_pythons
    from layerctl.python.interpreters import choose, find_interpreters

    runtimes = [runtime.name for runtime in supported_pythons(dt.datetime.now(dt.UTC).date())]
    found = find_interpreters(runtimes)
    for runtime in runtimes:
        interpreter = choose(runtime, "", found)
        version = runtime.removeprefix("python")
        hint = f"`uv python install {version}`; without it: no bytecode for {runtime}, and `run` takes a neighbour"
        yield Check(runtime, f"{interpreter.version}, {interpreter.path}" if interpreter else None, hint)


def _programs() -> Iterator[Check]:
    import shutil

    from layerctl.python.uv import find_uv

    yield Check("uv", _or_none(find_uv), "`pip install uv`; without it: no build, no lock")
    yield Check("git", shutil.which("git"), "from your system's packages; without it: no commit in the manifest")
    yield Check("sam", shutil.which("sam"), "`pip install aws-sam-cli`; without it: no `sam build`, no `sam deploy`")


def _emulator() -> Iterator[Check]:
    from layerctl.local.emulator.isolation import isolation
    from layerctl.local.emulator.runtime import emulator_binary

    hint = "`pip install aws-sam-cli` beside layerctl, on Linux or WSL; without it: no `run`, no `invoke`"
    yield Check("AWS's runtime emulator", _or_none(lambda: str(emulator_binary())), hint)
    if platform.system() == "Linux":
        kept = isolation()
        yield Check(
            "layers at /opt, read-only code", None if kept.problem else "in a mount namespace", kept.problem or ""
        )


def _aws(profile: str | None, *, offline: bool) -> Iterator[Check]:
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError

    from layerctl.aws.clients import Aws
    from layerctl.core.errors import LayerctlError

    try:
        session = Session(profile_name=profile)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        yield Check("AWS credentials", None, f"{error}; without them: nothing that asks or changes AWS")
        return
    region_hint = "set AWS_DEFAULT_REGION, or a region in the profile; else give `--region`"
    yield Check("AWS region", session.region_name, region_hint)
    if credentials is None:
        yield Check("AWS credentials", None, "`aws configure`, or AWS_PROFILE; without them: nothing that asks AWS")
    elif offline or not session.region_name:
        yield Check("AWS credentials", f"{credentials.method}, not tried")
    else:
        try:
            account = Aws(timeout=10, session=session).account([session.region_name])
            yield Check("AWS credentials", f"{credentials.method}, account {account}")
        except LayerctlError as error:
            yield Check("AWS credentials", None, f"{credentials.method}: {error}")


def _or_none(find: Callable[[], str]) -> str | None:
    from layerctl.core.errors import LayerctlError

    try:
        return find()
    except LayerctlError:
        return None
