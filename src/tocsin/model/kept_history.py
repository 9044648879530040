"""What is kept for a while, by how long an operator may want it."""

from __future__ import annotations

from enum import StrEnum


class KeptHistory(StrEnum):
    """The kinds of the past that are kept for a number of days each."""

    WEBHOOKS = "webhooks"
    """What senders sent."""
    MESSAGES = "messages"
    """Messages that are not waiting, and the attempts to send them."""
    ALERTS = "alerts"
    """Ended alerts and their timelines."""
    AUDIT = "audit"
    """Who changed what."""
    OTHER = "other"
