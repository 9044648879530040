"""The tokens of integrations: listed, added, found in use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError

from tocsin.store.database import DatabaseSession, Engine
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import IntegrationToken


class TokenTaken(Exception):
    """An integration, this or another, has that very token."""


async def page_of_tokens(
    session: DatabaseSession, integration_id: UUID, request: PageRequest
) -> RowPage[IntegrationToken]:
    statement = select(IntegrationToken).where(IntegrationToken.integration_id == integration_id)
    return await fetch_page(
        session, statement, request, key=IntegrationToken.id, list_name="integration-tokens"
    )


async def count_tokens(session: DatabaseSession, integration_id: UUID) -> int:
    statement = select(func.count()).where(IntegrationToken.integration_id == integration_id)
    return (await session.scalar(statement)) or 0


async def add_token(session: DatabaseSession, row: IntegrationToken) -> None:
    """Inserts a token.

    Raises:
        TokenTaken: it is in use.
    """
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if constraint == "uq_integration_tokens_token_hash":
            raise TokenTaken from None
        raise


async def delete_tokens(session: DatabaseSession, integration_id: UUID) -> None:
    """All of an integration that is deleted."""
    await session.execute(
        delete(IntegrationToken).where(IntegrationToken.integration_id == integration_id)
    )


_NOTE_USES = text(
    "UPDATE integration_tokens AS token SET last_used_at = used.at"
    " FROM unnest(cast(:ids AS uuid[]), cast(:times AS timestamptz[])) AS used(id, at)"
    " WHERE token.id = used.id AND (token.last_used_at IS NULL OR token.last_used_at < used.at)"
)


async def note_uses(engine: Engine, used: Mapping[UUID, datetime]) -> None:
    """By id of the token: when it was last used."""
    ids = sorted(used)
    async with engine.begin() as connection:
        await connection.execute(_NOTE_USES, {"ids": ids, "times": [used[id] for id in ids]})
