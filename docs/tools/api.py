"""A page for each public module of `shared_utils`: signatures and docstrings, read from the sources statically."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pages"]

_SOURCES = Path(__file__).resolve().parents[2] / "src"
_MODULES = ("", "logging", "logging.processors", "metrics", "config", "asgi", "errors", "testing")
_NOTE = "<!-- Written by `make reference` from the sources of shared_utils. -->\n"
_TITLES = {"parameters": "Argument", "attributes": "Attribute", "raises": "Raises", "returns": "Returns"}
# What a page does not repeat: a module's own modules, which have pages, and what pytest calls.
_HOOKS = re.compile(r"pytest_\w+|strict_metrics|__version__")


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page: the index, and a page for each module."""
    package: Any = griffe.load(
        "shared_utils", search_paths=[_SOURCES], docstring_parser=griffe.Parser.google, resolve_aliases=True
    )
    index = [_NOTE, "# The Python API\n", "What is not here is private, and may change with any release.\n"]
    index += ["| module | what it is |", "|---|---|"]
    for name in _MODULES:
        module = package[name] if name else package
        index.append(f"| [`{module.path}`]({module.path}.md) | {_summary(module)} |")
        yield f"{module.path}.md", "\n".join(_page(module))
    yield "README.md", "\n".join(index) + "\n"


def _page(module: Any) -> Iterator[str]:
    yield _NOTE
    yield f"# {module.path}\n"
    yield from _docstring(module)
    for name in sorted(map(str, module.exports or ()), key=str.lower):
        found = module[name]
        found = found.final_target if found.is_alias else found
        if not found.is_module and not _HOOKS.fullmatch(name):
            yield from _entry(name, found)


def _entry(name: str, found: Any, *, level: int = 2, owner: str = "") -> Iterator[str]:
    yield f"{'#' * level} {owner}{name}\n"
    if found.is_attribute:
        yield from _attribute(name, found)
        return
    if signatures := _signatures(name, found):
        yield f"```python\n{signatures}\n```\n"
    yield from _docstring(found)
    if found.is_class:
        own = [(key, each) for key, each in found.members.items() if not key.startswith("_") and not each.is_alias]
        for key, each in own:
            if (each.is_function or "property" in each.labels) and each.docstring:
                yield from _entry(key, each, level=level + 1, owner=f"{name}.")
        constants = [(key, each) for key, each in own if each.is_attribute and each.value is not None]
        if constants:
            yield "\n".join(
                ["| member | value |", "|---|---|", *(f"| `{key}` | `{each.value}` |" for key, each in constants)]
            )
            yield ""


def _attribute(name: str, found: Any) -> Iterator[str]:
    if "property" in found.labels:
        yield f"```python\n{name}: {found.annotation}\n```\n"
        yield from _docstring(found)
    elif re.match(r"_ROOT\.\w+$", str(found.value)):
        yield f"The root logger's method: see `BoundLogger.{str(found.value).partition('.')[2]}`.\n"
    else:
        yield f"`{found.value}`\n"


def _signatures(name: str, found: Any) -> str:
    """Return the signature, or each overload's; of a class, that of its constructor."""
    overloads = (found.overloads or {}).get("__init__") if found.is_class else found.overloads
    if found.is_class and "__init__" not in found.members:
        return ""
    signatures = [each.signature(name=name, return_type=not found.is_class) for each in overloads or [found]]
    stubs = "\n".join(f"def {_readable(signature)}: ..." for signature in signatures)
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "-"]
    laid_out = subprocess.run(ruff, input=stubs, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^def |: \.\.\.$", "", laid_out.replace("\n\n\n", "\n"), flags=re.MULTILINE).strip()


def _readable(signature: str) -> str:
    """Return a signature without what is ours alone: markers of what is not given, the mark behind a ``self``."""
    return re.sub(r"_?UNSET", "...", signature).replace("(/, ", "(")


def _summary(found: Any) -> str:
    return _links(found.docstring.value.partition("\n\n")[0].replace("\n", " ")) if found.docstring else ""


def _docstring(found: Any) -> Iterator[str]:
    for section in found.docstring.parsed if found.docstring else ():
        kind = section.kind.value
        if kind == "text":
            yield _links(_code_blocks(section.value)) + "\n"
        elif kind in _TITLES:
            rows = [
                f"| {_name(item)} | {_links(' '.join(str(item.description).split()))} |".replace("||", "\\|\\|")
                for item in section.value
            ]
            yield "\n".join([f"| {_TITLES[kind]} | |", "|---|---|", *rows]) + "\n"


def _name(item: Any) -> str:
    name = getattr(item, "name", None) or getattr(item, "annotation", None) or ""
    return f"`{name}`" if name else ""


def _links(text: str) -> str:
    """Return text in which ``code`` of docstrings is `code` of Markdown."""
    return re.sub(r"(?<!`)``([^`\n]+)``(?!`)", r"`\1`", text)


def _code_blocks(text: str) -> str:
    """Return text in which indented examples are fenced as Python."""
    paragraphs = text.split("\n\n")
    out: list[str] = []
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        if paragraph.strip() == "::":  # reStructuredText's mark of an example, which the indent shows
            continue
        if lines and all(line.startswith("    ") or not line for line in lines):
            block = "\n".join(line[4:] for line in lines)
            if out and out[-1].endswith("\n```") and out[-1].startswith("```python"):
                out[-1] = out[-1].removesuffix("\n```") + "\n\n" + block + "\n```"
            else:
                out.append(f"```python\n{block}\n```")
        else:
            out.append(paragraph)
    return "\n\n".join(out)
