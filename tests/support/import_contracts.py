"""A contract for import-linter: no circle of imports between modules, wherever in a package they are.

import-linter's own ``acyclic_siblings`` compares packages: `logging` uses `invocation.lifecycle` and is used by
`invocation.decorator`, which is a circle of packages and none of modules.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from importlinter import Contract, ContractCheck, fields, output
from importlinter.application.contract_utils import AlertLevel, remove_ignored_imports_and_report

if TYPE_CHECKING:
    from grimp import ImportGraph

__all__ = ["NoCirclesContract"]


class NoCirclesContract(Contract):  # type: ignore[misc]  # import-linter has no types
    """Among all modules of `packages`, imports within functions included, none leads back to where it began."""

    type_name = "no_circles"

    packages = fields.SetField(subfield=fields.StringField())
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)
    unmatched_ignore_imports_alerting = fields.EnumField(AlertLevel, default=AlertLevel.ERROR)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return the first circle found, as a list of modules whose first is its last."""
        removal = remove_ignored_imports_and_report(graph, self.ignore_imports, self.unmatched_ignore_imports_alerting)
        modules = [module for module in graph.modules if module.split(".")[0] in self.packages]
        circle: list[str] = []
        try:
            TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in modules}).prepare()
        except CycleError as error:
            circle = error.args[1][::-1]  # from the importing to the imported
        return ContractCheck(
            kept=not circle,
            warnings=list(removal.warnings),
            ignored_import_count=removal.ignored_import_count,
            metadata={"circle": circle},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the circle, one import a line."""
        circle = check.metadata["circle"]
        for importer, imported in pairwise(circle):
            output.print_error(f"{importer} imports {imported}", bold=False)
