"""The conditions of a template, decided as far as the template alone does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.intrinsics import intrinsic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layerctl.templates.spans import SpannedString

__all__ = ["MAX_NESTING", "WORDS", "Conditions"]

Node = yaml.Node

# What YAML 1.1 takes for a truth value or nothing, and CloudFormation hands on as text.
WORDS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false", "null": ""}
MAX_NESTING = 40
# A condition that another one asks for is two functions inside of one another, and one of its own.
_MAX_JUDGING = 3 * MAX_NESTING


class Conditions(ABC):
    """Decides the conditions of one template.

    Args:
        declared: the template's `Conditions`.

    Attributes:
        chosen: conditions that are taken to hold, or not.
    """

    def __init__(self, declared: Mapping[str, Node]) -> None:
        self.chosen: dict[str, bool] = {}
        self._conditions = declared
        self._judging: list[Node] = []
        self._judged: dict[Node, bool | None] = {}

    @abstractmethod
    def evaluate(self, node: Node | None, depth: int = 0) -> list[SpannedString]:
        """Every value that a node can have."""

    def choosing(self, conditions: dict[str, bool]) -> None:
        """Take conditions to hold, or not, from now on."""
        if conditions != self.chosen:
            self.chosen = conditions
            self.forget()

    def forget(self) -> None:
        """Work out anew what has been worked out."""
        self._judged = {}

    def condition(self, name: str) -> bool | None:
        """Whether a condition holds; None where that is not decided, so that both branches of `Fn::If` count."""
        if name in self.chosen:
            return self.chosen[name]
        declared = self._conditions.get(name)
        return None if declared is None else self._judge(declared)

    def undecided(self, name: str) -> str:
        """Why a condition is not decided."""
        if name not in self._conditions:
            return f"the condition {name!r} is not defined"
        return f"the condition {name!r} refers to itself, or to what only a deployment knows"

    def consistent(self) -> bool:
        """Whether the conditions that are chosen can be as they are at once."""
        chosen = self.chosen
        try:
            for name, holds in chosen.items():
                self.choosing({other: value for other, value in chosen.items() if other != name})
                if self.condition(name) not in {holds, None}:
                    return False
        finally:
            self.choosing(chosen)
        return True

    def _judge(self, node: Node) -> bool | None:
        if node in self._judged:
            return self._judged[node]
        if node in self._judging or len(self._judging) > _MAX_JUDGING:
            return None
        self._judging.append(node)
        try:
            self._judged[node] = self._work_out_condition(node)
            return self._judged[node]
        finally:
            self._judging.pop()
            if not self._judging:  # what is part of a circle is undecided only as seen from there
                self._judged = {judged: holds for judged, holds in self._judged.items() if holds is not None}

    def _work_out_condition(self, node: Node) -> bool | None:
        call = intrinsic(node)
        if call is None:
            return {"true": True, "false": False}.get(WORDS.get(str(node.value).lower(), ""))
        name, argument = call
        items = argument.value if isinstance(argument, yaml.SequenceNode) else []
        match name:
            case "Condition":
                return self.condition(str(argument.value))
            case "Equals" if len(items) == 2:
                left, right = self.evaluate(items[0]), self.evaluate(items[1])
                decided = len(left) == len(right) == 1 and not (left[0].assumed or right[0].assumed)
                return left[0].text == right[0].text if decided and None not in (left[0].text, right[0].text) else None
            case "Not" if len(items) == 1:
                inner = self._judge(items[0])
                return None if inner is None else not inner
            case "And" | "Or":
                parts = [self._judge(item) for item in items]
                decisive = name == "Or"
                return decisive if decisive in parts else (None if None in parts else not decisive)
        return None

    def choose(self, node: Node | None) -> Node | None:
        """The branch of `Fn::If` that the conditions give, as far as they decide; None for `AWS::NoValue`."""
        for _ in range(MAX_NESTING):
            call = intrinsic(node)
            if call is None:
                return node
            name, argument = call
            if name == "If" and isinstance(argument, yaml.SequenceNode) and len(argument.value) == 3:
                holds = self.condition(str(argument.value[0].value))
                if holds is None:
                    return node
                node = argument.value[1 if holds else 2]
            elif name == "Ref" and argument.value == "AWS::NoValue":
                return None
            else:
                return node
        return node
