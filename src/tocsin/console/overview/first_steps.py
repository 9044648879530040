"""The way to the first message, for whoever sets a workspace up: what is done, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.console.getting_in.door import Call
from tocsin.model import Role
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.first_steps import SetUpSoFar, set_up_so_far


@dataclass(frozen=True, slots=True)
class FirstStep:
    words: str
    hint: str
    address: str
    icon: str
    is_done: bool


async def read_first_steps(session: DatabaseSession, call: Call) -> list[FirstStep]:
    """None for who may not take them, or once all are taken."""
    if not call.may(Role.ADMIN):
        return []
    steps = first_steps(await set_up_so_far(session, call.visitor.workspace_id))
    return [] if all(step.is_done for step in steps) else steps


async def next_step(session: DatabaseSession, call: Call) -> FirstStep | None:
    """The first that is not taken; None if there is none."""
    steps = await read_first_steps(session, call)
    return next((step for step in steps if not step.is_done), None)


def first_steps(so_far: SetUpSoFar) -> list[FirstStep]:
    heard = so_far.alert_id is not None
    if so_far.integration_id is None or heard:
        tool = FirstStep(
            "Add a tool that sends",
            "You get an address, a secret and the steps for this tool.",
            "/integrations/new",
            "plug",
            heard,
        )
    else:
        tool = FirstStep(
            "Send the first webhook",
            "The page of the tool waits for it, and says what is wrong if it does not get through.",
            f"/integrations/{so_far.integration_id}",
            "plug",
            False,
        )
    of_alert = f"?alert={so_far.alert_id}" if heard else ""
    return [
        tool,
        FirstStep(
            "Say where messages go",
            "A chat, a mail address, a phone; a test shows that it works.",
            "/destinations/new",
            "send",
            so_far.has_destination,
        ),
        FirstStep(
            "Add a rule",
            "Which alerts go there. Nothing is sent without one.",
            f"/rules/new{of_alert}",
            "route",
            so_far.has_rule,
        ),
    ]
