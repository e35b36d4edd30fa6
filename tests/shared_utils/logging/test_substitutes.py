"""What stands for an exception that says a secret: caught as the original is, with all it has but the secret."""

from __future__ import annotations

import abc
import traceback
from dataclasses import dataclass
from typing import Any, Self

import attrs
import pydantic
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from shared_utils.logging.substitutes import without_secrets
from shared_utils.redaction.values import register_secret

SECRET = "hunter2-Sq7xZ"
SAID = f"password={SECRET}"


class Odd(Exception):
    """Its constructor takes something else than its arguments, and its text comes from an attribute."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class Slotted(Exception):
    """Keeps what it has outside of its dict."""

    __slots__ = ("__hidden", "code", "unset")

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.__hidden = code, text

    @property
    def hidden(self) -> str:
        """What only a property tells."""
        return self.__hidden


class ReadOnly(Exception):
    """Refuses to have its attributes set."""

    def __init__(self, text: str) -> None:
        self.__dict__["code"] = 5
        super().__init__(text)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    @property
    def text(self) -> str:
        """A property without a setter."""
        return str(self.args[0])


@dataclass(frozen=True)
class Frozen(Exception):
    """A frozen dataclass: text and repr are made of fields."""

    code: int
    detail: str


@attrs.frozen
class FrozenAttrs(Exception):
    """The same of attrs."""

    code: int
    detail: str


class Registry(Exception):
    """Counts its subclasses, and wants to be told more of each."""

    known: list[type] = []  # noqa: RUF012

    def __init_subclass__(cls, *, code: int) -> None:
        cls.known.append(cls)


class Meta(abc.ABCMeta):
    """Refuses what it does not know, in a class and in a call."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, allowed: bool) -> Any:  # noqa: D102
        return super().__new__(mcs, name, bases, namespace)

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, allowed: bool) -> None:
        super().__init__(name, bases, namespace)


class WithMeta(Exception, metaclass=Meta, allowed=True):
    """Of a class with a metaclass of its own."""


class New(Exception):
    """Has a constructor below its constructor."""

    def __new__(cls, *, text: str) -> Self:  # noqa: D102
        return super().__new__(cls, text)

    def __init__(self, *, text: str) -> None:
        self.code = 5


class MyGroup(ExceptionGroup[Exception]):
    """A group with more to it."""

    code = 5


def client_error() -> ClientError:
    """Return an error of boto3's, whose text is made of a response."""
    response: Any = {"Error": {"Code": "Denied", "Message": SAID}, "ResponseMetadata": {"RetryAttempts": 0}}
    return ClientError(response, "GetItem")


def decode_error() -> UnicodeDecodeError:
    """Return an error that holds what could not be decoded."""
    return UnicodeDecodeError("utf-8", SAID.encode() + b"\xff", 3, 4, "invalid start byte")


def pydantic_error() -> pydantic.ValidationError:
    """Return an error of a class that can have no subclasses, and tells what was given."""
    register_secret(SECRET)

    class Login(pydantic.BaseModel):
        port: int

    with pytest.raises(pydantic.ValidationError) as caught:
        Login.model_validate({"port": SECRET})
    return caught.value


def caused() -> Exception:
    """Return an error that says nothing itself, about one that does."""
    try:
        try:
            raise ValueError(SAID)
        except ValueError as error:
            raise RuntimeError("harmless") from error
    except RuntimeError as error:
        return error


def in_context(*, suppressed: bool) -> Exception:
    """Return the same with a context, shown or not."""
    try:
        try:
            raise ValueError(SAID)
        except ValueError:
            if suppressed:
                raise RuntimeError("harmless") from None
            raise RuntimeError("harmless")  # noqa: B904
    except RuntimeError as error:
        return error


def noted(notes: Any = None) -> Exception:
    """Return an error with a note."""
    error = RuntimeError("harmless")
    error.__notes__ = notes or ["one", SAID]
    return error


def circular() -> Exception:
    """Return an error whose cause's context is itself."""
    error, cause = RuntimeError("harmless"), ValueError(SAID)
    error.__cause__, cause.__context__ = cause, error
    error.args = ("harmless", cause)
    return error


EXCEPTIONS = {
    "plain": lambda: ValueError(SAID),
    "several arguments": lambda: ValueError(1, {"password": SECRET}, [("a", SAID)], SAID.encode()),
    "odd constructor": lambda: Odd(5, reason=SAID),
    "slots": lambda: Slotted(5, SAID),
    "read-only attributes": lambda: ReadOnly(SAID),
    "frozen dataclass": lambda: Frozen(5, SAID),
    "frozen attrs": lambda: FrozenAttrs(5, SAID),
    "its own registry": lambda: Registry(SAID),
    "its own metaclass": lambda: WithMeta(SAID),
    "its own __new__": lambda: New(text=SAID),
    "OSError": lambda: OSError(2, "No such file", SAID),
    "FileNotFoundError": lambda: FileNotFoundError(2, "No such file", "/a?" + SAID, None, "b"),
    "KeyError": lambda: KeyError(SAID),
    "UnicodeDecodeError": decode_error,
    "UnicodeEncodeError": lambda: UnicodeEncodeError("ascii", SAID + "é", 0, 1, "ordinal not in range"),
    "SyntaxError": lambda: SyntaxError("invalid", ("file.py", 3, 5, f"x = {SAID}")),
    "ImportError": lambda: ImportError(SAID, name="a", path="b"),
    "AttributeError": lambda: AttributeError(SAID, name="a", obj=5),
    "StopIteration": lambda: StopIteration(SAID),
    "TimeoutError": lambda: TimeoutError(SAID),
    "a base exception": lambda: BaseException(SAID),
    "ClientError": client_error,
    "ParamValidationError": lambda: ParamValidationError(report=SAID),
    "pydantic": pydantic_error,
    "a group": lambda: ExceptionGroup("harmless", [TypeError("fine"), ValueError(SAID)]),
    "a group's message": lambda: MyGroup(SAID, [TypeError("fine")]),
    "groups in groups": lambda: BaseExceptionGroup("x", [MyGroup("y", [ValueError(SAID)]), KeyboardInterrupt()]),
    "a member's cause": lambda: ExceptionGroup("harmless", [caused()]),
    "cause": caused,
    "context": lambda: in_context(suppressed=False),
    "hidden context": lambda: in_context(suppressed=True),
    "notes": noted,
    "broken notes": lambda: noted(SAID),
    "circular": circular,
    "an exception as argument": lambda: RuntimeError(ValueError(SAID)),
}


