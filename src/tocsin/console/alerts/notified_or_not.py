"""Beside an alert: each destination, whether it was notified, and why or why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NotifiedOrNot:
    """A destination; `lines` are its messages in order, each what it is about and what became of it.
    One line without an event says why there was nothing to send to anybody."""

    name: str
    was_notified: bool
    lines: Sequence[tuple[str, str]]


def notified_or_not(story: Mapping[str, Any]) -> list[NotifiedOrNot]:
    """In the order in which the destinations came into it."""
    return [
        NotifiedOrNot(
            answer["destination_name"]
            or ("A destination since deleted" if answer["destination_id"] else "Nobody"),
            answer["was_notified"],
            [
                (message["event_type"].removeprefix("alerts."), message["words"])
                for message in answer["messages"]
            ]
            or [("", answer["words"])],
        )
        for answer in story["answers"]
    ]


def without_name(delivery: Mapping[str, Any]) -> str:
    """What became of a message, without its destination's name, which may have colons of its own."""
    name = delivery["destination_name"]
    words: str = delivery["words"]
    return words.removeprefix(f"{name}: ") if name else words.partition(": ")[2]
