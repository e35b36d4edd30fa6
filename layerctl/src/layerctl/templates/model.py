"""What templates say, whatever their format: plain records, each value with its place and, where it is open, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.core.arn import LayerVersionArn

__all__ = [
    "Alias",
    "Code",
    "Data",
    "Event",
    "Fault",
    "Function",
    "FunctionFacts",
    "LayerReference",
    "LayerResource",
    "Place",
    "Resource",
    "Template",
    "Value",
    "text_of",
    "unknown_in",
]


class Place(NamedTuple):
    """Where something stands: a file, a 1-based line and a 1-based column."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in self if part is not None)


class Fault(NamedTuple):
    """What is wrong with a template, or was not read of it, and what to do."""

    place: Place
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Value(NamedTuple):
    """A property's value.

    Attributes:
        text: None where the template does not decide it.
        place: where it stands: in the function, in `Globals`, or in a parent's parameters.
        unknown: why `text` is None.
        guesses: what in `text` stands in for what only a deployment knows.
    """

    text: str | None
    place: Place
    unknown: str = ""
    guesses: tuple[str, ...] = ()


# Any property: mappings and lists with values as their leaves.
Data: TypeAlias = "Value | Sequence[Data] | Mapping[str, Data]"


def text_of(data: Data | None, *path: str) -> str | None:
    """Return the text of the value under a path of keys; None where there is none, or it is not known."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data.text if isinstance(data, Value) else None


def unknown_in(data: Data | None) -> str:
    """Return why the first value at or below is not known; empty where all are."""
    if isinstance(data, Value):
        return data.unknown if data.text is None else ""
    inner = data.values() if isinstance(data, Mapping) else data or ()
    return next((why for item in inner if (why := unknown_in(item))), "")


class FunctionFacts(NamedTuple):
    """What a template says of a function, as far as it says it literally.

    Attributes:
        name: logical id, key or resource name.
        runtime: a Lambda runtime identifier, or None where it is not literal.
        architecture: ``x86_64`` or ``arm64``, or None where it is not literal.
    """

    name: str
    runtime: str | None = None
    architecture: str | None = None


@dataclass(frozen=True, slots=True)
class LayerResource:
    """A layer version that the template itself creates.

    Attributes:
        name: its LayerName, or the logical id.
        path: the content as the template names it, if that is a local path.
        built: whether `path` holds what will be published, rather than what a build starts from.
        publishes: whether each new version of it changes the functions that refer to it (`PublishLambdaVersion`).
    """

    logical_id: str
    name: str
    path: Path | None
    built: bool
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    publishes: bool = False


@dataclass(frozen=True, slots=True)
class LayerReference:
    """One entry of a function's list of layers.

    Attributes:
        text: what the entry comes to, open parts as ``${...}``.
        name: how findings call it: ``shared-utils:5``, a logical id, or `text`.
        arn: where it is literal or could be resolved but for the region, partition or account.
        identity: what is equal for two versions of one layer; None when that is not known.
        layer_name: the layer's name without a version; empty where that is not known.
        resource: the layer, where the same template creates it.
        visible: whether a new version changes the function's properties as they are written.
        invalid: why Lambda would refuse the reference, if it would.
        unknown: why the version is not known, and `hint` what would help.
    """

    text: str
    name: str
    place: Place
    arn: LayerVersionArn | None = None
    identity: str | None = None
    version: int | None = None
    layer_name: str = ""
    resource: LayerResource | None = None
    visible: bool = True
    invalid: str = ""
    unknown: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Where a function's code comes from.

    Attributes:
        place: where the template says so; the function where it says nothing.
        path: a folder or zip on this machine.
        inline: the source text itself, which is the module ``index``.
        built: whether `path` holds what is deployed, rather than what a build starts from.
        unknown: why what is deployed is not known, and `hint` what would help.
    """

    place: Place
    path: Path | None = None
    inline: str | None = None
    built: bool = False
    unknown: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """`AutoPublishAlias` and what decides whether a change publishes a version."""

    name: str
    place: Place
    all_properties: bool
    code_sha256: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a SAM function: its name, its Type (``HttpApi``, ``Api``, ``Schedule``, ...) and its Properties."""

    name: str
    kind: str
    place: Place
    properties: Mapping[str, Data]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that is no function and no layer: an API, a URL, an alias.

    Attributes:
        properties: its own, with `Globals`.
    """

    logical_id: str
    kind: str
    place: Place
    properties: Mapping[str, Data]


@dataclass(frozen=True, slots=True)
class Function:
    """One function, with everything worked out that the template alone decides.

    Attributes:
        logical_id: its key under Resources, or the key of a serverless.yml; of nested stacks as ``Stack/Function``.
        kind: the resource's type; ``serverless`` for the Serverless Framework's.
        name: FunctionName, or the logical id.
        architecture: Lambda's default is ``x86_64``; None where the template leaves it open.
        environment: variables, in the template's order.
        properties: all others that were worked out, `Globals` included.
        problem: what keeps it from being deployed as it is written, or from being read.
    """

    logical_id: str
    place: Place
    kind: str
    name: str
    code: Code
    runtime: Value | None = None
    handler: Value | None = None
    architecture: str | None = "x86_64"
    is_image: bool = False
    layers: tuple[LayerReference, ...] = ()
    environment: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    alias: Alias | None = None
    properties: Mapping[str, Data] = field(default_factory=dict)
    problem: Fault | None = None


@dataclass(slots=True)
class Template:
    """What one template gave.

    Attributes:
        parameters: the names of its parameters.
        resources: those that functions are reached by, by logical id.
        problems: why it could not be read, or not in full.
        unread: what it refers to and was not looked into: nested applications elsewhere, loops over open lists.
        nested: the templates that were read as parts of it.
        recognised: whether the file is a template at all.
    """

    path: Path
    functions: list[Function] = field(default_factory=list)
    layers: dict[str, LayerResource] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    parameters: frozenset[str] = frozenset()
    problems: list[Fault] = field(default_factory=list)
    unread: list[Fault] = field(default_factory=list)
    nested: set[Path] = field(default_factory=set)
    recognised: bool = True
