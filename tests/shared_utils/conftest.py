"""What one test registers as secret, the next one does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared_utils.redaction.values import forget

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def secrets_are_forgotten() -> Iterator[None]:
    """Take back what a test loaded or registered: a short secret would be masked in the lines of the next one."""
    yield
    forget()
