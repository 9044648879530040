"""What the console is given to work with by the composition root; nothing here is global."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tocsin.access.contact_codes import ContactCodes
from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.console.overview.duty_health import DutyKept
from tocsin.console.overview.hours import HoursKept
from tocsin.console.overview.severity_counts import SeverityCounts
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.senders import Senders
from tocsin.resources.openid_provider import OpenIdClient
from tocsin.settings import Settings
from tocsin.store import database
from tocsin.store.database import DatabaseSession, Engine


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    engine: Engine
    vault: Vault
    codes: ContactCodes
    settings: Settings
    senders: Senders
    lanes: Lanes
    actions: Actions
    openid: OpenIdClient | None = None
    """Where people may sign in besides here."""
    hours: HoursKept = field(default_factory=HoursKept)
    severities: SeverityCounts = field(default_factory=SeverityCounts)
    duty: DutyKept = field(default_factory=DutyKept)

    def reading(self) -> AbstractAsyncContextManager[DatabaseSession]:
        return database.reading(self.engine)

    def writing(self) -> AbstractAsyncContextManager[DatabaseSession]:
        return database.writing(self.engine)

    def configuring(self) -> AbstractAsyncContextManager[DatabaseSession]:
        return database.configuring(self.engine)
