"""What matchers say to values: each pair is tried once, and what that costs is counted.

Work is counted in units of about a nanosecond at worst. It is no time that was measured: what is
decided, and by which way, is the same on every machine.
"""

from __future__ import annotations

from tocsin.routing.matchers import Condition, Conjunction, Matcher, read_label
from tocsin.routing.subject import Subject

CONJUNCTION_UNITS = 300
PLAIN_UNITS = 150
"""To ask a rule or a silence at all, and for each of its matchers that is no expression."""

PATTERN_UNITS = 2_000
"""To run any regular expression once."""

STEP_UNITS = 3
"""For each byte of the text and instruction of the program: RE2 at its slowest, when it has to keep
track of all states at once."""


class Judge:
    """Remembers verdicts for as long as one planning lasts. With a `limit` it is overdrawn as soon as
    more would be spent, and from then on says no to everything unasked: what was planned with it is
    to be thrown away."""

    __slots__ = ("_joint_verdicts", "_verdicts", "is_overdrawn", "is_prepared", "limit", "spent")

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.spent = 0
        self.is_overdrawn = False
        self.is_prepared = False
        """What will be asked is known: then only news are paid for."""
        self._verdicts: dict[tuple[Condition, str], bool] = {}
        self._joint_verdicts: dict[tuple[Conjunction, tuple[str, ...]], bool] = {}

    def all_match(self, asked: Conjunction, subject: Subject) -> bool:
        """Whether every one of the matchers does."""
        if not self.is_prepared and not self.affords(
            CONJUNCTION_UNITS + PLAIN_UNITS * len(asked.plain)
        ):
            return False
        for matcher in asked.plain:
            if not matcher.matches(subject):
                return False
        patterns = asked.patterns
        if len(patterns) < 2:
            return not patterns or self.matches(patterns[0], subject)
        key = asked, tuple([read_label(subject, label) for label in asked.pattern_labels])
        verdict = self._joint_verdicts.get(key)
        if verdict is None:
            verdict = all(self.matches(matcher, subject) for matcher in patterns)
            if not self.is_overdrawn:
                self._joint_verdicts[key] = verdict
        return verdict

    def matches(self, matcher: Matcher, subject: Subject) -> bool:
        """Whether `matcher` matches, for the price of a look-up if its like was asked before."""
        condition = matcher.condition
        if not condition.program_size:
            return matcher.matches(subject)
        value = matcher.read(subject)
        known = self._verdicts.get((condition, value))
        if known is not None:
            return known
        if not self.affords(units(condition, value)):
            return False
        verdict = self._verdicts[condition, value] = condition.accepts(value)
        return verdict

    def affords(self, cost: int) -> bool:
        """Spend so many units, unless that is more than there is."""
        if self.is_overdrawn:
            return False
        self.spent += cost
        if self.limit is not None and self.spent > self.limit:
            self.is_overdrawn = True
            return False
        return True

    def adopt(self, other: Judge) -> None:
        """Know what the other knows."""
        self._verdicts |= other._verdicts
        self._joint_verdicts |= other._joint_verdicts

    def renew(self) -> None:
        """Begin another planning with what is known, and nothing spent."""
        self.spent = 0
        self.is_overdrawn = False


def units(condition: Condition, value: str) -> int:
    """What it costs at worst to put `value` to a condition."""
    if not condition.program_size:
        return 0
    size = len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    return PATTERN_UNITS + STEP_UNITS * condition.program_size * size
