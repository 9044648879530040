"""Evaluating JMESPath within a budget.

The expressions are a user's and the payload is a stranger's; together they can ask for any amount
of work: `[@,@][]` doubles a list, `join` multiplies a text. One `Evaluation` serves one webhook,
counts what it does, and stops before it does too much.

A step is the work of visiting one node of an expression, about a microsecond. What is copied,
compared or handed on is charged by its size, so that time and memory have one bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from jmespath.exceptions import JMESPathTypeError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter, _Expression

from tocsin.turns import rest

STEPS: Final = 40_000
"""What one webhook may spend: some 30 ms, and some 10 MB of lists and texts."""

AT_ONCE_STEPS: Final = 1_000
"""What it may spend on the event loop: a millisecond. What asks for more is read in a thread."""

METADATA_STEPS: Final = 20_000
"""What it may spend besides on metadata, which is left out where it costs too much."""

FOUND_DEPTH: Final = 128
"""How deep a found value may nest: as deep as a body may."""

# How much of it is worth one step.
_REFERENCES: Final = 16
_VALUES: Final = 8
_CHARACTERS: Final = 64
_VALUE: Final = _CHARACTERS // _VALUES  # in characters

Node = Any
"""A part of a parsed expression; the library's own type has no name outside its stubs."""

_REPEATING: Final = frozenset(
    ("multi_select_list", "multi_select_dict", "function_expression", "literal")
)
_FUNCTIONS: Final = Functions()
_LARGE: Final = 2**64
# Steps of a call besides: its arguments are checked.
_CALL: Final = 2
# A short needle is looked for by trying every place.
_NEEDLE: Final = 100


class BudgetSpent(Exception):
    """The expressions ask for more work on this payload than one webhook may cost."""


class TooMuchAtOnce(Exception):
    """They ask for more work than the event loop is held up for."""


