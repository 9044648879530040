"""`tocsin user rules`: by what somebody is paged, and how soon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import span
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, note, print_json, show
from tocsin.cli.kit.people import User, contacts_called, find_user
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table

_LINE = "AFTER=CONTACT"
_ENDS = {None: "as usual", True: "yes", False: "no"}


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
    says_end: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONTACT", help="It also says that what it paged about is over; repeatable."
        ),
    ] = None,
    no_end: Annotated[
        list[str] | None, typer.Option(metavar="CONTACT", help="It does not; repeatable.")
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Drop all: then every contact method at once.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show by what somebody is paged, and how soon; or replace it, for both urgencies at once."""
    from tocsin.cli.calling.choose import open_api

    changes = bool(high or low or clear or says_end or no_end)
    with open_api(workspace, only_reads=not changes) as api:
        found = find_user(api, user)
        methods = api.items(f"/users/{found['id']}/contact-methods", limit=1_000)
        path = f"/users/{found['id']}/notification-rules"
        if changes:
            lines = [_line("high", each, methods) for each in high or ()]
            lines += [_line("low", each, methods) for each in low or ()]
            for wish, contacts in ((True, says_end), (False, no_end)):
                _wish(lines, methods, contacts or (), says_end=wish)
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
    from tocsin.cli.kit.lookup import one_of

    after, separator, contact = text.partition("=")
    if not separator:
        raise Failure(f"--{urgency} {text!r} must read {_LINE}", code=Exit.USAGE)
    seconds = 0 if after.strip() == "0" else int(span(after, f"--{urgency}").total_seconds())
    found = one_of("contact method", contact, contacts_called(methods, contact))
    return {"urgency": urgency, "delay_seconds": seconds, "contact_method_id": found["id"]}


def _wish(
    lines: list[dict[str, Any]], methods: list[Any], contacts: Iterable[str], *, says_end: bool
) -> None:
    """Put into the lines of these contact methods whether they say that it is over.

    Raises:
        Failure: no line names one of them.
    """
    from tocsin.cli.kit.lookup import one_of

    for contact in contacts:
        id = one_of("contact method", contact, contacts_called(methods, contact))["id"]
        named = [line for line in lines if line["contact_method_id"] == id]
        if not named:
            raise Failure(
                f"no line names {contact!r}: say --high or --low AFTER={contact}, too",
                code=Exit.USAGE,
            )
        for line in named:
            line["says_end"] = says_end


def show_rules(rules: list[Any], methods: list[Any]) -> None:
    labels = {each["id"]: each["label"] for each in methods}
    for urgency in ("high", "low"):
        if not any(each["urgency"] == urgency for each in rules):
            note(f"Of {urgency} urgency there is none: every verified contact method at once.")
    if not rules:
        return
    made = table("urgency", "after", "contact method", "says the end")
    for each in rules:
        made.add_row(
            each["urgency"],
            _after(each["delay_seconds"]),
            Text(labels[each["contact_method_id"]]),
            _ENDS[each["says_end"]],
        )
    show(made)


def _after(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
