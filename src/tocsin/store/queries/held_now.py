"""What silences, maintenance windows and inhibition rules hold back now."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from tocsin.store.database import DatabaseSession

MOST_COUNTED = 10_000
"""Messages that wait; of more, not all are counted."""

# By the index of what is held. `detail.holds` names all that apply, so one alert may be held by several.
_COUNT = text("""
    WITH held AS (
        SELECT alert_id, detail FROM alert_deliveries
        WHERE status = 'deferred' AND workspace_id = :workspace_id
            AND alert_id IS NOT NULL
        LIMIT :most
    )
    SELECT coalesce(hold #>> '{silence,id}', hold #>> '{window,id}', hold #>> '{inhibited_by,rule,id}',
            hold #>> '{rule,id}') AS holder, count(DISTINCT alert_id) AS alerts
    FROM held, jsonb_array_elements(CASE jsonb_typeof(detail -> 'holds')
        WHEN 'array' THEN detail -> 'holds' ELSE '[]' END) AS hold
    GROUP BY 1
""")


async def held_now(session: DatabaseSession, workspace_id: UUID) -> dict[UUID, int]:
    """Of how many alerts messages wait, by what holds them."""
    rows = await session.execute(_COUNT, {"workspace_id": workspace_id, "most": MOST_COUNTED})
    return {UUID(row.holder): row.alerts for row in rows if row.holder}
