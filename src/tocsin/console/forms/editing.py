"""What is made, changed, switched on and off and deleted by a form: what the pages of every such kind
do alike. A kind says how its form is read and shown, and which module of `resources/` keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.api_keys import Principal
from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.model import Role
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.workspace_rows import OwnedRow

Values = TypeVar("Values")
Body = TypeVar("Body", bound=BaseModel)
Change = TypeVar("Change", bound=BaseModel)
BodyTaken = TypeVar("BodyTaken", contravariant=True)
ChangeTaken = TypeVar("ChangeTaken", contravariant=True)

Document = Mapping[str, Any]
Faults = Mapping[str, str]


class Keeping(Protocol[OwnedRow, BodyTaken, ChangeTaken]):
    """A module of `resources/` that keeps rows of one kind."""

    def make(self, caller: Principal, body: BodyTaken, now: datetime, /) -> OwnedRow: ...

    async def create(
        self, session: DatabaseSession, caller: Principal, row: OwnedRow, now: datetime, /
    ) -> None: ...

    async def update(
        self,
        session: DatabaseSession,
        caller: Principal,
        row_id: UUID,
        body: ChangeTaken,
        now: datetime,
        /,
    ) -> OwnedRow: ...


class Editor(ABC, Generic[OwnedRow, Body, Change, Values]):
    """The pages of a kind. `Values` are what stands in its form, right or wrong."""

    place: ClassVar[str]
    """As the navigation names it, and its addresses begin."""
    called: ClassVar[str]
    all_called: ClassVar[str]
    role: ClassVar[Role] = Role.ADMIN
    edit_at: ClassVar[str] = ""
    """What follows the id in the address of the form."""
    parts: ClassVar[forms.Parts] = {}
    unique: ClassVar[str] = "name"
    """The field that no two of them may have alike."""

    table: type[OwnedRow]
    body: type[Body]
    change: type[Change]
    keeping: Keeping[OwnedRow, Body, Change]

    def routes(self, context: ConsoleContext) -> list[Route]:
        one = f"/{self.place}/{{id:uuid}}"
        both = ["GET", "POST"]
        return [
            Route(f"/{self.place}/new", opened(context, self._new, role=self.role), methods=both),
            Route(one + self.edit_at, opened(context, self._edit, role=self.role), methods=both),
            Route(f"{one}/change", opened(context, self._act, role=self.role), methods=["POST"]),
        ]

    # How its form is read and shown.

    @abstractmethod
    async def usual(self, call: Call) -> Values:
        """What a new one begins with."""

    @abstractmethod
    async def stored(self, call: Call, row: OwnedRow) -> Values:
        """What stands in the form of one that is there."""

    @abstractmethod
    async def entered(self, call: Call) -> Values:
        """What was sent."""

    @abstractmethod
    def document(
        self, call: Call, values: Values, row: OwnedRow | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """As the API has it, to make one or to change `row`; and what cannot be read, by field."""

    @abstractmethod
    async def shown(
        self, call: Call, values: Values, faults: Faults, row: OwnedRow | None
    ) -> Response:
        """The form."""

    def rearranged(self, call: Call, values: Values, act: str) -> Values | None:
        """The form after a button that only puts parts in, moves them or takes them out; None for any
        other button."""
        return None

    async def tried(
        self,
        call: Call,
        values: Values,
        document: Document,
        faults: Faults,
        row: OwnedRow | None,
    ) -> Response:
        """The form after the button that saves nothing. What is still to be filled in is no fault."""
        return await self.shown(call, values, faults, row)

    # Where one is afterwards, and what is said there.

    def after(self, row_id: UUID) -> str:
        return f"/{self.place}"

    @abstractmethod
    def said_when_made(self, row: OwnedRow) -> str: ...

    @abstractmethod
    def said_when_saved(self, row: OwnedRow) -> str: ...

    @abstractmethod
    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        """Does what a button of the list asks for; what is said then. None if it asks for nothing."""

    # What is alike.

    async def _new(self, call: Call) -> Response:
        if not call.may(self.role):
            return go(f"/{self.place}")
        if call.request.method == "GET":
            return await self.shown(call, await self.usual(call), {}, None)
        return await self._answer(call, None)

    async def _edit(self, call: Call) -> Response:
        row_id: UUID = call.request.path_params["id"]
        async with call.context.reading() as session:
            row = await workspace_rows.find(session, self.table, call.visitor.workspace_id, row_id)
        if row is None:
            return absent(call, self.called, (f"/{self.place}", self.all_called))
        if call.request.method == "GET":
            return await self.shown(call, await self.stored(call, row), {}, row)
        return await self._answer(call, row)

    async def _answer(self, call: Call, row: OwnedRow | None) -> Response:
        act = (await call.form()).get("act", "")
        values = await self.entered(call)
        if (other := self.rearranged(call, values, act)) is not None:
            return await self.shown(call, other, {}, row)
        document, faults = self.document(call, values, row)
        if act == "try":
            return await self.tried(call, values, document, faults, row)
        if row is None:
            made, found = await self._make(call, document, faults)
        else:
            made, found = await self._change(call, row.id, document, faults)
        if made is None:
            return await self.shown(call, values, found, row)
        said = self.said_when_made(made) if row is None else self.said_when_saved(made)
        return go(self.after(made.id), said)

    async def _make(
        self, call: Call, document: Document, faults: Faults
    ) -> tuple[OwnedRow | None, Faults]:
        entered = forms.read(self.body, document, self.parts)
        if faults or entered.body is None:
            return None, {**entered.faults, **faults}
        saved = await forms.save(self._create(call, entered.body), self.parts, unique=self.unique)
        return saved.made, saved.faults

    async def _change(
        self, call: Call, row_id: UUID, document: Document, faults: Faults
    ) -> tuple[OwnedRow | None, Faults]:
        entered = forms.read(self.change, document, self.parts)
        if faults or entered.body is None:
            return None, {**entered.faults, **faults}
        saved = await forms.save(
            self._update(call, row_id, entered.body), self.parts, unique=self.unique
        )
        return saved.made, saved.faults

    async def _create(self, call: Call, body: Body) -> OwnedRow:
        caller = call.visitor.principal
        row = self.keeping.make(caller, body, call.now)
        async with call.context.configuring() as session:
            await self.keeping.create(session, caller, row, call.now)
        return row

    async def _update(self, call: Call, row_id: UUID, body: Change) -> OwnedRow:
        async with call.context.configuring() as session:
            return await self.keeping.update(
                session, call.visitor.principal, row_id, body, call.now
            )

    async def drafted(self, call: Call, document: Document) -> forms.Saved[OwnedRow]:
        """As it would be if it were made; nothing is stored."""
        entered = forms.read(self.body, document, self.parts)
        if entered.body is None:
            return forms.Saved(None, entered.faults)
        return await forms.save(self._draft(call, entered.body), self.parts)

    async def _draft(self, call: Call, body: Body) -> OwnedRow:
        return self.keeping.make(call.visitor.principal, body, call.now)

    async def _act(self, call: Call) -> Response:
        row_id: UUID = call.request.path_params["id"]
        act = (await call.form()).get("act", "")
        done = await forms.save(self._done(call, row_id, act))
        if done.made is None:
            return go(self.after(row_id), forms.first(done.faults))
        return go(f"/{self.place}", done.made)

    async def _done(self, call: Call, row_id: UUID, act: str) -> str:
        async with call.context.configuring() as session:
            return await self.act(session, call, row_id, act) or ""

    async def switched(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> None:
        """On or off, as the button says."""
        body = self.change.model_validate({"is_enabled": act == "enable"})
        await self.keeping.update(session, call.visitor.principal, row_id, body, call.now)
