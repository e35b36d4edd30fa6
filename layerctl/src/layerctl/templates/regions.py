"""Where a template is deployed to, as far as the files beside it say."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, NamedTuple

from layerctl.templates.code import hcl
from layerctl.templates.code.syntax import Text
from layerctl.templates.documents import SAMCONFIGS
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.yaml import NodeError, Tree, get, pairs, scalar

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Deployment", "deployment_of"]


class Deployment(NamedTuple):
    """The regions that a file is deployed to, and who says so; no regions when nobody does."""

    regions: frozenset[str] = frozenset()
    said_by: str = ""


def deployment_of(path: Path) -> Deployment:
    """Where a file is deployed: by its provider (serverless.yml, Terraform), or by the samconfig beside a template."""
    suffix = path.suffix.lower()
    if suffix in {".tf", ".tfvars"}:
        return _terraform(path.parent)
    if suffix in {".yaml", ".yml", ".json", ".template", ".toml"}:
        return _serverless(path) or _samconfig(path.parent) or Deployment()
    return Deployment()


def _text(path: Path) -> str:
    try:
        return Source.read(path).text if path.is_file() else ""
    except (OSError, BinaryFileError):
        return ""


def _serverless(path: Path) -> Deployment | None:
    text = _text(path)
    if "provider" not in text or path.suffix == ".toml":
        return None
    try:
        documents = Tree.parse(text).documents
    except NodeError:
        return None
    for root in documents:
        region = scalar(get(root, "provider", "region"))
        if region and "${" not in region:
            return Deployment(frozenset({region}), f"provider.region in {path.name}")
    return None


def _samconfig(folder: Path) -> Deployment | None:
    found: set[str] = set()
    name = next((name for name in SAMCONFIGS if (folder / name).is_file()), None)
    if name is None:
        return None
    text = _text(folder / name)
    try:
        if name.endswith(".toml"):
            for environment in tomllib.loads(text).values():
                for command in environment.values() if isinstance(environment, dict) else ():
                    parameters = command.get("parameters", {}) if isinstance(command, dict) else {}
                    region = parameters.get("region") if isinstance(parameters, dict) else None
                    found |= {region} if isinstance(region, str) else set()
        else:
            for root in Tree.parse(text).documents:
                for _, environment in pairs(root):
                    for _, command in pairs(environment):
                        region = scalar(get(command, "parameters", "region"))
                        found |= {region} if region else set()
    except (tomllib.TOMLDecodeError, NodeError):
        return None
    return Deployment(frozenset(found), name) if found else None


def _terraform(folder: Path) -> Deployment:
    found: set[str] = set()
    for path in sorted(folder.glob("*.tf")):
        for block in hcl.parse(_text(path))[0].blocks:
            if block.kind == "provider" and block.labels == ("aws",):
                region = block.attributes.get("region")
                if not isinstance(region, Text) or len(region.parts) != 1 or not isinstance(region.parts[0], tuple):
                    return Deployment()  # a variable: whoever applies it decides
                text = region.parts[0][0]
                if not isinstance(text, str):
                    return Deployment()
                found.add(text)
    return Deployment(frozenset(found), "the provider's region") if found else Deployment()
