"""Terraform modules: which function gets which layer version. A module is all files of one folder."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from layerctl.core.partitions import is_region
from layerctl.templates.code.syntax import Items, Table
from layerctl.templates.model import FunctionFacts
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.spans import SpannedString, composed_arns, is_open, open_reference
from layerctl.templates.terraform_values import Module
from layerctl.templates.uses import Use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layerctl.templates.code.hcl import Block
    from layerctl.templates.code.syntax import Expression
    from layerctl.templates.source import FileFault

__all__ = ["terraform_uses"]

_MAX_MODULES = 4
_MAX_MODULE = 8_000_000


def terraform_uses(path: Path, text: str) -> tuple[list[Use], list[FileFault]]:
    """The uses of layer versions whose version stands in this file, and what of it could not be read.

    They are this file's, whichever file of the module uses them.
    """
    folder = path.parent
    if path.suffix == ".tfvars":  # values may lie in a folder of their own: environments/prod.tfvars
        folder = next((near for near in (folder, *list(folder.parents)[:2]) if any(near.glob("*.tf"))), folder)
    texts = dict(_texts(folder)) | {path.as_posix(): text}
    if sum(map(len, texts.values())) > _MAX_MODULE:
        texts = {path.as_posix(): text}
    name = path.as_posix()
    mine = []
    # In one order whichever file is asked about, so that the module is worked out once for all of them.
    uses, unread = _module_uses(folder, tuple(sorted(texts.items())))
    for owner, use in uses:
        arn = use.arn
        if name in {owner, arn.arn_origin}:
            origin = "" if owner == name else owner
            arn_origin = "" if arn.arn_origin == name else arn.arn_origin
            mine.append(use._replace(arn=arn._replace(origin=origin, arn_origin=arn_origin)))
    return mine, [unread[name]] if name in unread else []


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """The files of a module, and the values that lie in its folder or one below."""
    for path in sorted([*folder.glob("*.tf"), *folder.glob("*.tfvars"), *folder.glob("*/*.tfvars")]):
        try:
            info = path.stat()
            yield path.as_posix(), _read(path, info.st_mtime_ns, info.st_size)
        except (OSError, BinaryFileError):
            continue  # reported where that file is read for itself


@lru_cache(maxsize=512)
def _read(path: Path, stamp: int, size: int) -> str:
    del stamp, size  # a changed file is another entry
    return Source.read(path).text


@lru_cache(maxsize=4)
def _module_uses(
    folder: Path, texts: tuple[tuple[str, str], ...]
) -> tuple[list[tuple[str, Use]], dict[str, FileFault]]:
    if not any("layer" in text for _, text in texts):
        return [], {}
    module = _ModuleUses(folder, texts)
    return list(module.uses()), module.unread


class _ModuleUses(Module):
    def uses(self) -> Iterator[tuple[str, Use]]:
        """Every ARN, with the file that holds its version (or the expression, where the version is open)."""
        for name, block in self.blocks:
            facts: tuple[FunctionFacts, ...] = ()
            if block.kind in {"resource", "module"} and block.labels:
                facts = self._facts(name, block)
            for key, value in _attributes(block):
                layers = key in {"layers", "layer_arns", "lambda_layers"} and facts
                via = (
                    f"module {block.labels[-1]}" if block.kind == "module" and block.labels and "layer" in key else None
                )
                yield from self._found(name, value, facts if layers else (), via)
                if layers and self.depth == 0:
                    yield from self._open(name, value, facts)
            if block.kind == "module" and block.labels:
                yield from self._called(name, block)
        for name, block in self.layers.values():
            yield from self._arns(name, self.layer(name, block, 0), 0, (), None)

    def _called(self, name: str, block: Block) -> Iterator[tuple[str, Use]]:
        """What the functions of a local module get through the variables that this module sets."""
        source = self.one_text(name, block.attributes.get("source"))
        if (
            source is None
            or (not source.startswith("./") and not source.startswith("../"))
            or self.depth >= _MAX_MODULES
        ):
            return
        folder = self.folder / source
        given = {key: (self, name, value) for key, value in block.attributes.items()}
        called = _ModuleUses(folder, _texts(folder), given, self.depth + 1)
        for owner, use in called.uses():
            if owner in self.names:
                yield owner, use._replace(via=f"module {block.labels[0]}", at=-1)

    def _facts(self, name: str, block: Block) -> tuple[FunctionFacts, ...]:
        function = block.labels[0] == "aws_lambda_function" and len(block.labels) == 2
        if not function and not (block.kind == "module" and {"runtime", "handler"} & set(block.attributes)):
            return ()
        architectures = block.attributes.get("architectures")
        return (
            FunctionFacts(
                block.labels[-1],
                self.one_text(name, block.attributes.get("runtime")),
                "x86_64" if architectures is None else self.one_text(name, architectures),  # Lambda's default
            ),
        )

    def _found(
        self, name: str, value: Expression, functions: tuple[FunctionFacts, ...], via: str | None
    ) -> Iterator[tuple[str, Use]]:
        if isinstance(value, Table):
            for key, entry in value.entries:
                region = key if is_region(key) else None
                for found, use in self._found(name, entry, functions, via):
                    yield found, use._replace(expected_region=use.expected_region or region)
            return
        yield from self._arns(name, self.evaluate(name, value, 0), value.at, functions, via)

    def _open(self, name: str, layers: Expression, functions: tuple[FunctionFacts, ...]) -> Iterator[tuple[str, Use]]:
        """The entries of a list of layers of which only a deployment knows what they are."""
        for item in layers.items if isinstance(layers, Items) else (layers,):
            for value in self.evaluate(name, item, 0):
                of_own = any(span.hole and span.text.startswith("aws_lambda_layer_version.") for span in value.spans)
                if is_open(value) and not of_own and not composed_arns(value):
                    yield name, Use(open_reference(value.shown), item.at, functions)

    def _arns(
        self, name: str, values: list[SpannedString], at: int, functions: tuple[FunctionFacts, ...], via: str | None
    ) -> Iterator[tuple[str, Use]]:
        for value in values:
            for arn in composed_arns(value):
                owner = arn.origin or name
                yield owner, Use(arn, at, functions, via or arn.via, value.region)


def _attributes(block: Block) -> Iterator[tuple[str, Expression]]:
    """A block's attributes and those of the blocks in it."""
    yield from block.attributes.items()
    for inner in block.blocks:
        yield from _attributes(inner)
