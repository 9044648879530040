"""`tocsin user rules`: by what somebody is paged, and how soon."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.arguments import span
from tocsin.cli.exits import Exit, Failure
from tocsin.cli.output import Json, note, print_json, show, table
from tocsin.cli.people import User, contacts_called, find_user
from tocsin.cli.runtime import DEFAULT_WORKSPACE, Workspace

_LINE = "AFTER=CONTACT"


def rules(
    user: User,
    high: Annotated[
        list[str] | None,
        typer.Option(
            metavar=_LINE,
            help="For CRITICAL and HIGH: such as 0=phone or 5m=mail; repeatable.",
        ),
    ] = None,
    low: Annotated[
        list[str] | None, typer.Option(metavar=_LINE, help="For MEDIUM and below; repeatable.")
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Drop all: then every contact method at once.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show by what somebody is paged, and how soon; or say it anew, for both urgencies at once."""
    from tocsin.cli.calling.choose import open_api

    changes = bool(high or low or clear)
    with open_api(workspace, only_reads=not changes) as api:
        found = find_user(api, user)
        methods = api.items(f"/users/{found['id']}/contact-methods", limit=1_000)
        path = f"/users/{found['id']}/notification-rules"
        if changes:
            lines = [_line("high", each, methods) for each in high or ()]
            lines += [_line("low", each, methods) for each in low or ()]
            kept = api.put(path, lines)["items"]
        else:
            kept = api.get(path)["items"]
    if json:
        print_json(kept)
    else:
        show_rules(kept, methods)


def _line(urgency: str, text: str, methods: list[Any]) -> dict[str, Any]:
    """`5m=mail` as the API has it.

    Raises:
        Failure: it is not of that form, or there is no such contact method.
    """
    from tocsin.cli.lookup import one_of

    after, separator, contact = text.partition("=")
    if not separator:
        raise Failure(f"--{urgency} {text!r} must read {_LINE}", code=Exit.USAGE)
    seconds = 0 if after.strip() == "0" else int(span(after, f"--{urgency}").total_seconds())
    found = one_of("contact method", contact, contacts_called(methods, contact))
    return {"urgency": urgency, "delay_seconds": seconds, "contact_method_id": found["id"]}


def show_rules(rules: list[Any], methods: list[Any]) -> None:
    labels = {each["id"]: each["label"] for each in methods}
    for urgency in ("high", "low"):
        if not any(each["urgency"] == urgency for each in rules):
            note(f"Of {urgency} urgency there is none: every verified contact method at once.")
    if not rules:
        return
    made = table("urgency", "after", "contact method")
    for each in rules:
        made.add_row(
            each["urgency"], _after(each["delay_seconds"]), Text(labels[each["contact_method_id"]])
        )
    show(made)


def _after(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
