"""What a template says of its functions, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from layerctl.core.arn import LayerVersionArn

__all__ = ["Api", "Cors", "LocalFunction", "Route", "SamLayerReference", "SamTemplate"]


@dataclass(frozen=True, slots=True)
class Cors:
    """The CORS settings of an API. What is empty or None is a header that is not sent.

    Attributes:
        origins, methods, headers, expose: the values, joined by commas in the header.
        max_age: in seconds.
        credentials: whether requests may carry them.
    """

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class Api:
    """What an HTTP request comes in by.

    Attributes:
        kind: ``http`` (an HTTP API), ``rest`` (a REST API) or ``url`` (a function URL).
        name: its logical id; for a function URL the function's.
        where: the template's path, which tells APIs of one name apart.
        stage: the stage's name, or ``$default``.
        variables: of the stage: name and value.
        binary: a REST API's binary media types.
    """

    kind: Literal["http", "rest", "url"]
    name: str
    where: str = ""
    stage: str = "$default"
    variables: tuple[tuple[str, str], ...] = ()
    binary: tuple[str, ...] = ()
    cors: Cors | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP event of a function.

    Attributes:
        api: what it belongs to.
        method: in capitals, or ``ANY``.
        path: as the template has it (``/todos/{id}``, ``/{proxy+}``), or ``$default``.
        payload: the payload format, ``1.0`` or ``2.0``.
        timeout: of the integration, in seconds.
        line: where the event stands in the template.
        guards: what lets requests in, in AWS: names of authorizers, ``AWS_IAM``, ``an API key``.
    """

    api: Api
    method: str
    path: str
    payload: Literal["1.0", "2.0"]
    timeout: float
    line: int = 1
    guards: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """API Gateway's route key: ``GET /todos``, or ``$default``."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class SamLayerReference:
    """One entry of a function's `Layers`.

    Attributes:
        text: what the template's value comes to.
        arn: the same, when it is a layer version's ARN.
        content: the folder of the layer, when it is defined in the same template.
        name: the layer's name, or the logical id of the resource, or `text`.
    """

    text: str
    name: str
    arn: LayerVersionArn | None = None
    content: Path | None = None


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """One function of a template.

    Attributes:
        logical_id: its key under Resources.
        name: FunctionName, or the logical id.
        where: ``template.yaml:12``, for messages.
        runtime: Lambda's identifier (``python3.13``).
        code: the folder or zip of its code; None for `inline` code.
        inline: the source text of inline code, which is the module ``index``.
        timeout: in seconds; Lambda's default is 3.
        memory: in MB; Lambda's default is 128.
        foreign: why it is none of ours (a container image, another language), or None.
        problem: why it cannot be run here (no Handler, its code lies in S3), or None.
        guessed: names in its variables and layers that only a deployment knows.
        notes: what of it is not as the template has it.
        aliases: names under which it can be invoked, beside ``$LATEST``.
    """

    logical_id: str
    name: str
    where: str
    runtime: str
    handler: str
    code: Path | None
    inline: str | None = None
    timeout: int = 3
    memory: int = 128
    architecture: str = "x86_64"
    log_format: str = "Text"
    log_level: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    layers: tuple[SamLayerReference, ...] = ()
    routes: tuple[Route, ...] = ()
    foreign: str | None = None
    problem: str | None = None
    guessed: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SamTemplate:
    """A template, its functions in its own order, and the names of its parameters."""

    path: Path
    functions: tuple[LocalFunction, ...]
    parameters: frozenset[str]
    notes: tuple[str, ...] = ()
