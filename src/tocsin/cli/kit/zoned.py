"""Times of a zone: read from an argument, and shown."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.cli.kit.exits import Exit, Failure


def zone_of(name: str) -> ZoneInfo:
    """The zone of this IANA name.

    Raises:
        Failure: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Failure(
            f"{name!r} is no timezone; Europe/Berlin is one, say", code=Exit.USAGE
        ) from None


def instant(text: str, timezone: str, option: str) -> str:
    """`2026-03-31T02:00` of that zone, or a time with its own offset, as the API has it.

    Raises:
        Failure: it is neither.
    """
    zone = zone_of(timezone)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(
            f"{option} {text!r} must be a time such as 2026-03-31T02:00", code=Exit.USAGE
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat(timespec="seconds")


def day_and_clock(at: str, zone: ZoneInfo) -> str:
    """`Mon 03:05`, with seconds where there are any."""
    local = datetime.fromisoformat(at).astimezone(zone)
    return local.strftime("%a %H:%M:%S" if local.second else "%a %H:%M")


def date_and_clock(at: str, zone: ZoneInfo) -> str:
    """`Mon 2 Mar 2026 03:05`."""
    local = datetime.fromisoformat(at).astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}"
