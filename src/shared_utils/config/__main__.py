"""`python -m shared_utils.config check|iam module:Settings`: does everything resolve, and what does it take?"""

from __future__ import annotations

import argparse
import json
import sys

from shared_utils.config.load import FieldResult, read_fields
from shared_utils.config.outcomes import INVALID, one_line
from shared_utils.config.resolve import has_secret_name
from shared_utils.config.settings import Settings
from shared_utils.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_MASK = "**********"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 when all is well, 1 when a field does not resolve, 2 for a wrong call."""
    options = _parser().parse_args(argv)
    settings, wrong = _find(options.settings)
    if settings is None:
        print(f"error: {wrong}", file=sys.stderr)  # noqa: T201 - a command line's own output
        return 2
    return int(options.run(settings, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared_utils.config", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check",
        help="read every field and print what came of it; exit code 1 when one does not resolve",
        description="Read every field of a Settings class and print a table of sources and outcomes, secrets masked.",
    )
    check.set_defaults(run=_check)
    iam = commands.add_parser(
        "iam",
        help="print the least IAM policy that reading the fields takes",
        description="Print the least IAM policy document that reading the fields of a Settings class takes.",
    )
    iam.add_argument("--region", help="region of the ARNs (default: AWS_REGION, else any)")
    iam.add_argument("--account", default="*", help="account id of the ARNs (default: any)")
    iam.set_defaults(run=_iam)
    for command in (check, iam):
        command.add_argument("settings", metavar="MODULE:CLASS", help="the Settings class, like app.settings:Settings")
    check.add_argument("--json", action="store_true", help="print the rows as JSON, for machines")
    return parser


def _find(where: str) -> tuple[type[Settings] | None, str]:
    """Return the Settings class that ``module:Class`` names, or what is wrong with that."""
    from importlib import import_module

    module_name, colon, path = where.partition(":")
    if not colon or not module_name or not path:
        return None, f"{where!r} names no class; write it like app.settings:Settings"
    sys.path.insert(0, "")  # as `python -m` has it, also when called as a function
    try:
        found: object = import_module(module_name)
        for name in path.split("."):
            found = getattr(found, name, None)  # which a module may answer by importing more
    except (Exception, SystemExit) as error:  # the module is the user's: whatever it raises belongs in one line
        return None, f"importing {module_name} failed: {type(error).__name__}: {one_line(error)}"
    finally:
        if "" in sys.path:
            sys.path.remove("")
    if not (isinstance(found, type) and issubclass(found, Settings)):
        return None, f"{where} is not a subclass of config.Settings"
    return found, ""


def _reads(settings: type[Settings]) -> tuple[list[FieldResult], str]:
    try:
        return read_fields(settings._fields, settings._field_types(), None), ""
    except ConfigError as error:  # an annotation that cannot be resolved
        return [], one_line(error)


def _check(settings: type[Settings], options: argparse.Namespace) -> int:
    reads, wrong = _reads(settings)
    if wrong:
        print(f"error: {wrong}", file=sys.stderr)  # noqa: T201
        return 2
    rows = [_row(read) for read in reads]
    if options.json:
        print(json.dumps(rows, indent=2))  # noqa: T201
    else:
        _print_table(rows)
    return 1 if any(read.problem for read in reads) else 0


def _row(read: FieldResult) -> dict[str, str]:
    row = {"field": read.name, "source": read.resolved.source}
    if read.problem is not None:
        hint = f"; {read.problem.hint}" if read.problem.hint else ""
        return {**row, "status": read.problem.kind, "value": "", "detail": read.problem.what + hint}
    value = _MASK if read.sensitive or has_secret_name(read.resolved, read.name) else one_line(repr(read.value), 60)
    return {**row, "status": "default" if read.defaulted else "ok", "value": value, "detail": ""}


def _print_table(rows: list[dict[str, str]]) -> None:
    lines = [("FIELD", "SOURCE", "STATUS", "VALUE")]
    lines += [(row["field"], row["source"], row["status"], row["value"] or row["detail"]) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[3]]).rstrip())  # noqa: T201


def _iam(settings: type[Settings], options: argparse.Namespace) -> int:
    from shared_utils.config.policy import policy_of
    from shared_utils.config.resolve import resolve

    needs = []
    for name, field in settings._fields.items():
        resolved = resolve(field.reference, None)
        reference = resolved.reference  # a variable may hold a reference
        if resolved.failure is not None and resolved.failure.kind == INVALID:
            print(f"error: {name}: {resolved.source}: {resolved.failure.what}", file=sys.stderr)  # noqa: T201
            return 1
        if reference.scheme != "env":
            needs.append((reference, field.kms_key))
    print(json.dumps(policy_of(needs, options.region, options.account), indent=2))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
