"""Which modules of the built layer have bytecode, and that the others had no use for it."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from layerctl.config import LayerConfig

ROOT = Path(__file__).resolve().parents[2]
_PROBE = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
importable = []
before = set(sys.modules)
for module in json.load(sys.stdin):
    for name in set(sys.modules) - before:  # a package that failed halfway leaves its first modules behind
        del sys.modules[name]
    try:
        importlib.import_module(module)
    except ImportError:
        continue
    importable.append(module)
print(json.dumps(importable))
"""


def _without_bytecode(layer: Path) -> set[str]:
    compiled = {path.parent.parent / (path.name.split(".")[0] + ".py") for path in layer.rglob("*.pyc")}
    return {path.relative_to(layer / "python").as_posix() for path in layer.rglob("*.py") if path not in compiled}


def test_only_the_named_modules_lack_bytecode(built_layer: Path) -> None:
    """Every module has bytecode, but for the patterns that layer.toml names."""
    patterns = LayerConfig.load(ROOT / "layer" / "layer.toml").sources_only
    lacking = _without_bytecode(built_layer)
    assert lacking
    assert {path for path in lacking if not any(fnmatchcase(path, pattern) for pattern in patterns)} == set()


def test_what_lacks_bytecode_cannot_be_imported_from_the_layer_alone(built_layer: Path) -> None:
    """A module without bytecode needs a package that the layer does not have, so nobody waits for its compilation."""
    modules = [
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in _without_bytecode(built_layer)
    ]
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _PROBE, str(built_layer / "python")],
        input=json.dumps(modules),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(result.stdout) == []
