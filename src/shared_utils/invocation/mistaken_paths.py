"""What a correlation path should have been. Loaded when one is refused."""

from __future__ import annotations

import re
from json.encoder import encode_basestring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["right_form"]

_EXPECTED = "expected a path such as headers.x-request-id or Records[0].messageId, or a function of the event"
_LONGEST = 200
_FUNCTION = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)(.*)", re.DOTALL)
# The pieces of paths in the ways in which other languages and libraries write them.
_PIECE = re.compile(
    r"""\[\s*(?:(?P<index>-?[0-9]+)|(?P<q>["'`])(?P<key>[^"'`\]]+)(?P=q)|[^\[\]]*)\s*\]"""
    r"""|(?P<mark>["'`])(?P<quoted>[^"'`]*)(?P=mark)|(?P<number>(?<![^./])[0-9]+(?![^./\[]))|(?P<name>[\w:#%+~-][\w:@#%+~-]*)"""
    r"""|(?P<star>\*)|[./\s$@]"""
)


def right_form(path: object, step: re.Pattern[str]) -> str:
    """Return what to write in place of `path`, whose allowed steps `step` matches."""
    if not isinstance(path, str) or not path.strip() or len(path) > _LONGEST:
        return _EXPECTED
    called = _FUNCTION.fullmatch(path)
    if called:
        return f"{_EXPECTED}; functions are not called{_as_function(called[1], called[2], called[3], step)}"
    first = re.split(r"\|\|?|&&", path)[0] if re.search(r"\|\||&&", path) else path.replace("|", ".")
    meant = _path_of(re.sub(r"^event(?=\[)", "", first), step)
    why = ""
    if re.search(r"\[\s*-", path):
        why = "; an index counts from the start"
    elif re.search(r"\*|\[\s*[?:\]]|:\s*\d*\s*\]", path):
        why = "; one value is taken, not many"
    return _EXPECTED if meant is None or meant == path else f"{_EXPECTED}{why}; did you mean {meant}?"


def _path_of(text: str, step: re.Pattern[str]) -> str | None:
    """Return `text` as a path, or None when nothing like one can be seen in it."""
    steps: list[str] = []
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            return None
        position = piece.end()
        name = piece["key"] or piece["quoted"] or piece["name"]
        if name is not None:
            steps.append(f".{name}" if step.fullmatch(f".{name}") else f".{encode_basestring(name)}")
        elif piece["index"] is not None or piece["number"] is not None:
            steps.append(f"[{(piece['index'] or piece['number']).lstrip('-')}]" if "-" not in piece[0] else "[0]")
        elif piece[0].startswith("[") or piece["star"]:
            steps.append("[0]")
    return "".join(steps).removeprefix(".") or None


def _as_function(name: str, argument: str, rest: str, step: re.Pattern[str]) -> str:
    """Return the function of the event that does what one of Powertools' functions does in its paths."""
    if not name.startswith("powertools_"):
        return ""
    read: Callable[[str], str] = lambda path: "".join(  # noqa: E731
        f"[{index}]" if index else f'["{(quoted or plain).strip(chr(34))}"]'
        for quoted, plain, index in step.findall(path)
    )
    found = _path_of(argument, step)
    inner = f"event{read(found)}" if found else "event"
    decoded = inner if name == "powertools_json" else f"base64.b64decode({inner})"
    outer = _path_of(rest.partition("|")[0], step)
    return f", write lambda event: json.loads({decoded}){read(outer) if outer else ''}"
