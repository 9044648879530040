"""`tocsin escalate`, `tocsin assign`, `tocsin page`: who is paged for an alert."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import AlertId
from tocsin.cli.kit.output import Json, moment, note, print_json, show, status_text
from tocsin.cli.kit.people import User
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs

_Said = Annotated[str | None, typer.Option("--note", help="Shown in the page.")]


def escalate(
    alert_id: AlertId,
    step: Annotated[
        int | None, typer.Option("--from-step", help="Only if it is at this step still.")
    ] = None,
    look: Annotated[
        bool, typer.Option("--show", help="Only show where it stands, and who comes next.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Take the next step of an alert's escalation policy now."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import alert_id as found_id

    with open_api(workspace, only_reads=look) as api:
        identifier = found_id(api, alert_id)
        if not look:
            body = {} if step is None else {"from_step": step}
            api.post(f"/alerts/{identifier}/escalate", body or None)
        found = api.get(f"/alerts/{identifier}/escalation")
    if json:
        print_json(found)
    else:
        _show(found)


def assign(
    alert_id: AlertId,
    user: User,
    said: _Said = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Assign an alert to somebody, and page them."""
    _ask(alert_id, [user], said, workspace, json, assigns=True)


def page(
    user: Annotated[
        list[str], typer.Argument(metavar="USER...", help="Mail addresses, names or ids.")
    ],
    alert_id: Annotated[str, typer.Option("--alert", help="The alert that they are to look at.")],
    said: _Said = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Page people to help with an alert, also if somebody has acknowledged it."""
    _ask(alert_id, user, said, workspace, json, assigns=False)


def _ask(
    alert_id: str, users: list[str], said: str | None, workspace: str, json: bool, *, assigns: bool
) -> None:
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import alert_id as found_id
    from tocsin.cli.kit.people import user_id

    body: dict[str, Any] = {"note": said} if said else {}
    with open_api(workspace) as api:
        identifier = found_id(api, alert_id)
        ids = [user_id(api, user) for user in users]
        what = {"user_id": ids[0]} if assigns else {"user_ids": ids}
        action = "assign" if assigns else "responders"
        found = api.post(f"/alerts/{identifier}/{action}", {**body, **what})
    if json:
        print_json(found)
    else:
        show(Text.assemble(status_text(found["status"]), f"  {found['title']}"))


def _show(found: Any) -> None:
    if not found["escalations"]:
        note("No escalation policy has been asked for this alert.")
        return
    for each in found["escalations"][:1]:
        facts = pairs()
        facts.add_row("policy", Text(each["policy"]["name"]))
        state = each["state"] + (f" ({each['reason']})" if each["reason"] else "")
        facts.add_row("state", Text(state))
        facts.add_row("step", str(each["step"]))
        coming = each["next"]
        if coming is not None:
            when = moment(coming["at"]) if coming["at"] else "when the hold is over"
            names = [one["name"] for step in coming["steps"] for one in step.get("reached", ())]
            facts.add_row(
                "next", Text(f"{when}: {', '.join(names) or 'nobody; then the fallback'}")
            )
        show(facts)
