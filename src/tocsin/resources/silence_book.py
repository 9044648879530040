"""Silences that the API of another product asks for: made and changed as any other, audit and all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.ingest.inbound.base import SilenceView, SilenceWish
from tocsin.model import Fault
from tocsin.resources import silences
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.rules import MatcherIn
from tocsin.resources.silences import SilenceIn, SilencePatch
from tocsin.store.database import Engine, configuring, reading
from tocsin.store.queries.silences import all_silences


class SilenceBook:
    """Of the whole installation; a caller sees those of its workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self, caller: Principal) -> Sequence[SilenceView]:
        async with reading(self._engine) as session:
            return [
                SilenceView(
                    id=row.id,
                    matchers=row.matchers,
                    starts_at=row.starts_at,
                    ends_at=row.ends_at,
                    author=row.author,
                    comment=row.comment,
                    updated_at=row.updated_at,
                )
                for row in await all_silences(session, caller.workspace_id)
            ]

    async def create(
        self, caller: Principal, wish: SilenceWish, now: datetime
    ) -> UUID | list[Fault]:
        try:
            body = SilenceIn(
                matchers=[MatcherIn.model_validate(each) for each in wish.matchers],
                starts_at=wish.starts_at,
                ends_at=wish.ends_at,
                comment=wish.comment,
                author=wish.author,
            )
            row = silences.make(caller, body, now)
        except InvalidRequest as error:
            return list(error.faults)
        except ValueError:
            return [Fault("/matchers", "invalid", "a name, value, author or comment is too long")]
        async with configuring(self._engine) as session:
            await silences.create(session, caller, row, now)
        return row.id

    async def change(
        self, caller: Principal, silence_id: UUID, wish: SilenceWish, now: datetime
    ) -> list[Fault]:
        try:
            body = SilencePatch(
                starts_at=wish.starts_at, ends_at=wish.ends_at, comment=wish.comment
            )
            async with configuring(self._engine) as session:
                await silences.update(session, caller, silence_id, body, now)
        except InvalidRequest as error:
            return list(error.faults)
        return []

    async def expire(self, caller: Principal, silence_id: UUID, now: datetime) -> None:
        async with configuring(self._engine) as session:
            await silences.expire(session, caller, silence_id, now)
