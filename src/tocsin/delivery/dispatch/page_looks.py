"""A page is looked at again at the last moment: whoever is woken for what is over wakes for nothing.

If the database does not answer, the page is sent: in doubt, alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tocsin.delivery.dispatch.gathered_questions import GatheredQuestions
from tocsin.model import AlertStatus, Reason
from tocsin.store.page_standings import OverPage, PageStandings

PATIENCE_SECONDS = 2.0
"""For an answer."""

_REASONS: Mapping[AlertStatus, Reason] = {
    AlertStatus.ACKNOWLEDGED: Reason.ACKNOWLEDGED_BEFORE_SENT,
    AlertStatus.RESOLVED: Reason.RESOLVED_BEFORE_SENT,
    AlertStatus.CLOSED: Reason.RESOLVED_BEFORE_SENT,
}


class PageLooks:
    """One per dispatcher."""

    def __init__(self, url: str) -> None:
        self._questions = GatheredQuestions(
            lambda: PageStandings.open(url),
            PageStandings.over,
            patience_seconds=PATIENCE_SECONDS,
            name="page looks",
            unanswered="cannot look at pages again, sending them",
        )

    async def close(self) -> None:
        await self._questions.close()

    async def over(self, page_id: UUID) -> Reason | None:
        """Why the page is not to be sent any more; None: it is."""
        return _reason(await self._questions.answer(page_id))


def _reason(page: OverPage | None) -> Reason | None:
    if page is None:
        return None
    return Reason.SUPERSEDED if page.goes_on else _REASONS[page.status]