class Evaluation(TreeInterpreter):
    """The interpreter of one webhook's expressions, with what is left of its budget."""

    def __init__(self, steps: int = STEPS, *, at_once: bool = False) -> None:
        """With `at_once` it has no more than `AT_ONCE_STEPS`, and raises `TooMuchAtOnce` instead of
        `BudgetSpent`."""
        super().__init__()
        self.left = AT_ONCE_STEPS if at_once else steps
        self._rests_at = 0 if at_once else max(0, steps - AT_ONCE_STEPS)
        self._spent = TooMuchAtOnce if at_once else BudgetSpent
        self._visits: dict[str, Callable[[Node, Any], Any]] = {}

    def search(self, expression: Node, item: Any, *, one_by_one: bool = False) -> Any:
        """What a parsed expression finds in `item`. It can be encoded, or with `one_by_one` be
        walked through, at a cost in proportion to what was charged, even where parts of it stand
        in many places.

        Raises:
            BudgetSpent: this would cost too much.
            Exception: the expression cannot be evaluated on this item.
        """
        found = self.visit(expression, item)
        if isinstance(found, (str, list, dict)) or _is_large(found):
            self.charge_whole(found, per_value=_CHARACTERS if one_by_one else _VALUE)
        return found

    def charge(self, steps: int) -> None:
        """Raises BudgetSpent if so much is not left."""
        self.left -= steps
        if self.left < 0:
            raise self._spent

    def charge_surface(self, value: Any) -> None:
        """Pay for a look at each element of a list, at each character of a text."""
        if isinstance(value, str):
            self.charge(len(value) // _CHARACTERS)
        elif isinstance(value, (list, dict)):
            self.charge(len(value) // _VALUES)

    def charge_whole(self, value: Any, per_value: int = _VALUE, per_character: int = 1) -> None:
        """Pay for `value` with all that is in it, counted as often as it stands there.

        Raises BudgetSpent if it nests too deep as well.
        """
        allowance = self.left * _CHARACTERS
        cost = 0
        layer = [value]
        for _ in range(FOUND_DEPTH):
            below: list[Any] = []
            for item in layer:
                if isinstance(item, str):
                    cost += per_character * len(item)
                elif isinstance(item, dict):
                    cost += per_value * len(item) + per_character * sum(map(len, item))
                    if cost <= allowance:
                        below.extend(item.values())
                elif isinstance(item, list):
                    cost += per_value * len(item)
                    if cost <= allowance:
                        below.extend(item)
                elif _is_large(item):
                    cost += item.bit_length()
                if cost > allowance:
                    self.left = 0
                    raise self._spent
            if not below:
                self.left -= cost // _CHARACTERS
                return
            layer = below
        self.left = 0
        raise self._spent

    def visit(self, node: Node, value: Any) -> Any:
        self.left -= 1
        if self.left < self._rests_at:
            self._rest()
        kind = node["type"]
        visit = self._visits.get(kind)
        if visit is None:
            visit = self._visits[kind] = getattr(self, f"visit_{kind}", self.default_visit)
        return visit(node, value)

    def _rest(self) -> None:
        if self.left < 0:
            raise self._spent
        rest()
        self._rests_at = max(0, self.left - AT_ONCE_STEPS)

    def visit_flatten(self, node: Node, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if isinstance(base, list):
            self.charge(len(base) // _VALUES)
            self.charge(sum(len(part) for part in base if isinstance(part, list)) // _REFERENCES)
        found: Node = {**node, "children": [_literal(base)]}
        return super().visit_flatten(found, value)

    def visit_slice(self, node: Node, value: Any) -> Any:
        if isinstance(value, list):
            self.charge(len(value) // _REFERENCES)
        return super().visit_slice(node, value)

    def visit_comparator(self, node: Node, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        if isinstance(left, (str, list, dict)) and type(left) is type(right):
            self.charge_whole(left)
        found: Node = {**node, "children": [_literal(left), _literal(right)]}
        return super().visit_comparator(found, value)

    def visit_expref(self, node: Node, value: Any) -> Any:
        return _Key(node["children"][0], self)

    def visit_function_expression(self, node: Node, value: Any) -> Any:
        name: str = node["value"]
        arguments = [self.visit(child, value) for child in node["children"]]
        self.charge(_CALL)
        for argument in arguments:
            self.charge_surface(argument)
        if name in _CHARGES:
            _CHARGES[name](self, arguments)
        return _FUNCTIONS.call_function(name, arguments)


class _Key(_Expression):
    """What a list is sorted by. Long texts with a common beginning are compared again and again."""

    interpreter: Evaluation

    def visit(self, node: Node, value: Any) -> Any:
        found = self.interpreter.visit(node, value)
        if isinstance(found, str):
            self.interpreter.charge(len(found) * 16 // _CHARACTERS)
        return found


def nodes_of(expression: Node) -> Iterator[tuple[int, Node]]:
    """Every node of a parsed expression with its depth, the expression itself being at 1."""
    layer, depth = [expression], 1
    while layer:
        for node in layer:
            yield depth, node
        layer = [
            child for node in layer for child in node.get("children", ()) if isinstance(child, dict)
        ]
        depth += 1


def is_true(found: Any) -> bool:
    """As JMESPath has it: all but false, null, and what is empty."""
    return found is not None and found is not False and found not in ("", [], {})


def repeats(expression: Node) -> bool:
    """Whether one value of the payload can be in several places of what it finds."""
    return any(node["type"] in _REPEATING for _, node in nodes_of(expression))


def explained(error: Exception) -> str:
    """Why an expression cannot be evaluated, in words; never with a value of the payload."""
    if isinstance(error, JMESPathTypeError):
        expected = " or ".join(error.expected_types)
        return f"{error.function_name}() takes {expected}, not {error.actual_type}"
    return type(error).__name__


def _is_large(value: Any) -> bool:
    return type(value) is int and not -_LARGE < value < _LARGE


def _literal(value: Any) -> Node:
    return {"type": "literal", "value": value, "children": []}


def _charge_join(evaluation: Evaluation, arguments: list[Any]) -> None:
    separator, parts = (*arguments, None, None)[:2]
    if isinstance(separator, str) and isinstance(parts, list):
        characters = sum(len(part) for part in parts if isinstance(part, str))
        evaluation.charge((characters + len(separator) * len(parts)) // _CHARACTERS)


def _charge_text(evaluation: Evaluation, arguments: list[Any]) -> None:
    for argument in arguments:
        if not isinstance(argument, str):
            # A character may become an escape of twelve.
            evaluation.charge_whole(argument, per_character=8)


def _charge_contains(evaluation: Evaluation, arguments: list[Any]) -> None:
    subject, wanted = (*arguments, None, None)[:2]
    if isinstance(subject, str) and isinstance(wanted, str):
        evaluation.charge(len(subject) * min(len(wanted), _NEEDLE) // 8 // _CHARACTERS)
    else:
        evaluation.charge_whole(subject)


def _charge_elements(evaluation: Evaluation, arguments: list[Any]) -> None:
    for argument in arguments:
        evaluation.charge_whole(argument)


_CHARGES: Final[dict[str, Callable[[Evaluation, list[Any]], None]]] = {
    "join": _charge_join,
    "to_string": _charge_text,
    "contains": _charge_contains,
    "sort": _charge_elements,
    "max": _charge_elements,
    "min": _charge_elements,
    "sum": _charge_elements,
    "avg": _charge_elements,
}
