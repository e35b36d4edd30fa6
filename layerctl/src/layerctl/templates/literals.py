"""Layer version ARNs in plain text: every literal one, and those with placeholders for region, account or partition.

This is the base of `finder`: it needs no structure, so it works in templates that are broken, in sources of any
language, in documents and scripts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from layerctl.core.partitions import REGION

__all__ = ["TextArn", "puts_together", "text_arns"]

# How a language or a tool leaves a part open: ${...} with one level of nesting, #{...} (serverless-pseudo-parameters,
# Ruby), {{...}} (Jinja, Helm), {...} (Python's f-strings and format), <...> (documents), %s, %d and %(name)s, $(...),
# $NAME, and the end of a string literal, something, the start of the next one ("..." + region + "...").
# Each is taken as a whole or not at all (++, (?>...)): to try it apart again takes exponential time, and finds nothing.
_OPEN = (
    r"\\?\$\{(?:[^{}\n]++|\{[^{}\n]*+\})*+\}|\#\{[^{}\n]*+\}|\{\{[^{}\n]*+\}\}|\{[^{}\n\"']*+\}|<[^<>\n]{1,60}+>"
    r"|%[sdv]|%\(\w++\)[sd]|\$\([^()\n]*+\)|\$[A-Za-z_]\w*+"
)
_JOINT = r"[\"'`][^\"'`\n:]{0,100}+(?:\r?\n[^\"'`\n:]{0,100}+)?+[\"'`]"
_FIELD = rf"(?>[\w.*?-]++|{_OPEN}|{_JOINT})++"

# What a literal ARN looks like is AWS's own pattern (Lambda API reference, LayerVersionArn), with any word in place of
# region and account: documents and tests write `arn:aws:lambda:region:123:layer:x:1`, and a pin it is all the same.
_NAME = rf"(?>[A-Za-z0-9_-]++|{_OPEN})++"
_VERSION = rf"[0-9]{{1,4000}}+|{_OPEN}|{_JOINT}"
_HEAD = rf"arn:(?P<partition>{_FIELD}):lambda:(?P<region>{_FIELD}):(?P<account>{_FIELD}):layer:"
_ARN = re.compile(rf"{_HEAD}(?P<name>{_NAME}):(?P<version>{_VERSION})")
# The end of an ARN whose beginning stands elsewhere: REGION_PREFIX + ":017000801446:layer:powertools:12".
_TAIL_ONLY = re.compile(r"(?<![0-9])(?P<account>[0-9]{12}):layer:(?P<name>[A-Za-z0-9_-]+):(?P<version>[0-9]{1,4000})")
# What names a layer, or is about to, and ends where something is added: 'layer:demo:' + version().
_GOES_ON = re.compile(rf":layer:(?P<name>{_NAME}):(?=[\"'`])")
_BARE_HEAD = re.compile(rf"{_HEAD}(?=[\"'`])")
# The word in an ARN, or in a string of its own that is put together with others.
_MARK = re.compile(r"layer(?<=[:\"'`]layer)(?=[:\"'`])")  # the word first: it is what a search is fast for
# Behind a string that nothing is added to.
_ALONE = re.compile(r"[\"'`]\s*+(?![\"'`+%.\\]|[bfruBFRU]{1,2}[\"'])")
_FORMAT_ARN = re.compile(r"\b(?:formatArn|format_arn|Arn\.format)\b")
_ARN_WORD = re.compile(rf"\barn\b|{_FORMAT_ARN.pattern}")
_WORD = re.compile(r"[A-Za-z0-9-]+")
_DIGITS = re.compile(r"[0-9]{1,12}")
_REGION = re.compile(REGION)
# How far an ARN reaches before and behind the word `layer`. A version may have thousands of digits.
_BEFORE, _BEHIND = 600, 8192


class TextArn(NamedTuple):
    """An ARN in the text. Open parts are None; `version` is None where it is open."""

    partition: str | None
    region: str | None
    account: str | None
    name: str
    version: int | None
    arn_start: int
    start: int
    end: int
    written: str


def text_arns(text: str) -> list[TextArn]:
    """Find every layer version ARN that stands in one place of the text, in the order of the text.

    An ARN whose version cannot be read is found as well, with `version` None.
    """
    found: list[TextArn] = []
    done = 0
    for mark in _MARK.finditer(text):
        at = mark.start() - 1  # of the colon or quote
        if at < done:
            continue
        arn = _around(text, at, done) if text.startswith(":layer:", at) else None
        arn = arn or _open_end(text, at)
        if arn is not None:
            found.append(arn)
            done = arn.end
    return found


def puts_together(text: str, written: list[TextArn]) -> bool:
    """Whether a program speaks of layers otherwise than in whole ARNs, each in a string of its own.

    Args:
        text: the program.
        written: the ARNs in it.
    """
    if _ARN_WORD.search(text) is None:
        return False
    whole = sum(None not in arn and _ALONE.match(text, arn.end) is not None for arn in written)
    return sum(1 for _ in _MARK.finditer(text)) > whole or _FORMAT_ARN.search(text) is not None


def _around(text: str, at: int, floor: int) -> TextArn | None:
    """The ARN whose ``:layer:`` stands at `at`, beginning at `floor` at the earliest."""
    begin = text.rfind("arn:", max(floor, at - _BEFORE), at)
    match = _ARN.match(text, begin, at + _BEHIND) if begin >= 0 else None
    if match is not None and match.start("name") == at + len(":layer:"):
        partition, region = _literal(match["partition"], _WORD), _literal(match["region"], _REGION)
    else:
        match = _TAIL_ONLY.match(text, at - 12) if at >= 12 else None
        if match is None:
            return None
        partition = region = None
    version = match["version"]
    return TextArn(
        partition,
        region,
        _literal(match["account"], _DIGITS),
        match["name"],
        int(version) if version.isdecimal() else None,
        match.start(),
        match.start("version"),
        match.end("version"),
        match[0],
    )


def _open_end(text: str, at: int) -> TextArn | None:
    """A layer that is named, or about to be, in a string which ends where its name or version should stand."""
    begin = max(text.rfind("arn:", max(at - _BEFORE, 0), at), 0) or at
    match = _GOES_ON.match(text, at, at + _BEHIND)
    if match is None:
        match = _BARE_HEAD.match(text, begin, at + _BEHIND)
        if match is None or match.end() != at + len(":layer:"):
            return None
    name = match.groupdict().get("name") or "${...}"
    return TextArn(None, None, None, name, None, begin, match.end(), match.end(), f"arn:...:layer:{name}:...")


def _literal(text: str, pattern: re.Pattern[str]) -> str | None:
    """The part if it is literal: not open, and no word in its place (`REGION`)."""
    return text if pattern.fullmatch(text) else None
