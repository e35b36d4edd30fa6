"""The command line as a whole: names, help, verbosity, exit codes, the cost of its start."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from layerctl.__main__ import main
from layerctl.cli.app import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _commands(group: click.Group = cli, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, *above, name)
        else:
            yield (*above, name), command


COMMANDS = dict(_commands())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("pubish", "publish"), ("verfy", "verify"), ("inspct", "inspect"), ("prunes", "prune"), ("shar", "share")],
)
def test_a_near_miss_gets_a_suggestion(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that is nearly right is named; one that is not gets no guess."""
    assert main([typed]) == 2
    assert f"Did you mean '{meant}'" in capsys.readouterr().err
    assert main(["zzzzzz"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


def test_a_near_miss_within_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    """Groups within the command line suggest too."""
    assert main(["pins", "bmp"]) == 2
    assert "Did you mean 'bump'" in capsys.readouterr().err


def test_the_help_has_sections_and_whole_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command stands in one section, with a sentence that is not cut off, in groups within too."""
    main(["--help"])
    text = capsys.readouterr().out
    assert re.findall(r"^(\w[\w ]+):$", text, re.MULTILINE) == [
        "Options", "Make a layer", "Release it", "Use one", "Besides",
    ]  # fmt: skip
    for group in ([], ["pins"], ["index"], ["cache"]):
        main([*group, "--help"])
        assert "..." not in capsys.readouterr().out.partition("Commands")[2]


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_each_command_has_help_and_the_common_options(name: tuple[str, ...]) -> None:
    """A command says what it does; each of its options says what it means; -q and -v are there."""
    command = COMMANDS[name]
    assert (command.help or "").strip()
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    assert {"quiet", "verbose"} <= {one.name for one in options}


def test_an_option_means_the_same_everywhere() -> None:
    """The shared options have one help text, but for their defaults, wherever they stand."""
    for shared in ("--region", "--json", "--dry-run", "--profile", "--stage", "--layer-config", "--strict", "--format"):
        texts = {
            re.sub(r" Repeatable\.|  \[default: .*", "", one.help or "")
            for name, command in COMMANDS.items()
            # the functions get the profile; what a warning is to a build is said there
            if (name[0], shared) not in {("run", "--profile"), ("invoke", "--profile"), ("build", "--strict")}
            for one in command.params
            if isinstance(one, click.Option) and shared in one.opts
        }
        texts -= {"The same as --format json."}
        assert len(texts) == 1, (shared, texts)


def test_quiet_and_verbose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-q leaves the results, -v adds details, before the command's name or behind it."""
    (tmp_path / "layer/python").mkdir(parents=True)
    (tmp_path / "layer/python/a.py").write_text("A = 1\n")
    path = str(tmp_path / "layer")

    def said(*arguments: str) -> tuple[str, str]:
        assert main([*arguments]) == 0
        out, err = capsys.readouterr()
        return out, err

    assert "nothing found" in said("verify", path)[1]
    assert said("verify", path, "-q") == said("-q", "verify", path) == ("", "")
    assert "layer.toml: " in said("verify", path, "-v")[1]


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both spellings tell it."""
    assert main([option]) == 0
    assert re.fullmatch(r"layerctl, version \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    """The shells get their script, and from it the commands that begin as typed."""
    command = [sys.executable, "-c", "from layerctl.__main__ import entry_point; entry_point()"]
    environment = {"_LAYERCTL_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin"}
    script = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "_LAYERCTL_COMPLETE" in script.stdout, script.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("layerctl pi", ["pins"]),
        ("layerctl pins b", ["bump"]),
        ("layerctl verify --format ", ["text", "json", "sarif", "github"]),
        ("layerctl rule elf-g", ["elf-glibc"]),
        ("layerctl prune --app", ["--apply"]),
    ],
)
def test_what_is_completed(typed: str, offered: list[str]) -> None:
    """Commands, options, their values and the ids of rules."""
    words = typed.split(" ")
    environment = {
        "_LAYERCTL_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-c", "from layerctl.__main__ import entry_point; entry_point()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == offered, done.stderr


def test_what_help_costs() -> None:
    """`layerctl --help` imports neither SDK nor rich, and no more than twice as many modules as click alone."""
    program = (
        "import sys; import click; click_alone = len(sys.modules)\n"
        "from layerctl.__main__ import main; main(['--help'])\n"
        "heavy = {'boto3', 'botocore', 'rich', 'jsonschema', 'ruamel', 'packaging'} & set(sys.modules)\n"
        "print(sorted(heavy), len(sys.modules) < 2 * click_alone)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] True"


def test_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`cache dir` names the folder, `cache clean` empties it and says how much that was."""
    monkeypatch.setenv("LAYERCTL_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache/bytecode").mkdir(parents=True)
    (tmp_path / "cache/bytecode/a").write_bytes(bytes(2000))
    assert main(["cache", "dir"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "cache")
    for arguments, verb, there in ((["--dry-run"], "would be deleted", True), ([], "deleted", False)):
        assert main(["cache", "clean", *arguments]) == 0
        assert capsys.readouterr().out == f"1 folder, 2.0 kB {verb}\n"
        assert (tmp_path / "cache/bytecode").exists() == there
