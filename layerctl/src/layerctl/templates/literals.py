"""Layer version ARNs in plain text: every literal one, and those with placeholders for region, account or partition.

This is the base of `finder`: it needs no structure, so it works in templates that are broken, in sources of any
language, in documents and scripts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

__all__ = ["REGION", "TextArn", "text_arns"]

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
_ARN = re.compile(
    rf"arn:(?P<partition>{_FIELD}):lambda:(?P<region>{_FIELD}):(?P<account>{_FIELD})"
    rf":layer:(?P<name>{_NAME}):(?P<version>{_VERSION})"
)
# The end of an ARN whose beginning stands elsewhere: REGION_PREFIX + ":017000801446:layer:powertools:12".
_TAIL_ONLY = re.compile(r"(?<![0-9])(?P<account>[0-9]{12}):layer:(?P<name>[A-Za-z0-9_-]+):(?P<version>[0-9]{1,4000})")
# What names a layer and goes on, but to no version that could be read: 'layer:demo:' + String(7).
_GOES_ON = re.compile(rf":layer:(?P<name>{_NAME}):(?=[\"'`])")
# The word in an ARN, or in a string of its own that is put together with others.
_MARK = re.compile(r"(?<=[:\"'`])layer(?=[:\"'`])")
# Two string literals that the language joins by itself, or by a plus sign, with nothing in between.
_SEAM = re.compile(r"[\"'`][\s+\\]*+[bfru]{0,2}[\"'`]")
# A version goes on in the next string literal.
_MORE_DIGITS = re.compile(_SEAM.pattern + "[0-9]")
# Two items of a list of strings that a `join` puts together.
_ITEMS = re.compile(r"[\"'`]\s*+,\s*+[bfru]{0,2}[\"'`]")
_JOIN = re.compile(r"[\"'`]:[\"'`]\.join\(|\.join\([\"'`]:[\"'`]|\bjoin\([\"'`]:[\"'`]")
# The CDK's formatArn({service: 'lambda', resource: 'layer', resourceName: 'demo:3'}), and the same in Python.
_FORMAT_ARN = re.compile(r"\b(?:formatArn|format_arn)\s*+\(")
_PART = re.compile(
    r"\b(?P<key>partition|region|account|resource|resourceName|resource_name)\s*+[:=]\s*+"
    r"[\"'`](?P<value>[^\"'`\n]*+)[\"'`]"
)
_NAME_AND_VERSION = re.compile(r"(?:layer[:/])?(?P<name>[\w-]+):(?P<version>[0-9]{1,4000})")
_WORD = re.compile(r"[A-Za-z0-9-]+")
_DIGITS = re.compile(r"[0-9]{1,12}")
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
# How far an ARN reaches before and behind the word `layer`. A version may have thousands of digits.
_BEFORE, _BEHIND = 600, 8192
_NEAR = 300


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
        if arn is None or (arn.version is None and _SEAM.search(arn.written)) or _MORE_DIGITS.match(text, arn.end):
            arn = _composed(text, at, done) or arn
        if arn is None:
            arn = _open_end(text, at)
        if arn is not None:
            found.append(arn)
            done = arn.end
    if "ormat" in text:
        found += (arn for call in _FORMAT_ARN.finditer(text) if (arn := _formatted(text, call)) is not None)
        found.sort(key=lambda arn: arn.start)
    return found


def _formatted(text: str, call: re.Match[str]) -> TextArn | None:
    """The layer version that a call of the CDK's `formatArn` names, if it names one."""
    end = text.find(")", call.end(), call.end() + _BEFORE)
    parts = {match["key"].replace("_n", "N"): match for match in _PART.finditer(text, call.end(), max(end, call.end()))}
    resource = parts.get("resource")
    if resource is None or not resource["value"].startswith("layer"):
        return None
    named = parts.get("resourceName", resource)
    version = _NAME_AND_VERSION.fullmatch(text, *named.span("value"))
    literal = {key: parts[key]["value"] for key in ("partition", "region", "account") if key in parts}
    region = literal.get("region", "")
    return TextArn(
        literal.get("partition"),
        region if REGION.fullmatch(region) else None,
        literal.get("account"),
        version["name"] if version else "${...}",
        int(version["version"]) if version else None,
        call.start(),
        version.start("version") if version else call.end(),
        version.end("version") if version else call.end(),
        text[call.start() : max(end, call.end()) + 1],
    )


def _around(text: str, at: int, floor: int) -> TextArn | None:
    """The ARN whose ``:layer:`` stands at `at`, beginning at `floor` at the earliest."""
    begin = text.rfind("arn:", max(floor, at - _BEFORE), at)
    match = _ARN.match(text, begin, at + _BEHIND) if begin >= 0 else None
    if match is not None and match.start("name") == at + len(":layer:"):
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


def _composed(text: str, at: int, floor: int) -> TextArn | None:
    """The ARN around `at` that adjacent strings make, or the items of a list that is joined with colons."""
    begin = max(floor, at - _BEFORE)
    window = text[begin : at + _NEAR]
    arn = _joined(window, _SEAM, "", at - begin)
    if arn is None and _JOIN.search(window):
        arn = _joined(window, _ITEMS, ":", at - begin)
    if arn is None:
        return None
    return arn._replace(arn_start=begin + arn.arn_start, start=begin + arn.start, end=begin + arn.end)


def _joined(window: str, seam: re.Pattern[str], between: str, at: int) -> TextArn | None:
    """The ARN around an offset once the seams are taken out of a text, with its places in that text."""
    joined: list[str] = []
    places: list[int] = []
    last = 0
    for match in seam.finditer(window):
        joined += [window[last : match.start()], between]
        places += [*range(last, match.start()), *[match.start()] * len(between)]
        last = match.end()
    joined.append(window[last:])
    places += range(last, len(window))
    if last == 0 or not places:
        return None
    whole = "".join(joined)
    mark = bisect_right(places, at)  # of the word `layer`
    arn = _around(whole, mark - 1, 0) if whole.startswith(":layer:", mark - 1) else None
    if arn is None:
        return None
    start, end = places[arn.start], places[arn.end - 1] + 1
    split = end - start != arn.end - arn.start  # in two strings: it cannot be changed in one place
    return arn._replace(version=None if split else arn.version, arn_start=places[arn.arn_start], start=start, end=end)


def _open_end(text: str, at: int) -> TextArn | None:
    """A layer that is named in a string which ends where its version should stand."""
    match = _GOES_ON.match(text, at, at + _BEHIND)
    if match is None:
        return None
    begin = max(text.rfind("arn:", max(at - _BEFORE, 0), at), 0) or at
    return TextArn(None, None, None, match["name"], None, begin, match.end(), match.end(), f"arn:...{match[0]}...")


def _literal(text: str, pattern: re.Pattern[str]) -> str | None:
    """The part if it is literal: not open, and no word in its place (`REGION`)."""
    text = _SEAM.sub("", text)
    return text if pattern.fullmatch(text) else None
