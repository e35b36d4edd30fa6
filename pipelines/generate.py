"""Writes the pipelines' files from their one source: ``python -m pipelines.generate``, or `make pipelines`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SOURCES = ("layer.yaml", "service.yaml", "bump.yaml")
_REGION = "eu-central-1"  # where roles are taken; releases go to the regions of layer.toml
_WRITTEN = "# Written by `make pipelines` from {source}.\n"


def files() -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each file."""
    for name in SOURCES:
        source = yaml.safe_load((ROOT / "pipelines" / name).read_text("utf-8"))
        written = _WRITTEN.format(source=f"pipelines/{name}")
        named = source["files"]
        if "github" in named:
            yield ROOT / named["github"], _pinned(written + _github(source))
        if "gitlab" in named:
            yield ROOT / named["gitlab"], written + _gitlab(source)
        if "codebuild" in named:
            for job in _jobs(source, "codebuild"):
                path = ROOT / named["codebuild"].format(job=job["id"])
                yield path, written + _codebuild(source, job)


def _jobs(source: dict[str, Any], system: str) -> list[dict[str, Any]]:
    return [job for job in source["jobs"] if _for(job, system)]


def _for(part: dict[str, Any], system: str) -> bool:
    only = part.get("only", system)
    return system in ([only] if isinstance(only, str) else only)


def _run(step: dict[str, Any], system: str) -> str:
    """A step's lines; what findings look like is each system's."""
    return str(step["run"]).rstrip("\n").replace("{findings}", "github" if system == "github" else "text")


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))


def _needs(job: dict[str, Any], system: str) -> str:
    """The jobs that one waits for, where they differ those of the system; empty for none."""
    needs = job.get("needs", "")
    return str(needs[system] if isinstance(needs, dict) else needs)


# --- GitHub -------------------------------------------------------------------------------------------------


def _github(source: dict[str, Any]) -> str:
    text = f"{source['github']['head']}\njobs:\n"
    return text + "\n".join(_github_job(job) for job in _jobs(source, "github"))


def _github_job(job: dict[str, Any]) -> str:
    lines = [f"  {job['id']}:\n", f"    name: {job['name']}\n"]
    if needs := _needs(job, "github"):
        lines.append(f"    needs: {needs}\n")
    if "when" in job:
        lines.append(f"    if: {job['when']}\n")
    lines += ["    runs-on: ubuntu-24.04\n", f"    timeout-minutes: {job['minutes']}\n"]
    if "environment" in job:
        remark = " # the gate: required reviewers stand here" if job.get("gate") else ""
        lines.append(f"    environment: {job['environment']}{remark}\n")
    if "permissions" in job:
        lines.append("    permissions:\n" + _indented(job["permissions"], 6))
    lines.append("    steps:\n")
    if job.get("checkout", True):
        lines.append(_uses("uses: actions/checkout\nwith:\n  persist-credentials: false"))
    if versions := _versions(job):
        lines.append("      # The bytes of bytecode depend on the patch level: exactly those of layer/layer.toml.\n")
        lines.append(_uses("uses: actions/setup-python\nwith:\n  python-version: |\n" + _indented(versions, 4)))
    elif "python" in job:
        lines.append(_uses(f'uses: actions/setup-python\nwith:\n  python-version: "{job["python"]}"'))
    lines += [_github_step(step) for step in job["steps"] if _for(step, "github")]
    if keeps := job.get("keeps"):
        with_ = f"with:\n  name: {keeps['name']}\n  path: {keeps['path']}\n  if-no-files-found: error"
        lines.append(_uses(f"uses: actions/upload-artifact\n{with_}"))
    return "".join(lines)


def _github_step(step: dict[str, Any]) -> str:
    if "uses" in step:
        return _uses(step["uses"])
    if takes := step.get("takes"):
        return _uses(f"uses: actions/download-artifact\nwith:\n  name: {takes['name']}\n  path: {takes['path']}")
    if role := step.get("role"):
        named = f"role-to-assume: ${{{{ vars.{role} }}}} # docs/pipelines.md"
        region = step.get("region", _REGION)
        return _uses(f"uses: aws-actions/configure-aws-credentials\nwith:\n  {named}\n  aws-region: {region}")
    lines = ([f"name: {step['name']}\n"] if "name" in step else []) + (
        ["env:\n", *(f"  {name}: {value}\n" for name, value in step["env"].items())] if "env" in step else []
    )
    run = _run(step, "github")
    return _uses("".join(lines) + (f"run: |\n{_indented(run, 2)}" if "\n" in run else f"run: {run}\n"))


def _uses(text: str) -> str:
    """One item of a list of steps."""
    return "      - " + _indented(text, 8).lstrip()


