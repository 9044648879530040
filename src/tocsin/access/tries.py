"""How often something was tried recently, counted over all nodes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from tocsin.store.database import DatabaseSession
from tocsin.store.queries.link_codes import count_try, forget_tries


async def is_one_too_many(session: DatabaseSession, what: str, until: datetime, most: int) -> bool:
    """Counts one more try of `what`, and says whether that makes more than `most` in this time, which
    ends `until` if it begins now. The count must be committed whatever comes of it."""
    return await count_try(session, _counter(what), until, most=most + 1) > most


async def forget(session: DatabaseSession, what: str) -> None:
    await forget_tries(session, _counter(what))


def _counter(what: str) -> UUID:
    return UUID(bytes=hashlib.sha256(what.encode()).digest()[:16])
