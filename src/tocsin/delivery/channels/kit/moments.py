"""Points in time and spans of it, as messages say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

JUST_NOW = "just now"


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time for people: always UTC, and the destination's own zone if that differs. `age` is
    how long ago it was when this was sent, where that still counts: `12 min ago`; `clock` is the time
    alone, for where there is little room."""

    name: str
    at: datetime
    utc: str
    local: str | None
    clock: str
    age: str | None = None

    @property
    def text(self) -> str:
        return f"{self.local} ({self.utc})" if self.local else self.utc

    @property
    def aged(self) -> str:
        """With its age, if it has one."""
        return f"{self.text}, {self.age}" if self.age else self.text


def moment(name: str, at: datetime, zone: ZoneInfo, now: datetime | None = None) -> Moment:
    """`now`: where its age counts."""
    at = at.astimezone(UTC)
    local = at.astimezone(zone)
    return Moment(
        name=name,
        at=at,
        utc=f"{at:%Y-%m-%d %H:%M:%S} UTC",
        local=None if zone.key in ("UTC", "Etc/UTC") else f"{local:%Y-%m-%d %H:%M:%S %Z}",
        clock=f"{local:%H:%M %Z}",
        age=None if now is None else age(now - at),
    )


def age(span: timedelta) -> str:
    return JUST_NOW if span < timedelta(minutes=1) else f"{duration(span)} ago"


def duration(span: timedelta) -> str:
    """In its two largest units: `45 s`, `12 min`, `3 h 20 min`, `2 d 5 h`."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"
