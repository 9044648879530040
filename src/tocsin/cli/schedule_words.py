"""Schedules as people write them on a command line, as the API has them, and as they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import note, print_json, show
from tocsin.cli.kit.people import user_id
from tocsin.cli.kit.tables import table

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

PATH = "/schedules"
KIND = "schedule"
NOBODY = "-"

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its name or id, or `last`.")]
Preview = Annotated[bool, typer.Option("--preview", help="Only show what it would do.")]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY = re.compile(r"(\d+)\s*(h|d|w|mo)")
_UNITS = {"h": "hours", "d": "daily", "w": "weekly", "mo": "monthly"}
_HANDOFF = re.compile(r"(?:([a-z]{3}|\d{1,2})\s+)?(\d\d:\d\d)")
_WINDOW = re.compile(r"(?:([a-z,-]+)\s+)?(\d\d:\d\d)\s*-\s*(?:([a-z]{3})\s+)?(\d\d:\d\d)")


def participants(api: ApiClient, said: list[str]) -> list[list[str] | None]:
    """Each is one turn: a user, several with commas, or `-` for nobody."""
    return [
        None if each == NOBODY else [user_id(api, name.strip()) for name in each.split(",")]
        for each in said
    ]


def rotation(every: str, handoff: str, starts_on: str | None, timezone: str) -> dict[str, Any]:
    """`2w` and `mon 09:00` as the API has them.

    Raises:
        Failure: one of them is not of that form.
    """
    length = _EVERY.fullmatch(every.strip())
    if length is None:
        raise Failure(f"--every {every!r} must read 1w, 2w, 1d, 12h or 1mo", code=Exit.USAGE)
    at = _HANDOFF.fullmatch(handoff.strip().lower())
    if at is None:
        words = f"--handoff {handoff!r} must read 09:00, mon 09:00 or, monthly, 1 09:00"
        raise Failure(words, code=Exit.USAGE)
    unit = _UNITS[length[2]]
    day: str | int | None = at[1]
    if at[1] is not None and at[1].isdigit():
        day = int(at[1])
    if day is None and unit == "weekly":
        day = "mon"
    return {
        "unit": unit,
        "length": int(length[1]),
        "handoff_time": at[2],
        "handoff_day": day,
        "starts_on": starts_on or _began(unit, int(length[1]), day, at[2], timezone),
    }


def _began(unit: str, length: int, day: str | int | None, clock: str, timezone: str) -> str:
    """The last day of a hand-over that is past, so that somebody is on call from now on."""
    now = _zone_now(timezone)
    begin = datetime.combine(now.date(), datetime.strptime(clock, "%H:%M").time())
    while begin > now or not _hands_over(unit, day, begin.date()):
        begin -= timedelta(days=1)
    return begin.date().isoformat()


def _hands_over(unit: str, day: str | int | None, at: date) -> bool:
    if unit == "weekly":
        return at.weekday() == _DAYS.index(day) if day in _DAYS else True
    return True


def _zone_now(timezone: str) -> datetime:
    from tocsin.oncall.wall_clock import local_time

    return local_time(datetime.now(UTC), zone(timezone))


def zone(timezone: str) -> Any:
    """The zone of this name.

    Raises:
        Failure: there is none.
    """
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):
        words = f"{timezone!r} is no IANA timezone, such as Europe/Vienna"
        raise Failure(words, code=Exit.USAGE) from None


def restriction(text: str) -> dict[str, Any]:
    """`mon-fri 09:00-17:00`, or `fri 17:00-mon 09:00`, as the API has it.

    Raises:
        Failure: if it is not of that form.
    """
    found = _WINDOW.fullmatch(text.strip().lower())
    days = None if found is None else _days(found[1])
    if found is None or days is None or (found[3] is not None and found[3] not in _DAYS):
        words = f"--only {text!r} must read [DAYS] START-END, such as mon-fri 09:00-17:00"
        raise Failure(words, code=Exit.USAGE)
    return {"days": days, "start": found[2], "end": found[4], "end_day": found[3]}


def _days(text: str | None) -> list[str] | None:
    """`mon-fri,sun`; all where there is none. None if it cannot be read."""
    if text is None:
        return list(_DAYS)
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            return None
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        found += [_DAYS[each % 7] for each in range(begin, begin + (end - begin) % 7 + 1)]
    return sorted(set(found), key=_DAYS.index)


def instant(text: str, timezone: str, option: str) -> str:
    """A time with an offset as it is; one without by the clock of the zone.

    Raises:
        Failure: it cannot be read, or the clock never shows it, or twice.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        words = f"{option} {text!r} must read 2026-12-24T09:00, or with an offset from UTC"
        raise Failure(words, code=Exit.USAGE) from None
    if at.tzinfo is None:
        at = _of_the_wall(at, timezone, option)
    return at.isoformat()


