"""The built layer's entry points: what finds plugins by them finds ours in /opt/python."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_the_durable_sdk_finds_the_plugin_in_the_layer(built_layer: Path) -> None:
    """`importlib.metadata` finds the entry point of the SDK's group with only the layer on the path, and it loads."""
    program = """
import importlib.metadata, json, sys
found = importlib.metadata.entry_points(group="aws_durable_execution.plugins")
print(json.dumps([[one.name, one.value, one.dist.name, str(one.dist.locate_file(""))] for one in found]))
"""
    layer = str(built_layer / "python")
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {layer!r}){program}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [
        ["shared_utils", "shared_utils.invocation.durable_plugin:factory", "shared-utils", layer]
    ]


def test_the_plugin_loads_from_the_layer_beside_the_sdk(built_layer: Path) -> None:
    """The SDK's own look-up, with DURABLE_EXECUTION_PLUGINS set, gives our factory."""
    program = """
from aws_durable_execution_sdk_python.plugin import DurableInstrumentationPlugin
import importlib.metadata, shared_utils
(found,) = importlib.metadata.entry_points(group="aws_durable_execution.plugins", name="shared_utils")
assert shared_utils.__file__.startswith({layer!r}), shared_utils.__file__
factory = found.load()
assert isinstance(factory.create_plugin(None), DurableInstrumentationPlugin)
print("found")
"""
    layer = str(built_layer / "python")
    source = f"import sys; sys.path.insert(0, {layer!r})\n" + program.replace("{layer!r}", repr(layer))
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "found\n", done.stderr