def _versions(job: dict[str, Any]) -> str:
    """The interpreters of layer.toml, one a line; the last one is `python3`. Empty for a job that needs none."""
    if not job.get("interpreters"):
        return ""
    runtimes = tomllib.loads((ROOT / "layer" / "layer.toml").read_text("utf-8"))["runtimes"]
    last = runtimes["python3.13"]
    return "\n".join([*(version for version in runtimes.values() if version != last), last])


def _pinned(text: str) -> str:
    """The same with the digests that the workflows have, where Dependabot moves them."""
    pins = dict(re.findall(r"uses: ([\w-]+/[\w-]+)(@\w{40} # v\S+)", _workflows()))

    def pin(match: re.Match[str]) -> str:
        if match[1] not in pins:
            sys.exit(f"error: no workflow uses {match[1]} yet: write its digest into one of them")
        return f"uses: {match[1]}{pins[match[1]]}"

    return re.sub(r"uses: ([\w-]+/[\w-]+)$", pin, text, flags=re.MULTILINE)


def _workflows() -> str:
    return "".join(path.read_text("utf-8") for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")))


# --- GitLab -------------------------------------------------------------------------------------------------

_ASSUMING = """\
mkdir -p "$CI_PROJECT_DIR/.token" && printf '%s' "$AWS_TOKEN" > "$CI_PROJECT_DIR/.token/aws"
export AWS_ROLE_ARN="${role}" AWS_WEB_IDENTITY_TOKEN_FILE="$CI_PROJECT_DIR/.token/aws"
export AWS_ROLE_SESSION_NAME="gitlab-$CI_JOB_ID" """


def _gitlab(source: dict[str, Any]) -> str:
    return "\n".join([source["gitlab"]["head"], *(_gitlab_job(job) for job in _jobs(source, "gitlab"))])


def _gitlab_job(job: dict[str, Any]) -> str:
    lines = [f"{job['id']}:\n", f"  stage: {job.get('stage', job['id'])}\n"]
    if needs := _needs(job, "gitlab"):
        lines.append(f"  needs: [{needs}]\n")
    if "environment" in job:
        lines.append(f"  environment: {job['environment']}\n")
    if job.get("gate"):
        lines.append("  when: manual # the gate\n")
    lines.append(f"  timeout: {job['minutes']} minutes\n")
    roles = [step["role"] for step in job["steps"] if "role" in step]
    if roles:
        lines.append("  id_tokens:\n    AWS_TOKEN:\n      aud: sts.amazonaws.com\n")
        lines.append("  before_script:\n" + _item(_ASSUMING.replace("{role}", roles[0]).rstrip()))
    lines.append("  script:\n")
    lines += [_item(_run(step, "gitlab")) for step in job["steps"] if "run" in step and _for(step, "gitlab")]
    if keeps := job.get("keeps"):
        lines.append(f"  artifacts:\n    paths: [{keeps['path']}]\n    expire_in: 30 days\n")
    return "".join(lines)


def _item(text: str) -> str:
    """A command of a script. GitLab and CodeBuild run each by itself: one that ends with `exit 0` ends no other."""
    if "exit 0" in text and not text.startswith("("):
        text = f"(\n{_indented(text, 2)})"
    if "\n" in text:
        return "    - |\n" + _indented(text, 6)
    return f"    - {_quoted(text)}\n"


def _quoted(text: str) -> str:
    plain = not re.search(r": |^[\[{&*!|>'\"%@`]| #", text)
    return text if plain else "'" + text.replace("'", "''") + "'"


# --- CodeBuild ----------------------------------------------------------------------------------------------


def _codebuild(source: dict[str, Any], job: dict[str, Any]) -> str:
    python = job.get("python", "3.13")
    lines = [source["codebuild"]["head"]]
    if job.get("pushes"):
        lines.append("\nenv:\n  git-credential-helper: yes\n")
    lines.append(f"\nphases:\n  install:\n    runtime-versions:\n      python: {python}\n")
    lines.append("  build:\n    on-failure: ABORT\n    commands:\n")
    for step in job["steps"]:
        if takes := step.get("takes"):
            lines.append(_indented(_item(f'cp -r "$CODEBUILD_SRC_DIR_{takes["name"]}" {takes["path"].rstrip("/")}'), 2))
        elif "run" in step and _for(step, "codebuild"):
            lines.append(_indented(_item(_all_or_nothing(_run(step, "codebuild"))), 2))
    if keeps := job.get("keeps"):
        lines.append(f"\nartifacts:\n  name: {keeps['name']}\n  base-directory: {keeps['path'].rstrip('/')}\n")
        lines.append('  files: ["**/*"]\n')
    return "".join(lines)


def _all_or_nothing(text: str) -> str:
    """CodeBuild takes a block's last line for its result: let the first failure end it."""
    return f"(\n  set -e\n{_indented(text, 2)})" if "\n" in text else text


if __name__ == "__main__":
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
