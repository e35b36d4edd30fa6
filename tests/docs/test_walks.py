"""The tutorial, the ten tasks and the guide of the orders service, walked by the watch: every command really runs."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import venv
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import copy_checkout
from tests.support.sam import sam_environment
from tests.support.walks import Walk, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[2] / "docs"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("walks"),
    pytest.mark.skipif(platform.system() != "Linux", reason="AWS's emulator runs on Linux only"),
    pytest.mark.once,
]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A reader who has walked all pages, in a checkout of their own."""
    folder = copy_checkout(tmp_path_factory.mktemp("walk") / "shared-utils")
    # The environment is the repository's by links: what it imports is the checkout's all the same.
    own = {"PYTHONPATH": f"{folder}/src:{folder}/layerctl/src"}
    with Walk(folder, sam_environment() | own) as reader:
        # A guide tells to type what the tutorial's first step does in each terminal.
        reader.page(DOCS / "tutorial.md", only=("1. Prepare",))
        reader.page(DOCS / "guides" / "orders.md")
        reader.page(DOCS / "guides" / "local-aws.md")
        reader.page(DOCS / "tutorial.md", left_out=("1. Prepare", "On a real account"), go_on=True)
        reader.page(DOCS / "guides" / "roll-back.md", go_on=True)
        reader.page(DOCS / "tasks.md")
        write_transcript(reader, "walk")
        yield reader


@pytest.fixture(scope="module")
def other_walk(walk: Walk) -> Iterator[Walk]:
    """Another team's reader, who has set their repository up."""
    environment = {name: value for name, value in walk.environment.items() if name != "PYTHONPATH"}
    with Walk(consumer(walk.folder), environment) as reader:
        reader.page(DOCS / "guides" / "consumer-repository.md", left_out=("1. Install the tools",))
        write_transcript(reader, "walk-of-a-consumer")
        yield reader


