"""What a service reports of a message after it took it: that it arrived, or that it never will."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from tocsin.store.database import connect
from tocsin.store.delivery_queue import DeliveryQueue, FallbackCandidate
from tocsin.store.queue_statements import QueueStatements

_FAILED_FOR_SECONDS = 600.0
_PAGE = "escalation"
"""The reason of a message that an escalation sent."""


class Report(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`status` is the service's own word; `at` when it was heard."""

    status: str
    at: str
    code: str | None = None
    by: str | None = None


async def note_arrived(url: str, delivery_id: UUID, report: Report) -> bool:
    """It arrived: what was only accepted is confirmed."""
    return await _write(
        url,
        "UPDATE alert_deliveries SET detail = detail || %(detail)s, updated_at = now()"
        " WHERE id = %(id)s AND status = 'sent' RETURNING reason",
        {"id": delivery_id, "detail": _detail(report, confirmed=True)},
    )


async def note_lost(url: str, delivery_id: UUID, report: Report, code: str, message: str) -> bool:
    """It never arrived: what counted as sent, and was not confirmed, has failed. Of a CRITICAL alert the
    fallback is notified in the same transaction; not of a page, for its escalation goes on."""
    return await _write(
        url,
        "UPDATE alert_deliveries SET status = 'failed', sent_at = NULL, last_error_code = %(code)s,"
        " last_error_message = %(message)s, detail = detail || %(detail)s, updated_at = now()"
        " WHERE id = %(id)s AND status = 'sent' AND detail ->> 'confirmed' = 'false'"
        " RETURNING reason",
        {
            "id": delivery_id,
            "detail": _detail(report, confirmed=False),
            "code": code,
            "message": message,
        },
        lost=delivery_id,
    )


def _detail(report: Report, *, confirmed: bool) -> Jsonb:
    return Jsonb({"confirmed": confirmed, "report": msgspec.to_builtins(report)})


async def _write(
    url: str, change: LiteralString, values: Mapping[str, object], lost: UUID | None = None
) -> bool:
    connection = await connect(url)
    try:
        async with connection.transaction():
            changed = await (await connection.execute(change, values)).fetchone()
            if changed is not None and lost is not None and changed[0] != _PAGE:
                candidate = FallbackCandidate(id=lost, given_up=True, broken=False)
                queue = DeliveryQueue(QueueStatements(connection), "callback", 0)
                await queue.notify_fallback([candidate], _FAILED_FOR_SECONDS)
        return changed is not None
    finally:
        await connection.close()
