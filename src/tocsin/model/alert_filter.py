"""What a list of alerts is asked for: conditions that all hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tocsin.model.alerts import AlertStatus, Severity


class Comparison(StrEnum):
    IS = "is"
    """One of the values; `*` in a value stands for anything."""
    MATCHES = "matches"
    """A regular expression, over the whole value."""


@dataclass(frozen=True, slots=True)
class TextCondition:
    """On one of the alert's own texts (`title`, `source`, `type`, `tenant`, `owner`), or on a label."""

    name: str
    comparison: Comparison
    values: tuple[str, ...]
    negated: bool = False
    is_label: bool = False


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """An empty field asks for nothing. Times are those of the trigger."""

    statuses: frozenset[AlertStatus] = frozenset()
    severities: frozenset[Severity] = frozenset()
    conditions: tuple[TextCondition, ...] = ()
    words: tuple[str, ...] = ()
    """Each is in title, description, source or external id, in any case."""
    since: datetime | None = None
    until: datetime | None = None
    least_count: int | None = None
    held: bool | None = None
    """Something about it is kept back at this moment; False: nothing is."""
    taken_by: UUID | None = None
    """Acknowledged by this user."""
    not_taken_by: UUID | None = None
    tenant_id: UUID | None = None
    """Only this tenant's."""
    ids: tuple[str, ...] | None = None
    """Only these, in the order of the list: what else was asked of words and labels is true of them."""
    is_frequent: bool = False
    """More alerts say this than are worth counting."""
    faults: tuple[str, ...] = field(default=())
    """What could not be read, in words; a page says so rather than being empty."""

    @property
    def names_owner(self) -> bool:
        """Whether it asks for the name of who has it: then only what somebody has can be in it."""
        return any(
            each.name == "owner" and not each.is_label and not each.negated and _names(each)
            for each in self.conditions
        )

    @property
    def named_tenant(self) -> TextCondition | None:
        """What asks for one tenant by its name or slug, as a whole."""
        return next(
            (
                each
                for each in self.conditions
                if each.name == "tenant"
                and not each.is_label
                and not each.negated
                and each.comparison is Comparison.IS
                and len(each.values) == 1
                and "*" not in each.values[0]
            ),
            None,
        )

    @property
    def is_of_live(self) -> bool:
        """Whether only live alerts can be in it."""
        return bool(self.statuses) and all(status.is_live for status in self.statuses)

    @property
    def is_of_over(self) -> bool:
        """Whether only alerts that have ended can be in it."""
        return bool(self.statuses) and not any(status.is_live for status in self.statuses)


def _names(condition: TextCondition) -> bool:
    return all(value.lower() != "nobody" for value in condition.values)