def everything(error: BaseException, seen: tuple[int, ...] = ()) -> str:
    """Return all that an exception and what led to it say."""
    if id(error) in seen:
        return ""
    parts = [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
    parts += [repr(getattr(error, name, None)) for name in dir(error) if not name.startswith("__")]
    more = [error.__cause__, error.__context__, *getattr(error, "exceptions", ()), *error.args]
    parts += [everything(one, (*seen, id(error))) for one in more if isinstance(one, BaseException)]
    return "\n".join(parts)


def caught_by(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether an ``except`` takes it."""
    try:
        raise error
    except kind:
        return True
    except BaseException:
        return False


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_it_is_of_the_class_and_says_no_secret(name: str) -> None:
    """By `isinstance`, ``except`` and name, with its notes, frames and chain; nothing in it tells the secret."""
    original: BaseException = EXCEPTIONS[name]()
    before = everything(original)
    assert SECRET in before
    try:
        raise original
    except BaseException as error:
        substitute = without_secrets(error)
    kind = type(original)
    assert substitute is not original
    assert isinstance(substitute, kind)
    assert (type(substitute).__name__, type(substitute).__module__) == (kind.__name__, kind.__module__)
    assert type(substitute).__qualname__ == kind.__qualname__
    assert traceback.extract_tb(substitute.__traceback__) == traceback.extract_tb(original.__traceback__)
    assert SECRET not in everything(substitute)
    assert len(getattr(substitute, "exceptions", ())) == len(getattr(original, "exceptions", ()))
    assert (substitute.__cause__ is None, substitute.__suppress_context__) == (
        original.__cause__ is None,
        original.__suppress_context__,
    )
    assert (str(substitute) == str(original)) is (SECRET not in str(original))
    assert caught_by(substitute, kind)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_what_says_no_secret_is_left_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very same exception, whatever its kind, unless a substitute is wanted in any case."""
    monkeypatch.setitem(globals(), "SAID", "harmless")
    monkeypatch.setitem(globals(), "SECRET", "5x")
    error: BaseException = EXCEPTIONS[name]() if name not in {"pydantic", "several arguments"} else KeyError("harmless")
    assert without_secrets(error) is error
    always = without_secrets(error, always=True)
    assert always is not error
    assert (str(always), type(always).__name__, repr(always)) == (str(error), type(error).__name__, repr(error))


def test_attributes_are_kept() -> None:
    """Those without the secret are the same objects, in the dict, in slots, and in the fields of the interpreter's."""
    marker = object()
    odd = Odd(5, reason=SAID)
    odd.response = {"a": marker, "token": SECRET}  # type: ignore[attr-defined]
    odd.marker = marker  # type: ignore[attr-defined]
    found: Any = without_secrets(odd)
    assert (found.code, found.marker, found.reason) == (5, marker, "password=[REDACTED]")
    assert found.response == {"a": marker, "token": "[REDACTED]"}
    slotted: Any = without_secrets(Slotted(5, SAID))
    assert (slotted.code, slotted.hidden, hasattr(slotted, "unset")) == (5, "password=[REDACTED]", False)
    os_error: Any = without_secrets(OSError(2, "No such file", SAID))
    assert (os_error.errno, os_error.strerror, type(os_error).__mro__[2]) == (2, "No such file", FileNotFoundError)
    client: Any = without_secrets(client_error())
    assert client.response["Error"]["Code"] == "Denied"
    assert client.operation_name == "GetItem"
    assert str(client).endswith("when calling the GetItem operation: password=[REDACTED]")
    read_only: Any = without_secrets(ReadOnly(SAID))
    assert (read_only.code, read_only.text) == (5, "password=[REDACTED]")
    validation: Any = without_secrets(pydantic_error())
    assert [(one["loc"], one["type"]) for one in validation.errors()] == [(("port",), "int_parsing")]
    before = list(Registry.known)
    without_secrets(Registry(SAID))
    assert Registry.known == before


def test_the_printed_statement_is_masked_too() -> None:
    """A secret in the source line that raises is printed with the traceback."""
    try:
        raise ValueError("token=c4n4ry-in-the-source")
    except ValueError as error:
        substitute = without_secrets(error)
    assert "c4n4ry" not in "".join(traceback.format_exception(substitute))


def test_a_text_that_cannot_be_made_is_no_obstacle() -> None:
    """An exception that fails when printed, or to take part in anything, still leaves."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

        __repr__ = __str__

        def __getattribute__(self, name: str) -> Any:
            if name == "args":
                raise RuntimeError("no arguments")
            return super().__getattribute__(name)

    error = Broken(SAID)
    error.__cause__ = ValueError(SAID)
    substitute: BaseException = without_secrets(error)
    assert isinstance(substitute, Broken)
    assert SAID not in str(substitute.__cause__)
