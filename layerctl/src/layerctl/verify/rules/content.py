"""Rules about what files hold: damage, credentials, paths of the builder. Each file is read once, in pieces."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from layerctl.artifact import ArtifactError
from layerctl.core.diagnostics import Finding
from layerctl.verify.rules.container import problem_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import Entry
    from layerctl.verify.case import Context

__all__ = ["MAX_TEXT", "check_content"]

# Modules, bytecode and metadata are read as a whole, so there must be an end to their size.
MAX_TEXT = 32 * 2**20
_TEXTS = (".py", ".pyc", ".dist-info/RECORD", ".dist-info/METADATA", ".egg-info/PKG-INFO")
_OVERLAP = 4096  # bytes of a piece that are looked at again with the next one, so that nothing hides on the seam

# What to look for -> (a rare text that it holds, so that most files are done with a search for it; the pattern).
# A key's header alone is no key: libraries that read keys hold it too.
_SECRETS: dict[str, tuple[bytes, re.Pattern[bytes]]] = {
    "a private key": (
        b"PRIVATE KEY",
        re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[^-]{0,200}?(?:\\n|\s)[A-Za-z0-9+/=]{32}"),
    ),
    "an AWS access key id": (
        b"IA",
        re.compile(rb"(?<![A-Za-z0-9/+])(?:AKIA|ASIA)(?!\w*EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9/+=])"),
    ),
    "an AWS secret access key": (
        b"ecret",
        re.compile(
            rb"(?i:aws_?secret_?(?:access_?)?key)\W{1,8}(?!\w*/?\w*/?\w*EXAMPLE)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
        ),
    ),
    "a GitHub token": (b"gh", re.compile(rb"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{82})(?!\w)")),
    "a package index token": (b"pypi-Ag", re.compile(rb"pypi-Ag[A-Za-z0-9_-]{60,}")),
    "a Slack token": (b"xox", re.compile(rb"(?<!\w)xox[abprs]-[0-9]{8,}-[A-Za-z0-9-]{20,}")),
    "a Google API key": (b"AIza", re.compile(rb"(?<!\w)AIza[0-9A-Za-z_-]{35}(?![\w-])")),
    "a Stripe key": (b"k_live_", re.compile(rb"(?<!\w)[rs]k_live_[0-9A-Za-z]{24,}")),
}
_SECRET_FILES = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?!example|sample|template)\w+)?|\.netrc|\.pypirc|\.npmrc|\.git-credentials"
    r"|\.aws/credentials|id_(?:rsa|dsa|ecdsa|ed25519))$"
)

# Where people and build services work. Placeholders of documentation are no traces.
_WORKPLACE = re.compile(
    rb"(?<![\w./:~-])(?:"
    rb"/home/(?!user\b|username\b|you\b|me\b|name\b|someone\b|example\b|app\b)[a-z_][\w.-]*/[\w.@+-]+"
    rb"|/Users/(?!user\b|username\b|you\b|me\b|name\b|someone\b|example\b)[A-Za-z][\w.-]*/[\w.@+-]+"
    rb"|/root(?:/\.\w+/|/[\w./@+-]*(?:site-packages|/src/|\.py\b))"
    rb"|/tmp/(?:[\w.-]*(?:build|pip|uv|layer|wheel|env|repo)[\w.-]*)/[\w.@+-]+"
    rb"|/(?:private/)?var/folders/\w\w/\w+"
    rb"|/(?:github/workspace|__w|builds|codebuild/output|workspace)/[\w.-]+/[\w.@+-]+"
    rb")"
)
_SHEBANG = re.compile(rb"#!\s*(/\S+)")
_RUNTIME_PLACES = (b"/usr/", b"/bin/", b"/opt/", b"/var/lang/", b"/var/task/")
_PYC = re.compile(r"python/(.*?)__pycache__/([^/]+)\.cpython-\d+(?:\.opt-\d)?\.pyc")


def check_content(context: Context) -> Iterator[Finding]:
    """Read every file; what is damaged is left out of all later rules."""
    # Files of third parties came out of hashed wheels: paths in them are their makers', unless they are this machine's.
    foreign = {path for one in context.distributions if one.name != context.own for path in one.files}
    here = _this_machine(context)
    for entry in context.artifact.entries:
        if entry.size > MAX_TEXT and entry.path.endswith(_TEXTS):
            context.damaged.add(entry.path)
            message = f"it has {entry.size:,} bytes; no module or metadata is that large"
            yield Finding("archive-limits", entry.path, message, "leave it out: reading it would take too much memory")
            continue
        if _SECRET_FILES.search(entry.path):
            yield _secret(entry, "its name says that it holds credentials")
        messages: dict[tuple[str, str], None] = {}
        try:
            for piece, is_first in _pieces(context, entry):
                messages |= dict.fromkeys(
                    _suspects(context, entry, piece, is_first=is_first, foreign=foreign, here=here)
                )
        except ArtifactError as error:
            context.damaged.add(entry.path)
            if error.problem is not None:
                yield problem_finding(error.problem, context.artifact.path.name)
            else:
                yield Finding("archive-damaged", entry.path, error.what, "make it readable")
            continue
        for rule, message in messages:
            if rule == "secret":
                yield _secret(entry, message)
            else:
                yield Finding(rule, entry.path, message, "build in a clean environment, from wheels: layerctl build")


def _pieces(context: Context, entry: Entry) -> Iterator[tuple[bytes, bool]]:
    tail = b""
    is_first = True
    for chunk in context.artifact.chunks(entry):
        context.advance(len(chunk))
        piece = tail + chunk
        yield piece, is_first
        tail = piece[-_OVERLAP:]
        is_first = False


def _suspects(
    context: Context, entry: Entry, piece: bytes, *, is_first: bool, foreign: set[str], here: list[bytes]
) -> Iterator[tuple[str, str]]:
    compiled = _PYC.fullmatch(entry.path)
    has_source = compiled and context.artifact.get(f"python/{compiled[1]}{compiled[2]}.py") is not None
    if not has_source:  # otherwise the source is looked at, and says the same
        for what, (rare, pattern) in _SECRETS.items():
            if rare in piece and pattern.search(piece):
                yield "secret", f"it holds {what}"
        for path in here:
            if path in piece:
                yield "builder-path", f"it names {path.decode(errors='replace')}, a folder of this machine"
    if compiled:
        yield from _traceback_paths(piece, f"{compiled[1]}{compiled[2]}.py")
        return
    if is_first and (shebang := _SHEBANG.match(piece)) and not shebang[1].startswith(_RUNTIME_PLACES):
        yield "builder-path", f"it starts with {_text(shebang[0])}, which is not on Lambda"
    name = entry.path.rsplit("/", 1)[-1]
    if name == "direct_url.json" and b"file://" in piece:
        yield "builder-path", "it names the folder that the distribution was installed from"
    if name.endswith((".pth", ".egg-link")) and re.search(rb"(?m)^/(?!opt/)", piece):
        yield "builder-path", "it adds a folder of the builder to sys.path"
    if entry.path not in foreign and not _is_binary(piece) and (found := _WORKPLACE.search(piece)):
        yield "builder-path", f"it names {_text(found[0])}"


def _traceback_paths(piece: bytes, source: str) -> Iterator[tuple[str, str]]:
    """The path in a code object: what tracebacks show, and where the file was when it was compiled."""
    name = source.encode()
    if name not in piece:
        return
    for match in re.finditer(rb"(/(?:[\w.@+ -]+/)*)" + re.escape(name), piece):
        if not match[1].startswith(_RUNTIME_PLACES):
            yield "builder-path", f"it was compiled as {_text(match[0])}"


def _this_machine(context: Context) -> list[bytes]:
    """The checkout and the environment that this runs in; not the home folder, which build services share by name."""
    places = {sys.prefix, *([str(context.config.root)] if context.config else [])}
    return sorted(f"{place}/".encode() for place in places if place.count("/") > 1 and not place.startswith("/usr"))


def _is_binary(piece: bytes) -> bool:
    return b"\0" in piece[:8192]


def _text(found: bytes) -> str:
    return found[:120].decode("utf-8", "replace")


def _secret(entry: Entry, message: str) -> Finding:
    return Finding(
        "secret", entry.path, message, "take it out, revoke it, and read it at run time from Secrets Manager"
    )
