"""What stands for an exception that says a secret: an instance of its class, with its attributes and frames, scrubbed.

Loaded when an exception leaves the function, or is handed to what listens to the standard library's logging.
"""

from __future__ import annotations

import linecache
from contextlib import suppress

from shared_utils._json import text_of
from shared_utils.redaction import MASK, REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

__all__ = ["without_secrets"]

_DEEPEST = 16  # containers within arguments and attributes
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that is not built into the interpreter or a library
# What a class keeps outside of `__dict__`: slots, and the fields of the interpreter's own exceptions (OSError.errno).
_FIELDS = (type(OSError.errno), type(BaseException.args))
_SET_APART = frozenset({"args", "message", "exceptions"})
_PLAIN = frozenset({type(None), bool, float, complex, type, type(Ellipsis)})


def without_secrets(error: BaseException, *, always: bool = False) -> BaseException:
    """Return `error`, or what stands for it when it, or what led to it, says something that redaction masks.

    Looked at are the texts, arguments and notes of the exception, of its causes and contexts, and of the members of
    groups. What stands for it is caught by the same ``except``, has the name of its class, its attributes (those
    without the secret are the same objects), its frames, and the same chain, scrubbed.

    Args:
        error: any exception.
        always: make a substitute in any case.
    """
    try:
        return _Substitutes().of(error, always=always)
    except Exception:  # a class may have broken whatever it inherits
        text = text_of(error)
        return error if REDACTION.scrub(text) == text else Exception(f"{type(error).__name__}: {MASK}")


class _Quiet:
    """Comes before the original's class: what that one does with its subclasses is none of ours."""

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        pass