def _of_the_wall(local: datetime, timezone: str, option: str) -> datetime:
    from tocsin.oncall.validation import left_out_words
    from tocsin.oncall.wall_clock import earliest, latest

    if (words := left_out_words(local, timezone)) is not None:
        raise Failure(f"{option}: {words}", code=Exit.USAGE)
    first, second = earliest(local, zone(timezone)), latest(local, zone(timezone))
    if first != second:
        texts = " or ".join(each.astimezone(zone(timezone)).isoformat() for each in (first, second))
        raise Failure(f"{option}: the clock shows that time twice; say {texts}", code=Exit.USAGE)
    return first


def layer_of(layers: list[dict[str, Any]], name: str | None, timezone: str) -> dict[str, Any]:
    """The one that is meant; a new name makes one.

    Raises:
        Failure: there are several, and none is named.
    """
    if name is None and len(layers) != 1:
        names = ", ".join(each["name"] for each in layers) or "none"
        raise Failure(f"say which layer with --layer: {names}", code=Exit.USAGE)
    for each in layers:
        if name in (None, each["name"]):
            return each
    made: dict[str, Any] = {
        "name": name,
        "rotation": rotation("1w", "mon 09:00", None, timezone),
        "participants": [],
        "restrictions": [],
    }
    layers.append(made)
    return made


def show_shifts(result: Any) -> None:
    """A calendar of shifts and gaps, by the clock of the schedule's zone."""
    from tocsin.oncall.changes import moment_words, spelled_hours

    place = zone(result["timezone"])
    made = table("from", "to", "for", "on call", "because")
    gaps = [
        gap
        for gap in result["gaps"]
        if not any(each["starts_at"] == gap["starts_at"] for each in result["items"])
    ]
    for each in sorted([*result["items"], *gaps], key=lambda each: str(each["starts_at"])):
        begin, end = (datetime.fromisoformat(each[at]) for at in ("starts_at", "ends_at"))
        cause = each.get("cause")
        made.add_row(
            moment_words(begin, place),
            moment_words(end, place),
            spelled_hours(end - begin),
            Text("nobody", style="red") if cause is None else Text(each["name"]),
            Text("a gap" if cause is None else because(cause)),
        )
    show(made)
    note(f"By the clock of {result['timezone']}.")


def because(cause: Any) -> str:
    """`Primary, turn 3`, `override`, `swap`, `nobody else: fallback`."""
    match cause["kind"]:
        case "layer":
            return f"{cause['layer']}, turn {cause['turn']}"
        case "fallback":
            return "nobody else: fallback"
    return f"{cause['kind']}{'' if cause['layer'] is None else ' of ' + cause['layer']}"


def answer_previewed(shown: Any, made: Any | None, say: Callable[[Any], None], json: bool) -> None:
    """Of a change that is previewed, and then made unless no more was asked for."""
    if json:
        print_json(shown if made is None else made)
        return
    if made is not None:
        say(made)
    _show_preview(shown)


def _show_preview(result: Any) -> None:
    for line in result["words"]:
        show(Text(line))
    for line in result["notices"]:
        note(line)
    if gaps := result["gaps"]:
        note(f"{len(gaps)} gap{'s' if len(gaps) > 1 else ''} in the next 60 days.")
