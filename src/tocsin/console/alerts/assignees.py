"""To whom an alert may be given: those whom a page would reach first, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tocsin.alerts.on_call_book import OnCallBook
from tocsin.console.getting_in.door import Call
from tocsin.oncall.contacts import Unreachable, unreachable

_WHY_NOT: Mapping[Unreachable, str] = {
    Unreachable.NO_CONTACT: "no contact method that is verified and switched on",
    Unreachable.USER_DISABLED: "their account is disabled",
    Unreachable.USER_REMOVED: "no member any more",
}


@dataclass(frozen=True, slots=True)
class Assignee:
    id: UUID
    name: str
    why_not: str = ""
    """Why no page would reach them; empty: one would."""


def read_assignees(call: Call) -> list[Assignee]:
    """The people of the workspace, as this node knows them."""
    directory = call.context.senders.feed.current
    return assignees(directory.on_call.get(call.visitor.workspace_id, OnCallBook()))


def assignees(book: OnCallBook) -> list[Assignee]:
    found: list[Assignee] = []
    for person in book.people.values():
        why_not = unreachable(person)
        found.append(Assignee(person.id, person.name, _WHY_NOT[why_not] if why_not else ""))
    return sorted(found, key=lambda each: (bool(each.why_not), each.name.casefold(), each.id))
