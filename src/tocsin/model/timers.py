"""What time starts of one alert."""

from __future__ import annotations

from enum import StrEnum


class TimerKind(StrEnum):
    """What is to be done with an alert when its time has come."""

    # A destination is notified again of what is still open.
    REMINDER = "reminder"
    # It keeps coming and going: how it goes on is to be said, or that it has settled.
    FLAPPING = "flapping"
    # Its source has said nothing for so long that it is taken to be over.
    NO_NEWS = "no_news"
    # Somebody took it on for a while, and that is over.
    ACKNOWLEDGEMENT_EXPIRES = "acknowledgement_expires"
    # Whoever took it on is asked whether they are still on it.
    ACKNOWLEDGEMENT_REMINDER = "acknowledgement_reminder"
