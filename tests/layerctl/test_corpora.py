"""The script that tries real templates: what it counts, and that a crash fails it. Its corpora are no part of CI."""

from pathlib import Path

import pytest

from tests.corpora import __main__ as corpora

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.emulator  # planning asks for it, and nothing is started


def test_what_it_counts(capsys):
    """Pins, functions and findings are counted for each command, with the slowest file, and nothing crashes."""
    pins, check, run = corpora.try_folder(REPOSITORY / "examples")
    assert pins.counts["pins"] >= 4
    assert check.counts["functions"] >= run.counts["functions"]
    assert check.counts["functions"] >= 4
    assert [one.crashes for one in (pins, check, run)] == [[], [], []]
    assert pins.slowest[0] > 0
    assert corpora.main([REPOSITORY / "examples/todos"]) == 0
    assert "pins list" in capsys.readouterr().out


def test_the_sam_clis_own_templates():
    """The templates that the SAM CLI ships are left out where cookiecutter has to fill them in, and crash nothing."""
    (folder,) = REPOSITORY.glob(".venv-sam/lib/python3*/site-packages/samcli/lib/init/templates")
    for outcome in corpora.try_folder(folder):
        assert outcome.files > 0
        assert outcome.crashes == []


@pytest.mark.parametrize(("name", "at"), [("find_pins", 0), ("check_templates", 1), ("plan", 2)])
def test_a_crash(monkeypatch, capsys, name, at):
    """A crash of any command is named with its file and traceback, and is the exit code."""

    def broken(*given, **options):
        raise KeyError("odd")

    monkeypatch.setattr(corpora, name, broken)
    outcomes = corpora.try_folder(REPOSITORY / "examples/todos")
    assert [bool(one.crashes) for one in outcomes] == [number == at for number in range(3)]
    assert corpora.main([REPOSITORY / "examples/todos"]) == 1
    assert "KeyError: 'odd'" in capsys.readouterr().out
