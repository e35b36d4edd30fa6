"""Which parts of Powertools code uses that need more than Powertools itself (its documentation, "Extra dependencies").

Powertools depends on almost nothing; its tracer, parser, validation and the like need distributions that its extras
name. Without them the function fails when it is loaded, or at the first call.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

__all__ = ["EXTRAS", "MARK", "PartUse", "parts_used"]

MARK = b"aws_lambda_powertools"
_ROOT = "aws_lambda_powertools"
_UTILITIES = f"{_ROOT}.utilities"

# Extra -> the modules that it is needed for; each is there in one of the distributions that the extra names.
EXTRAS = {
    "tracer": ("aws_xray_sdk",),
    "parser": ("pydantic",),
    "validation": ("fastjsonschema",),
    "datamasking": ("jsonpath_ng",),
    "datamasking-kms": ("jsonpath_ng", "aws_encryption_sdk"),
    "redis": ("redis",),
    "jwt": ("jwt", "cryptography"),
    "kafka-consumer-avro": ("avro",),
    "kafka-consumer-protobuf": ("google.protobuf",),
}
# What is imported -> the extra; the longest that fits.
_PARTS = {
    f"{_ROOT}.Tracer": "tracer",
    f"{_ROOT}.tracing": "tracer",
    f"{_ROOT}.event_handler.openapi": "parser",
    f"{_UTILITIES}.parser": "parser",
    f"{_UTILITIES}.idempotency.serialization.pydantic": "parser",
    f"{_UTILITIES}.kafka.serialization.pydantic": "parser",
    f"{_UTILITIES}.validation": "validation",
    f"{_UTILITIES}.data_masking": "datamasking",
    f"{_UTILITIES}.data_masking.provider.kms": "datamasking-kms",
    f"{_UTILITIES}.idempotency.persistence.redis": "redis",
    f"{_UTILITIES}.auth_alpha.jwt": "jwt",
    f"{_UTILITIES}.kafka.deserializer.avro": "kafka-consumer-avro",
    f"{_UTILITIES}.kafka.deserializer.protobuf": "kafka-consumer-protobuf",
}
# An argument that asks for a part: its name and value -> the extra.
_ARGUMENTS = {
    ("enable_validation", True): "parser",
    ("key_schema_type", "AVRO"): "kafka-consumer-avro",
    ("value_schema_type", "AVRO"): "kafka-consumer-avro",
    ("key_schema_type", "PROTOBUF"): "kafka-consumer-protobuf",
    ("value_schema_type", "PROTOBUF"): "kafka-consumer-protobuf",
}


@dataclass(frozen=True, slots=True)
class PartUse:
    """A use of a part.

    Attributes:
        line: from 1.
        what: the import or argument, for people.
        extra: a key of `EXTRAS`.
    """

    line: int
    what: str
    extra: str


def parts_used(source: bytes) -> list[PartUse]:
    """Find the uses in a module that no ``try`` guards, the first of each extra; none in what is no Python."""
    if MARK not in source:
        return []
    finder = _PartFinder()
    try:
        with warnings.catch_warnings(action="ignore"):  # the source's own, e.g. of an invalid escape
            finder.visit(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(finder.uses.values())


class _PartFinder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.uses: dict[str, PartUse] = {}

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imported(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level == 0 and node.module is not None:
            for alias in node.names:
                self._imported(node, f"{node.module}.{alias.name}")

    def visit_Call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg and isinstance(keyword.value, ast.Constant):
                value = keyword.value.value
                extra = _ARGUMENTS.get((keyword.arg, value)) if isinstance(value, (bool, str)) else None
                if extra is not None:
                    self._use(keyword.value.lineno, f"{keyword.arg}={value!r}", extra)
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        """What is tried, and may be missing, is no need; what comes instead is."""
        for child in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(child)
        if not any(_takes_a_missing_module(handler) for handler in node.handlers):
            for child in node.body:
                self.visit(child)

    def visit_If(self, node: ast.If) -> None:
        """What only a type checker imports is no need."""
        names = {getattr(inner, "id", getattr(inner, "attr", "")) for inner in ast.walk(node.test)}
        for child in node.orelse if "TYPE_CHECKING" in names else (node.test, *node.body, *node.orelse):
            self.visit(child)

    def _imported(self, node: ast.Import | ast.ImportFrom, name: str) -> None:
        fitting = [part for part in _PARTS if f"{name}.".startswith(f"{part}.")]
        if fitting:
            part = max(fitting, key=len)
            self._use(node.lineno, f"the import of {name}", _PARTS[part])

    def _use(self, line: int, what: str, extra: str) -> None:
        self.uses.setdefault(extra, PartUse(line, what, extra))


def _takes_a_missing_module(handler: ast.ExceptHandler) -> bool:
    caught = (
        {getattr(inner, "id", getattr(inner, "attr", "")) for inner in ast.walk(handler.type)}
        if handler.type
        else set()
    )
    missing = not handler.type or bool(caught & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
    return missing and not isinstance(handler.body[-1], ast.Raise)
