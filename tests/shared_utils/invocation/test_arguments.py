"""What `instrument` refuses, and what it takes: a mistake shows when the handler is decorated, not at a request."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument
from shared_utils.errors import LoggingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *[("log_event", value) for value in ("true", "1", -1, 1.5, None, [])],
        *[("log_response", value) for value in ("false", "", -5, 2.0, None, {})],
        *[("timeout_warning", value) for value in ("no", "true", 0, 1, None, 0.5)],
        *[("redact_uncaught", value) for value in ("yes", 1, None, "AUTO", "")],
        *[("correlation_id", value) for value in (5, ["id"], "", "a..b")],
    ],
)
def test_a_bad_argument_is_refused_by_name_and_value(argument: str, value: Any) -> None:
    """The error names argument, value and what is allowed; bare and called decorators alike."""
    with pytest.raises(LoggingError, match="expected") as caught:
        instrument(**{argument: value})
    assert f"{argument}={value!r}" in str(caught.value)


@pytest.mark.parametrize("size", [True, False, 0, 1, 500, 10**9])
def test_sizes_and_truth_values_are_taken(size: Any) -> None:
    """log_event and log_response are switches, or sizes in bytes."""
    assert instrument(log_event=size, log_response=size)(lambda event, context: 1)({}, None) == 1


def generator(event: object, context: object) -> Iterator[int]:
    """Yield."""
    yield 1


async def async_generator(event: object, context: object) -> AsyncIterator[int]:
    """Yield."""
    yield 1


class Objects:
    """Objects whose call is a generator, and the bound method of one."""

    def __call__(self, event: object, context: object) -> Iterator[int]:
        """Yield."""
        yield 1

    @classmethod
    def method(cls, event: object, context: object) -> Any:
        """Return the class."""
        return cls


@pytest.mark.parametrize("arguments", [{}, {"log_event": True}], ids=["bare", "called"])
@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (generator, "generator"),
        (async_generator, "generator"),
        (functools.partial(generator, 1), "generator"),
        (Objects(), "generator"),
        (Objects().__call__, "generator"),
        (classmethod(lambda cls, event, context: None), "below @classmethod"),
        (Objects, "not a class"),
        (property(lambda self: None), "options are given by name"),
        ("handler", "options are given by name"),
    ],
)
def test_what_is_no_handler_is_refused(handler: Any, said: str, arguments: dict[str, Any]) -> None:
    """Generator functions behind partials, methods and objects; class methods, classes, and what cannot be called."""
    with pytest.raises(LoggingError, match=said):
        instrument(**arguments)(handler) if arguments else instrument(handler)


def test_methods_of_every_kind_are_served() -> None:
    """Methods, static methods above and below, class methods below, bound methods, types.coroutine."""

    class Api:
        @instrument
        def plain(self, event: Any, context: Any) -> Any:
            return event

        @instrument
        @staticmethod
        def above(event: Any, context: Any) -> Any:
            return event

        @staticmethod
        @instrument(log_event=True)
        def below(event: Any, context: Any) -> Any:
            return event

        @classmethod
        @instrument
        def of_class(cls, event: Any, context: Any) -> Any:
            return event, cls

    @instrument
    @types.coroutine
    def legacy(event: Any, context: Any) -> Any:
        yield
        return event

    assert [Api().plain(1, None), Api().above(2, None), Api.above(3, None), Api.below(4, None)] == [1, 2, 3, 4]
    assert Api.of_class(5, None) == (5, Api)
    assert instrument(Objects.method)(6, None) is Objects
    assert legacy(7, None) == 7
