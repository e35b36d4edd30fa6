"""What type checkers see of a Settings class."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

USAGE = """
from typing import assert_type

from shared_utils import config


class Settings(config.Settings):
    table: str = config.env("TABLE_NAME")
    size: int = config.ssm("/size", default=20)
    key: config.Secret = config.secret("api", key="key")


async def use() -> None:
    settings = await Settings.aload(max_age=5)
    reveal_type(settings.size)
    reveal_type(settings.key.reveal())
    reveal_type(Settings.load())
    Settings(table="t", key=config.Secret("k"), size=1)
    Settings(tabel="t")
    settings.size = 5


def read() -> None:
    assert_type(config.get("ssm:///a", type=int), int)
    assert_type(config.get("ssm:///a", type=int, default=None, max_age=5), int | None)
    assert_type(config.get("ssm:///a", type=int, default=5), int)
    assert_type(config.get("ssm:///a", type=list[str]), list[str])
    assert_type(config.get("ssm:///a", type=dict[str, int], default={}, max_stale=1), dict[str, int])
    assert_type(config.get("secret://a", type=config.Secret[str]).reveal(), str)
    assert_type(config.get("secret://a", type=config.Secret[bytes]).reveal(), bytes)
    assert_type(config.Secret(b"b").reveal(), bytes)
    assert_type(config.Secret("s"), config.Secret)
    config.get("ssm:///a", typ=int)
    config.configure(max_age="1")
    config.configure(max_age=None)
    config.gte("ssm:///a")
    config.Secret(5)
"""


def test_a_checker_knows_fields_and_refuses_mistakes(tmp_path: Path) -> None:
    """A strict mypy knows each field's type, the constructor's arguments, and that instances are frozen."""
    file = tmp_path / "usage.py"
    file.write_text(USAGE, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "--no-error-summary", str(file)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, timeout=300)
    told = done.stdout
    assert 'Revealed type is "int"' in told.replace("builtins.", "")
    assert 'Revealed type is "str"' in told.replace("builtins.", "")
    assert 'Revealed type is "usage.Settings"' in told
    assert 'Unexpected keyword argument "tabel"' in told
    assert "read-only" in told
    errors = [
        line for line in told.splitlines() if ": error:" in line and 'Unexpected keyword argument "typ"' not in line
    ]
    told_of = ['"tabel"', "read-only", "No overload variant", '"max_age"', '"gte"', '"Secret"']
    assert len(errors) == len(told_of), told
    assert all(words in error for words, error in zip(told_of, errors, strict=True)), told
