"""`layerctl rule`."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from layerctl.cli.options import json_option
from layerctl.cli.output import print_json, print_table
from layerctl.cli.rules import all_rules
from layerctl.core.errors import LayerctlError

__all__ = ["command"]


def _complete(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    return [name for name in all_rules() if name.startswith(typed)]


@click.command("rule")
@click.argument("rule_id", metavar="[ID]", required=False, shell_complete=_complete)
@json_option
@click.option(
    "--docs", type=click.Path(path_type=Path, file_okay=False), help="Write all rules as pages to that folder."
)
def command(*, rule_id: str | None, as_json: bool, docs: Path | None) -> None:
    """Explain the rule ID: what it looks at, an example, and what to do about it. Without ID list all rules."""
    from dataclasses import asdict

    from layerctl.rules.catalogue import explain, pages

    rules = all_rules()
    if docs is not None:
        docs.mkdir(parents=True, exist_ok=True)
        for name, text in pages(rules).items():
            (docs / name).write_text(text, "utf-8", newline="\n")
        return
    if rule_id is not None and rule_id not in rules:
        near = difflib.get_close_matches(rule_id, rules, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`layerctl rule` lists them"
        raise LayerctlError(f"there is no rule {rule_id!r}", hint=hint)
    chosen = list(rules.values()) if rule_id is None else [rules[rule_id]]
    if as_json:
        data = [asdict(rule) for rule in chosen]
        print_json(data if rule_id is None else data[0])
    elif rule_id is not None:
        click.echo(explain(chosen[0]))
    else:
        rows = [(rule.id, ", ".join(rule.commands), rule.severity, rule.summary) for rule in chosen]
        print_table(("rule", "applied by", "severity", "summary"), rows)
