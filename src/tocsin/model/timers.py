"""What time starts of one alert."""

from __future__ import annotations

from enum import StrEnum


class TimerKind(StrEnum):
    """What is to be done with an alert when its time has come."""

    # A destination is notified again of what is still open.
    REMINDER = "reminder"
    # Its source has said nothing for so long that it is taken to be over.
    NO_NEWS = "no_news"
