"""What has matchers, found by the label value that it insists on.

Nearly every silence or window asks for some label to have one of a few values. Those are kept by label
and value, so that of a thousand an alert is only tried against those that ask for what it has; the
rest, which are few, are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from tocsin.routing.matchers import Conjunction, label_reader
from tocsin.routing.subject import Subject

T = TypeVar("T")


class WantedValues(Generic[T]):
    """`asked` says what one of them asks for."""

    __slots__ = ("_others", "_wanted")

    def __init__(self, things: Iterable[T], asked: Callable[[T], Conjunction]) -> None:
        by_label: dict[str, dict[str, list[T]]] = {}
        self._others: list[T] = []
        for thing in things:
            insisting = asked(thing).insisting
            if insisting is None or insisting.condition.accepted is None:
                self._others.append(thing)
                continue
            by_value = by_label.setdefault(insisting.label, {})
            for value in insisting.condition.accepted:
                by_value.setdefault(value, []).append(thing)
        self._wanted = [(label_reader(label), found) for label, found in by_label.items()]

    def candidates(self, subject: Subject) -> Sequence[T]:
        """Those that may match this alert."""
        found = self._others.copy()
        for read, by_value in self._wanted:
            found += by_value.get(read(subject), ())
        return found
