"""Why a message that is due waits, as a person would say it."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.model import WaitReason

WAIT_WORDS: Mapping[str, str] = {
    WaitReason.FAILING: "its destination fails, and is tried next at",
    WaitReason.THROTTLED: "its destination asked for a pause until",
    WaitReason.MISCONFIGURED: "somebody must repair its destination, which is tried next at",
    WaitReason.RATE: "its destination's rate limit is reached; the next message may go at",
}
"""Why a message waits; a time follows."""
