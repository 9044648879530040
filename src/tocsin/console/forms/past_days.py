"""The alerts of the last days, on which forms try what they would do."""

from __future__ import annotations

from datetime import timedelta

from tocsin.console.getting_in.door import Call
from tocsin.explain.preview import PastAlerts, past_alerts

DAYS = 7


async def past_days(call: Call) -> PastAlerts:
    async with call.context.reading() as session:
        since = call.now - timedelta(days=DAYS)
        return await past_alerts(session, call.visitor.workspace_id, since)
