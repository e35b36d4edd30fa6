"""Rules about what files hold: damage, credentials, paths of the builder. Each file is read once, in pieces."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from layerctl.artifact import ArtifactError
from layerctl.core.diagnostics import Severity
from layerctl.python.metadata_reads import MARKS
from layerctl.rules import Rule
from layerctl.rules.suppressions import MARK
from layerctl.verify.rules.archive import ARCHIVE_DAMAGED, ARCHIVE_LIMITS, problem_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import ArtifactEntry
    from layerctl.core.diagnostics import Finding
    from layerctl.verify.case import ArtifactCase

__all__ = ["MAX_TEXT", "check_content"]

SECRET = Rule(
    id="secret",
    commands=("verify",),
    summary="No file holds a private key or a credential.",
    looks_at="Private keys, AWS keys and the tokens of GitHub, PyPI, Slack, Google and Stripe in every file; names "
    "such as `.env` and `id_rsa`. A warning in a file that came out of a published wheel: libraries ship keys for "
    "their tests.",
    example="`aws_secret_access_key = '…'` in a settings module.",
    fix="Take it out, revoke it, and read it at run time from Secrets Manager. A published test key: "
    "`# layerctl: ignore[secret] reason` in its line, or `per-path-ignores` in pyproject.toml.",
)
BUILDER_PATH = Rule(
    id="builder-path",
    commands=("verify",),
    summary="No file holds an absolute path of the machine that built it.",
    looks_at="Our own and unrecorded files, bytecode, scripts' first lines and what installers write. In files of "
    "third parties, which come out of hashed wheels, only this machine's own paths count.",
    example="`#!/home/jane/layer/.venv/bin/python`",
    fix="Build in a clean environment, from wheels: `layerctl build`.",
)

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
    rb"|/(?:github/workspace|__w|builds|codebuild/output|workspace)/[\w.-]+/[\w.@+-]+/[\w.@+-]+"
    rb")"
)
_WITHIN_TEXT = re.compile(rb"[^\s'\"`<>|,;()]*\Z")  # what stands before a path in one word
_SCHEME = re.compile(rb"[A-Za-z]:/\Z")
_SHEBANG = re.compile(rb"#!\s*(/\S+)")
_RUNTIME_PLACES = (b"/usr/", b"/bin/", b"/opt/", b"/var/lang/", b"/var/task/")
_PYC = re.compile(r"python/(.*?)__pycache__/([^/]+)\.cpython-\d+(?:\.opt-\d)?\.pyc")


def check_content(case: ArtifactCase) -> Iterator[Finding]:
    """Read every file; what is damaged is left out of all later rules."""
    # Files of third parties came out of hashed wheels: paths in them are their makers', unless they are this machine's.
    foreign = {
        path for distribution in case.distributions if distribution.name != case.own for path in distribution.files
    }
    here = _this_machine(case)
    for entry in case.artifact.entries:
        if entry.size > MAX_TEXT and entry.path.endswith(_TEXTS):
            case.damaged.add(entry.path)
            message = f"it has {entry.size:,} bytes; no module or metadata is that large"
            yield ARCHIVE_LIMITS.finding(entry.path, message, "leave it out: reading it would take too much memory")
            continue
        if _SECRET_FILES.search(entry.path):
            yield _secret(case, entry.path, "its name says that it holds credentials", None, foreign)
        suspects: dict[tuple[Rule, str, int | None], None] = {}
        try:
            for piece, before in _pieces(case, entry):
                suspects |= dict.fromkeys(_suspects(case, entry, piece, before=before, foreign=foreign, here=here))
        except ArtifactError as error:
            case.damaged.add(entry.path)
            if error.problem is not None:
                yield problem_finding(error.problem, case.artifact.path.name)
            else:
                yield ARCHIVE_DAMAGED.finding(entry.path, error.what, "make it readable")
            continue
        for rule, message, line in suspects:
            if rule is SECRET:
                yield _secret(case, entry.path, message, line, foreign)
            else:
                hint = "build in a clean environment, from wheels: layerctl build"
                yield rule.finding(entry.path, message, hint, case.doubtful, line=line)


def _pieces(case: ArtifactCase, entry: ArtifactEntry) -> Iterator[tuple[bytes, int]]:
    """Read a file in pieces that overlap; each comes with the number of lines before it."""
    tail, lines = b"", 0
    for chunk in case.artifact.chunks(entry):
        case.advance(len(chunk))
        piece = tail + chunk
        yield piece, lines
        tail = piece[-_OVERLAP:]
        lines += piece.count(b"\n", 0, len(piece) - len(tail))


def _suspects(
    case: ArtifactCase, entry: ArtifactEntry, piece: bytes, *, before: int, foreign: set[str], here: list[bytes]
) -> Iterator[tuple[Rule, str, int | None]]:
    compiled = _PYC.fullmatch(entry.path)
    binary = compiled is not None or _is_binary(piece)

    def line(at: int) -> int | None:
        return None if binary else before + piece.count(b"\n", 0, at) + 1

    if not compiled and MARK.encode() in piece:
        case.commented.add(entry.path)
    if entry.path.endswith(".py") and any(mark in piece for mark in MARKS):
        case.metadata_readers.add(entry.path)
    has_source = compiled and case.artifact.get(f"python/{compiled[1]}{compiled[2]}.py") is not None
    if not has_source:  # otherwise the source is looked at, and says the same
        for what, (rare, pattern) in _SECRETS.items():
            for match in pattern.finditer(piece) if rare in piece else ():
                yield SECRET, f"it holds {what}", line(match.start())
        for path in here:
            if path in piece:
                message = f"it names {path.decode(errors='replace')}, a folder of this machine"
                yield BUILDER_PATH, message, line(piece.index(path))
    if compiled:
        for message in _traceback_paths(piece, f"{compiled[1]}{compiled[2]}.py"):
            yield BUILDER_PATH, message, None
        return
    if before == 0 and (shebang := _SHEBANG.match(piece)) and not shebang[1].startswith(_RUNTIME_PLACES):
        yield BUILDER_PATH, f"it starts with {_text(shebang[0])}, which is not on Lambda", line(0)
    name = entry.path.rsplit("/", 1)[-1]
    if name == "direct_url.json" and b"file://" in piece:
        yield (
            BUILDER_PATH,
            "it names the folder that the distribution was installed from",
            line(piece.index(b"file://")),
        )
    if name.endswith((".pth", ".egg-link")) and (added := re.search(rb"(?m)^/(?!opt/)", piece)):
        yield BUILDER_PATH, "it adds a folder of the builder to sys.path", line(added.start())
    if entry.path not in foreign and not binary and (found := _workplace(piece)):
        yield BUILDER_PATH, f"it names {_text(found[0])}", line(found.start())


def _workplace(piece: bytes) -> re.Match[bytes] | None:
    """The first path of a workplace that is no part of an address or of a template such as ``{host}/home/…``."""
    for match in _WORKPLACE.finditer(piece):
        before = _WITHIN_TEXT.search(piece, max(0, match.start() - 200), match.start())
        word = before[0] if before else b""
        if b"://" not in word and not word.endswith((b"}", b"%s", b"$", b">", b"]")):
            return match
    return None


def _traceback_paths(piece: bytes, source: str) -> Iterator[str]:
    """The path in a code object: what tracebacks show, and where the file was when it was compiled."""
    name = source.encode()
    if name not in piece:
        return
    for match in re.finditer(rb"(/(?:[\w.@+ -]+/)*)" + re.escape(name), piece):
        address = _SCHEME.search(piece, max(match.start() - 3, 0), match.start())  # a constant, https://…/constants.py
        if address is None and not match[1].startswith(_RUNTIME_PLACES):
            yield f"it was compiled as {_text(match[0])}"


def _this_machine(case: ArtifactCase) -> list[bytes]:
    """The checkout and the environment that this runs in; not the home folder, which build services share by name."""
    places = {sys.prefix, *([str(case.config.root)] if case.config else [])}
    return sorted(
        f"{place}/".encode()
        for place in places
        if place.count("/") > 1 and not place.startswith(("/usr", "/opt", "/var/lang"))
    )


def _is_binary(piece: bytes) -> bool:
    return b"\0" in piece[:8192]


def _text(found: bytes) -> str:
    return found[:120].decode("utf-8", "replace")


def _secret(case: ArtifactCase, path: str, message: str, line: int | None, foreign: set[str]) -> Finding:
    if path not in foreign:
        hint = "take it out, revoke it, and read it at run time from Secrets Manager"
        return SECRET.finding(path, message, hint, line=line)
    hint = f"it came with {case.owner(path)}: if it is a published test key, ignore it by comment or per-path-ignores"
    return SECRET.finding(path, message, hint, Severity.WARNING, line=line)