def write_transcript(reader: Walk, name: str) -> None:
    """Leave what was typed, what it printed and how long it took in build/, one JSON object a line."""
    (DOCS.parent / "build").mkdir(exist_ok=True)
    lines = [json.dumps(asdict(done)) for done in reader.done]
    (DOCS.parent / "build" / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def consumer(checkout: Path) -> Path:
    """Make a repository beside the checkout, with what the guide has installed: pytest, and no shared_utils."""
    folder = checkout.parent / "hello"
    folder.mkdir()
    venv.create(folder / ".venv", symlinks=True)
    (packages,) = (folder / ".venv").glob("lib/*/site-packages")
    for name in ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (packages / origin.name).symlink_to(origin)
    shutil.copy(checkout / "dist" / "shared-utils-1.0.0.zip", folder)
    return folder


MOVED = r"todos/template.yaml\S* +shared-utils +2 .*users/template.yaml\S* +shared-utils +1 "
# Section, part of its command, and what the page promises of its output (regular expressions).
PROMISES = [
    # the tutorial
    ("2. See it run", "make demo", r"10 calls, everything as it should be"),
    ("2. See it run", "make run", r"todos.*users"),
    ("2. See it run", "curl", r'"todos": \['),
    ("3. Look at a service", "pins list", r"examples/todos/template.yaml.*shared-utils +1 "),
    ("3. Look at a service", "layerctl check", r"nothing found"),
    ("4. Publish to a local AWS", "local-aws", r"export AWS_ENDPOINT_URL="),
    ("4. Publish to a local AWS", "publish", r"arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:1\b"),
    ("4. Publish to a local AWS", "stack-name todos", r"Successfully created/updated stack - todos"),
    ("4. Publish to a local AWS", "stack-name users", r"Successfully created/updated stack - users"),
    ("5. A second version", "pytest", r"1 passed"),
    ("5. A second version", "diff", r"shared-utils +up +1\.0\.0 +1\.1\.0.*nothing found"),
    ("5. A second version", "publish", r"layer:shared-utils:2\b"),
    (
        "6. Move one service",
        "dry-run",
        r"-.*shared-utils:1 # shared-utils 1.0.0\n\+.*shared-utils:2 # .* 1.1.0",
    ),
    ("6. Move one service", "pins list", MOVED),
    ("6. Move one service", "/todos", r'"version": "1.1.0"'),
    ("6. Move one service", "/users", r'"version": "1.0.0"'),
    ("7. Who uses what", "usage", r"users-UsersFunction"),
    ("7. Who uses what", "prune", r"shared-utils:1 +keep +used by (todos|users)-\w+Function"),
    # back again
    ("A service goes back", "dry-run", r"\+.*shared-utils:1 # shared-utils 1\.0\.0"),
    # the ten tasks; those that are Python are walked by test_snippets.py
    ("Add a helper and see it run", "pytest", r"1 passed"),
    ("Add a helper and see it run", "invoke", r'"a-first-helper"'),
    ("Give one function another level", "invoke", r'"DEBUG".*asked for'),
    ("Pin version 2 in one service only", "pins list", MOVED),
    ("Who uses version 1", "usage", r"users-UsersFunction"),
    ("What makes the layer big", "inspect", r"layer.html"),
    ("Explain one cold start", "invoke", r"INIT|Init Duration"),
    ("Explain one cold start", "imports-of", r"importing shared_utils.*: [\d.]+ ms\n"),
    ("Recall a release", "index yank", r"yanked shared-utils 1\.0\.0: loses lines"),
    ("Recall a release", "pins check", r"pin-yanked.*loses lines"),
    ("Recall a release", "usage --yanked", r"users-UsersFunction"),
    # the orders service
    ("On your machine", "stack-name orders", r"Successfully created/updated stack - orders"),
    ("On your machine", '"quantity": 3', r'"status": 422'),
    ("On your machine", "invoke", r'"batchItemFailures": \[\s*{\s*"itemIdentifier"'),
]
OF_A_CONSUMER = [
    ("2. Pin the layer", "pins list", r"template.yaml:13\S* +shared-utils +1 "),
    ("3. Let editor and tests see it", "sync", r"\.venv sees them \(layerctl-sync\.pth\)"),
    ("4. Test", "pytest", r"1 passed"),
    ("4. Test", "curl", r"\Ahello"),
    ("5. Before commits, and in the pipeline", "layerctl check", r"nothing found"),
]


@pytest.mark.parametrize(
    ("reader", "section", "command", "promise"),
    [*(("walk", *promise) for promise in PROMISES), *(("other_walk", *promise) for promise in OF_A_CONSUMER)],
    ids=lambda value: value[:24],
)
def test_a_command_does_what_its_page_says(
    request: pytest.FixtureRequest, reader: str, section: str, command: str, promise: str
) -> None:
    """Each command of tutorial, tasks and guides was typed in order, ended as its page says, and printed this."""
    walked: Walk = request.getfixturevalue(reader)
    assert re.search(promise, walked.said(section, command), re.DOTALL), walked.said(section, command)


def test_a_post_that_comes_twice_is_answered_once(walk: Walk) -> None:
    """The guide's two requests with one key have the same order and receipt."""
    answers = [
        json.JSONDecoder().raw_decode(done.output)[0]
        for done in walk.done
        if done.step.section == "On your machine" and '"quantity": 2' in done.step.command
    ]
    assert len(answers) == 2
    assert answers[0]["order"]["items"] == [{"sku": "tea", "quantity": 2}]
    assert answers[0]["receipt"]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("reader", "page", "minutes"), [("walk", "tutorial.md", 20), ("other_walk", "guides/consumer-repository.md", 10)]
)
def test_a_page_takes_no_longer_than_it_says(
    request: pytest.FixtureRequest, reader: str, page: str, minutes: int
) -> None:
    """By the watch, reading not counted."""
    of_the_page = {step.section for step in steps((DOCS / page).read_text("utf-8"))}
    walked: Walk = request.getfixturevalue(reader)
    seconds = [done.seconds for done in walked.done if done.step.section in of_the_page]
    assert 0 < sum(seconds) < minutes * 60
