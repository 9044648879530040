"""A page is looked at again at the last moment: whoever is woken for what is over wakes for nothing.

Like outcomes, questions gather while one is on its way, so that a burst of pages costs a few. If the
database does not answer, the page is sent: in doubt, alert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

import structlog

from tocsin.model import AlertStatus, Reason
from tocsin.store.described import described
from tocsin.store.page_standings import OverPage, PageStandings
from tocsin.store.reconnecting import Reconnecting

PATIENCE_SECONDS = 2.0
"""For an answer."""

_REASONS: Mapping[AlertStatus, Reason] = {
    AlertStatus.ACKNOWLEDGED: Reason.ACKNOWLEDGED_BEFORE_SENT,
    AlertStatus.RESOLVED: Reason.RESOLVED_BEFORE_SENT,
    AlertStatus.CLOSED: Reason.RESOLVED_BEFORE_SENT,
}

log = structlog.get_logger(__name__)


class PageLooks:
    """One per dispatcher."""

    def __init__(self, url: str) -> None:
        self._standings = Reconnecting(lambda: PageStandings.open(url), pause_seconds=0)
        self._waiting: dict[UUID, asyncio.Future[Reason | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._standings.close()

    async def over(self, page_id: UUID) -> Reason | None:
        """Why the page is not to be sent any more; None: it is."""
        answer = self._waiting.setdefault(page_id, asyncio.get_running_loop().create_future())
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(), name="page looks")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(answer)
        except TimeoutError:
            return None

    async def _ask_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            over: Mapping[UUID, OverPage] = {}
            try:
                over = await (await self._standings.get()).over(list(asked))
            except Exception as error:
                log.warning("cannot look at pages again, sending them", **described(error))
                await self._standings.close()
            finally:
                for page_id, answer in asked.items():
                    if not answer.done():
                        answer.set_result(_reason(over.get(page_id)))


def _reason(page: OverPage | None) -> Reason | None:
    if page is None:
        return None
    return Reason.SUPERSEDED if page.goes_on else _REASONS[page.status]
