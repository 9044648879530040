"""Turns and hours of a schedule as a person types them: one on each line.

Ana                          mon-fri 09:00-17:00
Ben + Cleo                   sat,sun 00:00-00:00
nobody                       fri 17:00 - mon 09:00
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tocsin.console.forms.forms import lines
from tocsin.oncall.policy_shapes import DAYS

NOBODY = "nobody"
_DAY = "|".join(DAYS)
_HOURS = re.compile(
    rf"(?P<days>(?:{_DAY})(?:\s*[-,]\s*(?:{_DAY}))*|daily)\s+(?P<start>\d\d?:\d\d)\s*(?:-|to)\s*"
    rf"(?:(?P<end_day>{_DAY})\s+)?(?P<end>\d\d?:\d\d)(?:\s+(?P<zone>\S+))?\Z"
)


def read_turns(
    text: str, people: Sequence[tuple[str, str, str]]
) -> tuple[list[list[str] | None], str | None]:
    """The ids of who has each turn, and what is wrong with the first line that names nobody known.
    `people` are id, name and address."""
    known: dict[str, list[str]] = {}
    for id, name, email in people:
        for word in {name.lower(), email.lower()}:
            known.setdefault(word, []).append(id)
    turns: list[list[str] | None] = []
    for line in lines(text):
        if line.lower() == NOBODY and NOBODY not in known:
            turns.append(None)
            continue
        together = []
        for word in (each.strip() for each in line.split("+")):
            found = known.get(word.lower(), [])
            if len(found) != 1:
                many = f"Several people are called {word[:60]}; write the address instead."
                none = f"“{word[:60]}” is nobody of this workspace."
                return turns, many if found else none
            together.append(found[0])
        turns.append(together)
    return turns, None


def write_turns(
    turns: Iterable[Sequence[str] | None], people: Sequence[tuple[str, str, str]]
) -> str:
    """By name; by address where a name is not one's own."""
    names = [name.lower() for _, name, _ in people]
    words = {id: email if names.count(name.lower()) > 1 else name for id, name, email in people}
    return "\n".join(
        NOBODY
        if turn is None
        else " + ".join(words.get(each, "somebody who has left") for each in turn)
        for turn in turns
    )


def read_hours(text: str, timezone: str | None = None) -> tuple[list[dict[str, Any]], str | None]:
    """Windows of hours, and what is wrong with the first line that is none. With a `timezone`, each has
    one: its own, else this."""
    found: list[dict[str, Any]] = []
    for line in lines(text):
        match = _HOURS.match(line.lower())
        if match is None or (match["zone"] and timezone is None):
            return found, f"“{line[:60]}” is no time; write for instance mon-fri 09:00-17:00."
        window: dict[str, Any] = {
            "days": list(DAYS) if match["days"] == "daily" else _days(match["days"]),
            "start": match["start"].zfill(5),
            "end": match["end"].zfill(5),
        }
        if timezone is not None:
            # A zone's own spelling: the line is read in lower case.
            window["timezone"] = line.split()[-1] if match["zone"] else timezone
        if match["end_day"]:
            window["end_day"] = match["end_day"]
        found.append(window)
    return found, None


def _days(words: str) -> list[str]:
    days: list[str] = []
    for part in re.split(r"\s*,\s*", words):
        first, _, last = (each.strip() for each in part.partition("-"))
        begin = DAYS.index(first)
        span = (DAYS.index(last) - begin) % 7 if last else 0
        days += [DAYS[(begin + place) % 7] for place in range(span + 1)]
    return list(dict.fromkeys(days))


def write_hours(windows: Iterable[Mapping[str, Any]]) -> str:
    written = []
    for each in windows:
        end_day = f"{each['end_day']} " if each.get("end_day") else ""
        zone = f" {each['timezone']}" if each.get("timezone") else ""
        written.append(
            f"{_written_days(each['days'])} {each['start']}-{end_day}{each['end']}{zone}"
        )
    return "\n".join(written)


def _written_days(days: Sequence[str]) -> str:
    places = sorted(DAYS.index(each) for each in days)
    if len(places) == 7:
        return "daily"
    if len(places) > 2 and places == list(range(places[0], places[-1] + 1)):
        return f"{DAYS[places[0]]}-{DAYS[places[-1]]}"
    return ",".join(DAYS[place] for place in places)