class _Substitutes:
    """What stands for the exceptions of one chain; each is made once, because chains may be circular."""

    def __init__(self) -> None:
        self._judged: dict[int, bool] = {}  # whether an exception needs a substitute
        self._made: dict[int, BaseException] = {}
        self._kept: list[BaseException] = []  # the identifiers above are theirs for as long as this lives
        self._open: set[int] = set()

    def of(self, error: BaseException, *, always: bool = False) -> BaseException:
        """Return `error`, or its substitute."""
        if id(error) not in self._judged:
            self._judge(error)
        if not (always or self._judged[id(error)]):
            return error
        made = self._made.get(id(error))
        if made is None:
            if id(error) in self._open:  # an attribute of what leads to it
                return Exception(MASK)
            self._open.add(id(error))
            made = self._made[id(error)] = self._make(error)
            self._open.discard(id(error))
            self._link(made, error)
        return made

    def _judge(self, error: BaseException) -> None:
        """Find out which of the exceptions that `error` leads to say a secret, or lead to one that does."""
        reached = [error]
        leads_to: dict[int, list[int]] = {}
        for found in reached:  # grows as it goes
            self._judged[id(found)] = False
            others = _led_by(found)
            leads_to[id(found)] = [id(other) for other in others]
            for other in others:
                if self._judged.setdefault(id(other), False) is False and id(other) not in leads_to:
                    leads_to[id(other)] = []
                    reached.append(other)
        self._kept += reached
        for found in reached:
            self._judged[id(found)] = self._says_a_secret(found)
        changed = True
        while changed:
            changed = False
            for found in reversed(reached):
                if not self._judged[id(found)] and any(self._judged[other] for other in leads_to[id(found)]):
                    self._judged[id(found)] = changed = True

    def _says_a_secret(self, error: BaseException) -> bool:
        said = (text_of(error), _own(error, "args"), _own(error, "__dict__").get("__notes__"))
        return any(self._clean(part) is not part for part in said)

    def _clean(self, value: Any, depth: int = 0) -> Any:
        """Return `value` itself, or, when it says a secret, the same without it."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if depth > _DEEPEST:
            return "<nested too deep>"
        if kind is str:
            clean: Any = REDACTION.scrub(value)
            return value if clean == value else clean
        if kind in (bytes, bytearray):
            text = value.decode("utf-8", "backslashreplace")
            clean = REDACTION.scrub(text)
            return value if clean == text else kind(clean.encode())
        if kind is dict:
            clean = {
                self._clean(key, depth + 1): MASK
                if isinstance(key, str) and REDACTION.hides(key, item)
                else self._clean(item, depth + 1)
                for key, item in value.items()
            }
            same = all(
                a is b and item is old for (a, item), (b, old) in zip(clean.items(), value.items(), strict=False)
            )
            return value if same and len(clean) == len(value) else clean
        if kind in (list, tuple, set, frozenset):
            parts = [self._clean(item, depth + 1) for item in value]
            return value if all(a is b for a, b in zip(parts, value, strict=True)) else kind(parts)
        if isinstance(value, BaseException):
            return self.of(value) if id(value) not in self._open else value
        texts = (text_of(value), _repr_of(value))
        clean = REDACTION.scrub(texts[0])
        return value if clean == texts[0] and REDACTION.scrub(texts[1]) == texts[1] else clean

    def _make(self, error: BaseException) -> BaseException:
        kind = type(error)
        text, shown = REDACTION.scrub(text_of(error)), REDACTION.scrub(_repr_of(error))
        for base in kind.__mro__:  # the class itself, unless it cannot have subclasses
            if not issubclass(base, BaseException):
                continue
            with suppress(Exception):
                return self._instance(_namesake(kind, base, text, shown), error)
            if hasattr(kind, "from_exception_data"):
                with suppress(Exception):
                    return _of_pydantic(error, text)
        return Exception(text)  # cannot be: Exception itself is among the bases

    def _instance(self, kind: type[BaseException], error: BaseException) -> BaseException:
        """Return an instance of `kind` with what `error` has, without calling any code of its class."""
        built_in: Any = next(base for base in kind.__mro__ if not base.__flags__ & _HEAP_TYPE)
        args = self._clean(_own(error, "args"))
        if issubclass(built_in, BaseExceptionGroup):
            message, members = self._clean(error.message), error.exceptions  # type: ignore[attr-defined]
            made = built_in.__new__(kind, message, [self.of(member) for member in members])
        else:
            try:
                made = built_in.__new__(kind, *args)
            except TypeError:
                made = built_in.__new__(kind)
        for base in type(error).__mro__:
            for name, field in vars(base).items():
                if isinstance(field, _FIELDS) and name not in _SET_APART and not name.startswith("__"):
                    with suppress(Exception):  # not set, or read-only
                        field.__set__(made, self._clean(field.__get__(error)))  # type: ignore[union-attr]
        _own(made, "__dict__").update({name: self._clean(value) for name, value in _own(error, "__dict__").items()})
        BaseException.__setattr__(made, "args", args)
        return made  # type: ignore[no-any-return]

    def _link(self, made: BaseException, error: BaseException) -> None:
        """Give a substitute the frames of `error`, and what led to it."""
        cause, context, trace = _own(error, "__cause__"), _own(error, "__context__"), _own(error, "__traceback__")
        chain = {
            "__traceback__": trace,
            "__cause__": cause and self.of(cause),
            "__context__": context and self.of(context),
            "__suppress_context__": _own(error, "__suppress_context__"),
        }
        for name, value in chain.items():
            BaseException.__setattr__(made, name, value)
        _mask_statements(trace)


# What an exception has, and not what its class says that it has; it may also refuse to be changed.
_own = object.__getattribute__


def _led_by(error: BaseException) -> list[BaseException]:
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [
        related for related in (_own(error, "__cause__"), _own(error, "__context__"), *members) if related is not None
    ]


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # any object may be here
        return f"<{type(value).__name__}: {type(error).__name__} when printed>"


def _namesake(kind: type, base: type[BaseException], text: str, shown: str) -> type[BaseException]:
    """Return a subclass of `base`, named as `kind`, whose instances print `text`. No code of its metaclass runs."""
    own = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__slots__": (),
        "__str__": lambda _: text,
        "__repr__": lambda _: shown,
    }
    return type.__new__(type(base), kind.__name__, (_Quiet, base), own)


def _of_pydantic(error: Any, text: str) -> BaseException:
    """Return a ValidationError of pydantic's, which cannot have subclasses, without what it was given."""
    from pydantic_core import PydanticCustomError

    problems = [
        {
            "type": PydanticCustomError(problem["type"], "{said}", {"said": REDACTION.scrub(str(problem["msg"]))}),
            "loc": tuple(REDACTION.scrub(step) if isinstance(step, str) else step for step in problem["loc"]),
            "input": MASK,
        }
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    made: BaseException = type(error).from_exception_data(REDACTION.scrub(error.title), problems, hide_input=True)
    if REDACTION.scrub(str(made)) != str(made):
        raise ValueError(text)
    return made


def _mask_statements(trace: TracebackType | None) -> None:
    """Mask secrets in the source lines that are printed with a traceback (``raise ValueError("password=…")``).

    Python prints them from the cache of `linecache`, which is good for as long as the file does not change.
    """
    while trace is not None:
        code, number = trace.tb_frame.f_code, trace.tb_lineno or 0
        lines = linecache.getlines(code.co_filename, trace.tb_frame.f_globals)
        ends = [end for start, end, _, _ in code.co_positions() if start == number and end is not None]
        for at in range(number - 1, min(max([number, *ends]), len(lines))):
            with suppress(TypeError):  # not a list
                lines[at] = REDACTION.scrub(lines[at])
        trace = trace.tb_next
