"""Which layer versions templates pin, and where the content of each is to be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.core.partitions import partition_of
from layerctl.scan.files import scan
from layerctl.scan.model import INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from layerctl.scan.exclusion import Exclusion
    from layerctl.scan.model import LeftOut, Pin

__all__ = ["SyncPlan", "Wanted", "wanted_layers"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One layer: the version that is pinned, or the zip or folder that stands for it."""

    name: str
    place: str
    arn: LayerVersionArn | None = None
    path: Path | None = None

    @property
    def source(self) -> str:
        """The ARN, or the path."""
        return str(self.arn or self.path)


@dataclass(slots=True)
class SyncPlan:
    """What is wanted, in the templates' order; what is not to be had, with the reason; what people should know."""

    layers: list[Wanted] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def wanted_layers(
    templates: Sequence[Path],
    named: Mapping[str, Path],
    *,
    function: str | None = None,
    region: str | None = None,
    exclusion: Exclusion | None = None,
) -> SyncPlan:
    """Read what templates pin, in whatever form `layerctl pins list` reads.

    Args:
        templates: files, or folders of them.
        named: layer's name or ARN -> the zip or folder that stands for it, instead of AWS.
        function: only the layers of this function.
        region: whose pins are taken where there are several regions', and where a pin leaves its region open.
        exclusion: what is left out; default: what git ignores.

    Raises:
        LayerctlError: nothing is pinned, or one layer in several versions.
    """
    report = scan(templates, exclusion=exclusion)
    plan = SyncPlan(missing=[str(problem) for problem in report.problems if problem.named], left_out=report.left_out)
    plan.notes += report.notes
    plan.notes += [str(problem) for problem in report.problems if not problem.named]
    plan.notes += [f"{part.path}:{part.line}:{part.column}: {part.message}; {part.hint}" for part in report.unread]
    pins = [pin for pin in report.pins if pin.via != INDEX and _is_of(pin, function)]
    layers: dict[str, list[Pin]] = {}
    for pin in pins:
        layers.setdefault(pin.name, []).append(pin)
    for name, found in layers.items():
        pin = _one(name, found, region, plan.notes)
        path = named.get(pin.arn) or named.get(name)
        if path is not None:
            plan.layers.append(Wanted(name, pin.place, path=path))
        elif pin.account and (where := pin.region or region) and "${" not in name:
            arn = LayerVersionArn(pin.partition or partition_of(where), where, pin.account, name, pin.version)
            plan.layers.append(Wanted(name, pin.place, arn))
        else:
            what = "account" if not pin.account else "name" if "${" in name else "region"
            plan.missing.append(f"{pin.place}: the {what} of {pin.arn} is open: use --layer {name}=ZIP (or --region)")
    known = {layer.name for layer in plan.layers}
    for name, path in named.items():
        if name not in known and not any(layer.path == path for layer in plan.layers):
            plan.layers.append(Wanted(name, "--layer", path=path))
    for reference in report.unresolved:
        if not any(name in reference.written for name in named):
            at = f"{reference.path}:{reference.line}:{reference.column}"
            plan.missing.append(f"{at}: the version of {reference.written} is decided elsewhere: use --layer NAME=ZIP")
    if not plan.layers and not plan.missing:
        who = f" for {function}" if function else ""
        raise LayerctlError(
            f"{', '.join(str(path) for path in templates)} pins no layer version{who}",
            hint="name the template of a function with Layers, or a layer with --layer NAME=ZIP",
        )
    return plan


def _is_of(pin: Pin, function: str | None) -> bool:
    return function is None or any(function == user.name for user in pin.functions)


def _one(name: str, pins: Sequence[Pin], region: str | None, notes: list[str]) -> Pin:
    """The pin of a layer that counts. Versions are numbered by region, so that only those of one can be compared."""
    here = [pin for pin in pins if region in (None, pin.region) or pin.region is None] or list(pins)
    first = here[0]
    alike = [pin for pin in here if pin.region == first.region]
    versions = {(pin.account, pin.version): pin for pin in alike}
    if len(versions) > 1:
        places = " and ".join(f"version {pin.version} at {pin.place}" for pin in versions.values())
        raise LayerctlError(
            f"{name} is pinned in several versions: {places}", hint="take one function's: --function NAME"
        )
    if len({pin.region for pin in here}) > 1:
        notes.append(f"{name} is pinned in several regions; {first.region} is taken (--region names another)")
    return first
