"""Layer version ARNs in plain text: every literal one, and those with placeholders for region, account or partition.

This is the base of `finder`: it needs no structure, so it works in templates that are broken, in sources of any
language, in documents and scripts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["REGION", "TextArn", "text_arns"]

# How a language or a tool leaves a part open: ${...} with one level of nesting, #{...} (serverless-pseudo-parameters,
# Ruby), {{...}} (Jinja, Helm), {...} (Python's f-strings and format), <...> (documents), %s, %d and %(name)s, $(...),
# $NAME, and the end of a string literal, something, the start of the next one ("..." + region + "...").
_OPEN = (
    r"\\?\$\{(?:[^{}\n]|\{[^{}\n]*\})*\}|\#\{[^{}\n]*\}|\{\{[^{}\n]*\}\}|\{[^{}\n\"']*\}|<[^<>\n]{1,60}>"
    r"|%[sdv]|%\(\w+\)[sd]|\$\([^()\n]*\)|\$[A-Za-z_]\w*"
)
_JOINT = r"[\"'`][^\"'`\n:]{0,100}(?:\r?\n[^\"'`\n:]{0,100})?[\"'`]"
_FIELD = rf"(?:[\w.*?-]|{_OPEN}|{_JOINT})+"

# What a literal ARN looks like is AWS's own pattern (Lambda API reference, LayerVersionArn), with any word in place of
# region and account: documents and tests write `arn:aws:lambda:region:123:layer:x:1`, and a pin it is all the same.
_NAME = rf"(?:[A-Za-z0-9_-]|{_OPEN})+"
_VERSION = rf"[0-9]{{1,4000}}|{_OPEN}|{_JOINT}"
_ARN = re.compile(
    rf"arn:(?P<partition>{_FIELD}):lambda:(?P<region>{_FIELD}):(?P<account>{_FIELD})"
    rf":layer:(?P<name>{_NAME}):(?P<version>{_VERSION})"
)
# The end of an ARN whose beginning stands elsewhere: REGION_PREFIX + ":017000801446:layer:powertools:12".
_TAIL_ONLY = re.compile(r"(?<![0-9])(?P<account>[0-9]{12}):layer:(?P<name>[A-Za-z0-9_-]+):(?P<version>[0-9]{1,4000})")
# Two string literals that the language joins by itself, or by a plus sign, with nothing in between.
_SEAM = re.compile(r"[\"'`][\s+\\]*[\"'`]")
_WORD = re.compile(r"[A-Za-z0-9-]+")
_DIGITS = re.compile(r"[0-9]{1,12}")
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_MARK = ":layer:"


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
    """Find every layer version ARN that stands in one place of the text, in the order of the text."""
    found: list[TextArn] = []
    done = 0
    at = text.find(_MARK)
    while at >= 0:
        arn = _around(text, at, done)
        if arn is not None:
            found.append(arn)
            done = arn.end
        at = text.find(_MARK, max(at + len(_MARK), done))
    return found


def _around(text: str, at: int, floor: int) -> TextArn | None:
    """The ARN whose ``:layer:`` stands at `at`, beginning at `floor` at the earliest."""
    begin = text.rfind("arn:", max(floor, at - 600), at)
    match = _ARN.match(text, begin) if begin >= 0 else None
    if match is not None and match.start("name") == at + len(_MARK):
        partition, region = _literal(match["partition"], _WORD), _literal(match["region"], REGION)
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


def _literal(text: str, pattern: re.Pattern[str]) -> str | None:
    """The part if it is literal: not open, and no word in its place (`REGION`)."""
    text = _SEAM.sub("", text)
    return text if pattern.fullmatch(text) else None
