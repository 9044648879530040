"""What has matchers, found by the label value that it insists on.

Nearly every silence or window asks for some label to have one of a few values. Those are kept by label
and value, so that of a thousand an alert is only tried against those that ask for what it has; the
rest, which are few, are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from tocsin.routing.matchers import Conjunction, read_label
from tocsin.routing.subject import Subject

T = TypeVar("T")


class WantedValues(Generic[T]):
    """`asked` says what one of them asks for."""

    __slots__ = ("_by_value", "_others")

    def __init__(self, things: Iterable[T], asked: Callable[[T], Conjunction]) -> None:
        self._by_value: dict[str, dict[str, list[T]]] = {}
        self._others: list[T] = []
        for thing in things:
            insisting = asked(thing).insisting
            if insisting is None or insisting.condition.accepted is None:
                self._others.append(thing)
                continue
            by_value = self._by_value.setdefault(insisting.label, {})
            for value in insisting.condition.accepted:
                by_value.setdefault(value, []).append(thing)

    def candidates(self, subject: Subject) -> Iterator[T]:
        """Those that may match this alert."""
        for label, by_value in self._by_value.items():
            yield from by_value.get(read_label(subject, label), ())
        yield from self._others
