"""What is found: pins, references that leave their version to someone else, and files that could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from layerctl.templates.model import FunctionFacts

__all__ = [
    "COPIES",
    "ENGINE",
    "EXCLUDED",
    "IGNORED",
    "INDEX",
    "LINK",
    "VENDORED",
    "FileProblem",
    "FileReport",
    "LeftOut",
    "Pin",
    "Unread",
    "Unresolved",
]


# The `via` of ARNs that stand in an index: they are listed, but nobody uses them from there.
INDEX = "index"


class Pin(NamedTuple):
    """One layer version that a file names.

    Attributes:
        path: the file, as it was named.
        line, column: 1-based place of the ARN, or of the version where it stands apart from the ARN.
        partition, region, account: None where the file leaves them open (``${AWS::Region}``).
        name: the layer's name; what is open in it stands as ``${...}``.
        start, end: where the version's digits are, as offsets into the file's decoded text.
        functions: the functions that get the layer, where the file's structure tells.
        via: how they get it, where not directly: ``Globals``, ``provider``, a parameter's or variable's name.
        expected_region: the region that the file's structure says this pin is for (the key of a map by region).
    """

    path: str
    line: int
    column: int
    partition: str | None
    region: str | None
    account: str | None
    name: str
    version: int
    start: int
    end: int
    functions: tuple[FunctionFacts, ...] = ()
    via: str | None = None
    expected_region: str | None = None

    @property
    def place(self) -> str:
        """``path:line:column``, as editors and terminals link it."""
        return f"{self.path}:{self.line}:{self.column}"

    @property
    def arn(self) -> str:
        """The ARN, with ``*`` for what the file leaves open."""
        head = f"arn:{self.partition or '*'}:lambda:{self.region or '*'}:{self.account or '*'}"
        return f"{head}:layer:{self.name}:{self.version}"

    @property
    def layer(self) -> str:
        """Account and name: what tells one layer from another across regions."""
        return f"{self.account or '?'}:{self.name}"


class Unresolved(NamedTuple):
    """A layer version ARN whose version is decided outside of the file."""

    path: str
    line: int
    column: int
    written: str


class Unread(NamedTuple):
    """A part of a template that was not searched.

    Attributes:
        target: its file, where it is on this machine; empty: it is not.
        shared: whether it is somebody's application of the Serverless Application Repository.
    """

    path: str
    line: int
    column: int
    message: str
    hint: str
    target: str = ""
    shared: bool = False


class FileProblem(NamedTuple):
    """A file that could not be read, or not in full; its literal ARNs are found all the same.

    Attributes:
        named: whether somebody named this template, or it is a folder of which nobody knows what is in it; otherwise
            it is the affair of a file that was found, and does not stand for the whole.
    """

    path: str
    message: str
    hint: str
    line: int | None = None
    column: int | None = None
    named: bool = True

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return f"{place}: {self.message}; {self.hint}"


# Why something is not looked at.
COPIES = "copies and dependencies"
EXCLUDED = "excluded"
ENGINE = "not filled in yet by a template engine"
IGNORED = "ignored by git"
LINK = "links to folders"
VENDORED = "installed packages"


class LeftOut(NamedTuple):
    """A file or folder that is not looked at."""

    path: str
    why: str


@dataclass(slots=True)
class FileReport:
    """Everything that one file, or all files together, gave."""

    pins: list[Pin] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The files that gave something."""
        places = [(item.path for item in found) for found in (self.pins, self.unresolved, self.unread, self.problems)]
        return list(dict.fromkeys(path for found in places for path in found))

    def extend(self, other: FileReport) -> None:
        """Add what another report holds."""
        self.pins += other.pins
        self.unresolved += other.unresolved
        self.problems += other.problems
        self.unread += other.unread
        self.left_out += other.left_out
        self.notes += other.notes
