"""Whether what an integration sends is taken, and what its sender should fix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.ingest.sender_clocks import CLOCK_BEHIND
from tocsin.ingest.sources.prometheus import CLOCK_AHEAD
from tocsin.resources.fields import Output, Time
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.integration_health import TakenWebhook, newest_webhooks
from tocsin.store.tables import Integration

LOOKS_BACK: Final = timedelta(days=1)


class HealthNoticeCode(StrEnum):
    REFUSED = "refused"
    SENDER_CLOCK_BEHIND = CLOCK_BEHIND
    SENDER_CLOCK_AHEAD = CLOCK_AHEAD


class HealthNotice(Output):
    """Something about what was sent that somebody should look at."""

    code: HealthNoticeCode
    count: Annotated[int, Field(description="So many of the webhooks that were looked at")]
    last_at: Time
    detail: Annotated[str, Field(description="What it means, and what to do")]


class IntegrationHealthOut(Output):
    """Of the newest webhooks, at most 100, of the last day."""

    webhooks: Annotated[int, Field(description="So many were looked at")]
    last_at: Annotated[Time | None, Field(description="Of the newest of them")]
    notices: list[HealthNotice]


_MEANINGS: Final = {
    HealthNoticeCode.SENDER_CLOCK_BEHIND: (
        "Sender's clock behind? It repeats alerts whose end is past and moves on with each repeat. "
        "They fire, and look resolved: none of them opens. Compare the clock of its machine with "
        "this one's, and let both be set by NTP."
    ),
    HealthNoticeCode.SENDER_CLOCK_AHEAD: (
        "Sender's clock ahead? It sends alerts that begin in the future. They count from when they "
        "come, but those that it no longer repeats end late. Let its clock be set by NTP."
    ),
}


async def health_of(
    session: DatabaseSession, caller: Principal, integration_id: UUID, now: datetime
) -> IntegrationHealthOut:
    await owned(session, Integration, caller, integration_id)
    return judge(await newest_webhooks(session, integration_id, now - LOOKS_BACK))


def judge(newest: Sequence[TakenWebhook]) -> IntegrationHealthOut:
    """What there is to say of these webhooks, the newest first."""
    notices = []
    if refused := [each for each in newest if each.status_code >= 400]:
        last = refused[0]
        detail = (
            f"The last was answered {last.status_code}: {last.error_message or 'see the attempt'}. "
            "Most tools do not send again what was refused."
        )
        notices.append(_notice(HealthNoticeCode.REFUSED, refused, detail))
    for code, meaning in _MEANINGS.items():
        if doubtful := [each for each in newest if code in each.flags]:
            notices.append(_notice(code, doubtful, meaning))
    last_at = newest[0].at if newest else None
    return IntegrationHealthOut(webhooks=len(newest), last_at=last_at, notices=notices)


def _notice(code: HealthNoticeCode, those: Sequence[TakenWebhook], detail: str) -> HealthNotice:
    return HealthNotice(code=code, count=len(those), last_at=those[0].at, detail=detail)
