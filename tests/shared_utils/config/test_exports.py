"""The public face of the package."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shared_utils import config


def test_the_exported_names_are_pinned() -> None:
    """What is public is listed, sorted, there, and nothing else."""
    assert config.__all__ == sorted(config.__all__)
    assert config.__all__ == [
        *("ConfigError", "ConfigUnavailable", "InvalidConfig", "MissingConfig", "Secret", "Settings"),
        *("aget", "appconfig", "configure", "env", "field", "get", "refresh", "register_source", "secret", "ssm"),
    ]
    assert dir(config) == config.__all__
    assert all(getattr(config, name) is not None for name in config.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        config.nothing  # noqa: B018


def test_importing_it_does_nothing() -> None:
    """The import loads no room but its own, reads no variable, and takes what is set afterwards."""
    code = (
        "import sys, os; from shared_utils import config\n"
        "assert not [name for name in sys.modules if name.startswith('shared_utils.config.')], sys.modules\n"
        "os.environ['LATE'] = '5'\n"
        "assert config.get('env://LATE', type=int) == 5\n"
        "assert not {'socket', 'ssl', 'hashlib'} & set(sys.modules), 'a variable needs no network'\n"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=60, env=environment())


def environment() -> dict[str, str]:
    """Return an environment in which a bare interpreter finds the package."""
    from pathlib import Path

    import shared_utils

    return {**os.environ, "PYTHONPATH": str(Path(shared_utils.__file__).parents[1])}
