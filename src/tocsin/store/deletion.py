"""Deleting what history may mention: it is marked, switched off, and forgets its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tocsin.store.tables import AlertDestination, AlertRule, Heartbeat, Integration, User
from tocsin.store.tables.base import Deletable

_LEFT_OF: Mapping[type[Deletable], Mapping[str, Any]] = {
    Integration: {
        "is_active": False,
        "webhook_secret": b"",
        "previous_webhook_secret": None,
        "previous_secret_expires_at": None,
    },
    AlertDestination: {"is_enabled": False, "config": {}, "secret_config": None},
    AlertRule: {"is_enabled": False},
    Heartbeat: {"token_digest": None},
    User: {"is_active": False, "password_hash": None},
}


def mark_deleted(row: Deletable, now: datetime) -> None:
    """It is written with the session's next flush."""
    row.deleted_at = now
    for name, value in _LEFT_OF.get(type(row), {}).items():
        setattr(row, name, value)


def name_in_history(name: str | None, deleted_at: datetime | None) -> str | None:
    """As history and explanations name it: `teams-ops (deleted)`."""
    return name if deleted_at is None else f"{name} (deleted)"
