"""What replaces AWS when code under test reads configuration, and keeps a test from reaching it by accident."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import _env

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "ConfigValues",
    "config_values",
    "pytest_addoption",
    "pytest_configure",
    "pytest_unconfigure",
    "real_aws",
]

_OPTION = "shared_utils_real_aws"
_BEFORE = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let pytest's configuration allow AWS for all tests."""
    parser.addini(_OPTION, "let shared_utils.config read AWS itself in tests", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Keep configuration from reaching AWS: while tests are collected, too."""
    config.stash[_BEFORE] = _env.aws_allowed
    _env.aws_allowed = bool(config.getini(_OPTION))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave it as it was."""
    _env.aws_allowed = config.stash.get(_BEFORE, True)


@pytest.fixture
def real_aws() -> Iterator[None]:
    """Let configuration read AWS itself, with the credentials of the environment, in this test."""
    from shared_utils.config.client import client

    before, _env.aws_allowed = _env.aws_allowed, True
    client().forget()
    yield
    _env.aws_allowed = before
    client().forget()


class ConfigValues(MutableMapping[str, Any]):
    """Values by reference: ``config_values["ssm:///todos/page-size"] = 20``. Calling it sets many at once.

    A parameter is given as text, number, or list of texts (a StringList); a secret as text or an object of keys; a
    configuration as any tree. An ``env://NAME`` stands before the real variable.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def __call__(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> ConfigValues:
        """Set many values and return the mapping. What does not look like a reference names a variable."""
        for reference, value in {**(values or {}), **more}.items():
            self[reference if "://" in reference else f"env://{reference}"] = value
        return self

    def __setitem__(self, reference: str, value: Any) -> None:
        from shared_utils.config.overrides import check_reference

        check_reference(reference)
        self._values[reference] = value

    def __getitem__(self, reference: str) -> Any:
        return self._values[reference]

    def __delitem__(self, reference: str) -> None:
        del self._values[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<config_values: {', '.join(self._values) or 'none'}>"


@pytest.fixture
def config_values() -> Iterator[ConfigValues]:
    """The values of everything that `config` reads; what is not among them does not exist. AWS is not asked.

    The secrets among them are masked in the lines of the test, not in those of other tests.
    """
    from shared_utils.config.client import client
    from shared_utils.redaction.values import forget, registered

    config_client = client()
    before = config_client.overrides
    known = registered()
    config_client.forget()
    config_client.overrides = values = ConfigValues()
    try:
        yield values
    finally:
        config_client.overrides = before
        config_client.forget()
        forget(but=known)
