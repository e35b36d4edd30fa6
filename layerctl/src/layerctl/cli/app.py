"""The command line: what there is, in the order in which people come to need it."""

from __future__ import annotations

import click

from layerctl import __version__
from layerctl.cli.groups import LazyGroup

__all__ = ["cli"]

_SECTIONS = {
    "Make a layer": {
        "init": ("layerctl.cli.init", "Write the repository of a new layer: package, tests, demo, locks."),
        "lock": (
            "layerctl.cli.lock",
            "Lock what the layer depends on: versions with hashes, for every runtime at once.",
        ),
        "add": ("layerctl.cli.add", "Add a package to the layer, and lock it."),
        "build": ("layerctl.cli.build", "Build the layer: wheel, locked closure, bytecode, zip, manifest and SBOM."),
        "verify": (
            "layerctl.cli.verify",
            "Check what an artifact is: layout, budgets, hashes, dependencies, bytecode, rebuild.",
        ),
        "audit": ("layerctl.cli.audit", "Tell which known vulnerabilities an artifact holds, by OSV's records."),
        "diff": (
            "layerctl.cli.diff",
            "Tell what changes from one artifact to another, and the version step that it needs.",
        ),
        "inspect": ("layerctl.cli.inspect", "Show what is in an artifact, as a table or a self-contained HTML page."),
    },
    "Release it": {
        "attest": ("layerctl.cli.attest", "Sign who built a layer from what (SLSA provenance); make keys for it."),
        "publish": ("layerctl.cli.publish", "Publish an artifact to one or many regions; present content is skipped."),
        "deploy-parameters": (
            "layerctl.cli.deploy_parameters",
            "Tell what `sam deploy` is to be given, so that a stack publishes nothing that is there already.",
        ),
        "share": ("layerctl.cli.share", "Grant or revoke the use of layer versions."),
        "permissions": ("layerctl.cli.permissions", "Audit who may use which version, over all retained versions."),
        "index": ("layerctl.cli.index", "Write, check and mirror layers.json, the index of released versions."),
        "releases": ("layerctl.cli.releases", "List what is where: each release in each region, and which it misses."),
        "usage": ("layerctl.cli.usage", "List which functions, aliases and templates use which layer version."),
        "prune": ("layerctl.cli.prune", "Delete layer versions that nobody uses any more."),
    },
    "Use one": {
        "pins": ("layerctl.cli.pins", "List, check and bump the layer versions that templates pin."),
        "check": (
            "layerctl.cli.check",
            "Work out what Lambda will do with each function's layers, and what will go wrong.",
        ),
        "sync": ("layerctl.cli.sync", "Bring the layers that templates pin to this machine, for editor and tests."),
        "run": ("layerctl.cli.run", "Serve the functions of SAM templates over HTTP in AWS's own runtime emulator."),
        "invoke": ("layerctl.cli.invoke", "Run one function of a SAM template once, on an event from a file."),
        "event": ("layerctl.cli.event", "Write an event as an AWS service sends it, for `invoke`."),
    },
    "Besides": {
        "rule": (
            "layerctl.cli.rule",
            "Explain a rule of verify, audit, diff, check, pins, index or permissions, or list all rules.",
        ),
        "doctor": (
            "layerctl.cli.doctor",
            "Say what layerctl works with, what is missing here, and how to get it.",
        ),
        "cache": ("layerctl.cli.cache", "Show and clean what is kept between runs."),
    },
}


_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=LazyGroup, sections=_SECTIONS, context_settings=_SETTINGS)
@click.version_option(__version__, "-V", "--version", prog_name="layerctl")
def cli() -> None:
    """Build, verify, publish, share, pin and prune AWS Lambda layers, and run functions locally.

    Exit codes: 0 fine, or warnings only; 1 errors (with --strict: or warnings); 2 it could not be done.
    """
