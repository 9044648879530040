"""What the API is given to work with by the composition root; nothing here is global."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.types import Scope

from tocsin.access.contact_codes import ContactCodes
from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.api.preview_turns import PreviewTurns
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.senders import Senders
from tocsin.settings import Settings
from tocsin.store import database
from tocsin.store.database import DatabaseSession, Engine

CONTEXT: Final = "tocsin.context"
"""Where a request has it: a server makes the scope, and puts nothing of the request's there."""


@dataclass(frozen=True)
class ApiContext:
    engine: Engine
    vault: Vault
    settings: Settings
    senders: Senders
    lanes: Lanes
    actions: Actions
    codes: ContactCodes
    previews: PreviewTurns = field(default_factory=PreviewTurns)

    def reading(self) -> AbstractAsyncContextManager[DatabaseSession]:
        return database.reading(self.engine)

    def writing(self) -> AbstractAsyncContextManager[DatabaseSession]:
        return database.writing(self.engine)

    def configuring(self) -> AbstractAsyncContextManager[DatabaseSession]:
        return database.configuring(self.engine)


def context_of(scope: Scope) -> ApiContext:
    context: ApiContext = scope[CONTEXT]
    return context


async def _context(request: Request) -> ApiContext:
    return context_of(request.scope)


Context = Annotated[ApiContext, Depends(_context)]
