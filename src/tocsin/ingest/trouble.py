"""Log lines about senders in trouble, each with what to do about it.

Trouble that lasts is logged once a minute, with the count since the last line. No line holds
anything that a sender sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import structlog

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
_KEYS_REMEMBERED = 10_000


@dataclass(slots=True)
class _AtIntervals:
    """Reports at once that something happened to a key, and then at intervals how often."""

    clock: Callable[[], float] = time.monotonic
    _said: dict[object, tuple[float, int]] = field(default_factory=dict)

    def count(self, key: object) -> int:
        """How many to report now; 0: nothing yet."""
        now = self.clock()
        at, since = self._said.get(key, (now - EVERY_SECONDS, 0))
        if now - at < EVERY_SECONDS:
            self._said[key] = at, since + 1
            return 0
        if len(self._said) > _KEYS_REMEMBERED:
            self._said.clear()
        self._said[key] = now, 0
        return since + 1


_seldom = _AtIntervals()


def say_rate_limited(integration_id: UUID, name: str) -> None:
    if count := _seldom.count(("rate", integration_id)):
        log.warning(
            "an integration sends more than it may, and was answered 503",
            integration=name,
            integration_id=str(integration_id),
            count=count,
            remedy="raise TOCSIN_RATE_LIMIT_PER_SECOND, or have it send less",
        )


def say_ping_for_nobody(integration_id: UUID, name: str) -> None:
    if count := _seldom.count(("ping", integration_id)):
        log.warning(
            "what an integration sends pings a bound heartbeat that has no room for it",
            integration=name,
            integration_id=str(integration_id),
            count=count,
            remedy="bind by labels of fewer values, or delete heartbeats that are not needed",
        )


def say_overloaded() -> None:
    if count := _seldom.count("overloaded"):
        log.error(
            "more webhooks arrive than can be stored; some were answered 503",
            count=count,
            remedy="start more workers or nodes, or look for a slow disk of the database",
        )


def say_unusable(integration_id: UUID, name: str, fault: str) -> None:
    log.error(
        "an integration cannot be used, its webhooks are answered 500",
        integration=name,
        integration_id=str(integration_id),
        fault=fault,
        remedy="start with the TOCSIN_SECRET_KEY that encrypted its secret, or rotate it; "
        "`tocsin doctor` looks at all of them",
    )


def say_database_away(error: Exception, *, has_spool: bool = False) -> None:
    meanwhile = "kept in the spool" if has_spool else "answered 503"
    log.error(
        f"the database cannot be reached, webhooks are {meanwhile} until it is back",
        error=type(error).__name__,
        remedy="see that it runs and that TOCSIN_DATABASE_URL leads to it",
    )


def say_database_back() -> None:
    log.warning("the database is back, webhooks are taken again")


def say_spool_full(count: int, limit: int) -> None:
    log.error(
        "the spool is full, webhooks are answered 503",
        waiting=count,
        bytes=limit,
        remedy="bring the database back; a larger TOCSIN_SPOOL_BYTES lasts longer the next time",
    )


def say_spool_unwritable(folder: Path, error: OSError) -> None:
    if count := _seldom.count("spool"):
        log.error(
            "the spool cannot be written, webhooks are answered 503",
            folder=str(folder),
            reason=error.strerror,
            count=count,
            remedy="look for a full disk, or for who owns the folder",
        )


def say_spool_torn(path: Path) -> None:
    log.info(
        "a file of the spool ends in the middle of a webhook that was never answered",
        file=path.name,
    )


def say_spool_damaged(kept: Path, reason: str) -> None:
    log.error(
        "a webhook in the spool cannot be read",
        reason=reason,
        file=str(kept),
        remedy="the file is kept: with the TOCSIN_SECRET_KEY that it was written with, rename it to "
        ".spool and start again (what is committed is not done twice); else look at the disk",
    )


def say_spool_lost(kept: Path, count: int) -> None:
    log.error(
        "webhooks of the spool could be neither committed nor put on record",
        count=count,
        file=str(kept),
        remedy="the file is kept; the lines before this one say what was wrong",
    )


def say_spool_emptied(outcomes: Mapping[str, int]) -> None:
    log.warning("the spool is empty, all of it is in the database", **outcomes)
