"""`tocsin maintenance`: what is held while something is worked on."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import (
    Breakthrough,
    Matchers,
    condition,
    matchers,
    severity_name,
    whole_minutes,
)
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, ago, complain, is_answered, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table
from tocsin.cli.kit.wrapping import CommandEnd, run_wrapped
from tocsin.cli.rule import show_preview
from tocsin.model import OnEnd, WindowState

app = typer.Typer(
    no_args_is_help=True, help="Hold notifications while something is worked on, then look again."
)

Name = Annotated[str, typer.Argument(metavar="WINDOW", help="The window's name or id, or `last`.")]
Span = Annotated[str, typer.Option("--for", metavar="SPAN", help="30m, 2h, 1d; whole minutes.")]
Comment = Annotated[str, typer.Option("--comment", "-c", help="Why.")]
Days = Annotated[int, typer.Option(min=1, max=90)]

_PATH = "/maintenance-windows"
_KIND = "maintenance window"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read.")],
    match: Matchers = None,
    tenant: Annotated[
        list[str] | None, typer.Option(metavar="TENANT", help="Only of these; once for each.")
    ] = None,
    duration: Span = "2h",
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="2026-03-31T02:00, in --timezone; else now.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Europe/Berlin, say.")] = "UTC",
    repeat: Annotated[
        str | None, typer.Option(metavar="RRULE", help="FREQ=WEEKLY;BYDAY=TU, say (RFC 5545).")
    ] = None,
    but: Annotated[
        list[str] | None,
        typer.Option("--except", metavar="TIME", help="A start that is left out."),
    ] = None,
    breakthrough: Breakthrough = None,
    on_end: Annotated[OnEnd, typer.Option(help="For what is still open.")] = OnEnd.NOTIFY_OPEN,
    comment: Comment = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show when it would hold what.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a window: what matches is held while an occurrence of it lasts."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    if not match and not tenant:
        raise Failure("say which alerts: --match LABEL=VALUE, or --tenant", code=Exit.USAGE)
    body: dict[str, Any] = {
        "name": name,
        "matchers": matchers(match),
        "duration_minutes": whole_minutes(duration, "--for"),
        "starts_at": at,
        "timezone": timezone,
        "rrule": repeat,
        "exdates": but or [],
        "breakthrough_severity": severity_name(breakthrough),
        "on_end": on_end.value,
        "comment": comment,
    }
    with open_api(workspace, only_reads=preview) as api:
        if tenant:
            body["tenant_ids"] = [by_name(api, "/tenants", "tenant", each)["id"] for each in tenant]
        made = api.post(f"{_PATH}/preview" if preview else _PATH, body)
    if json:
        print_json(made)
    elif preview:
        _show_preview(made, days=7)
    else:
        show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))


@app.command("list")
def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    state: Annotated[
        list[WindowState] | None, typer.Option(case_sensitive=False, help="Any of these.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List windows that are, or will be, in force."""
    from tocsin.cli.calling.choose import open_api

    states = [each.value for each in state or []]
    over = None if everything or states else "false"
    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=1_000, is_over=over, state=states)
    if is_answered(found, json, "There is no maintenance."):
        return
    made = table("name", "state", "if", "ends", "next", "id")
    for each in found:
        made.add_row(
            Text(each["name"]),
            each["state"],
            Text(condition(each)),
            "" if each["current"] is None else ago(each["current"]["ends_at"]),
            "" if each["next"] is None else ago(each["next"]["starts_at"]),
            each["id"],
        )
    show(made)


@app.command("show")
def show_one(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show a window, and when it is in force."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, _PATH, _KIND, name)
    if json:
        print_json(found)
        return
    made = pairs()
    for label, said in (
        ("name", found["name"]),
        ("id", found["id"]),
        ("state", found["state"]),
        ("if", condition(found)),
        ("starts", f"{found['starts_at']} {found['timezone']}"),
        ("lasts", f"{found['duration_minutes']} min"),
        ("repeats", found["rrule"] or "no"),
        ("except", ", ".join(found["exdates"])),
        ("ends", found["current"] and found["current"]["ends_at"]),
        ("next", found["next"] and found["next"]["starts_at"]),
        ("breakthrough", found["breakthrough_severity"]),
        ("at its end", found["on_end"]),
        ("author", found["author"]),
        ("comment", found["comment"]),
    ):
        if said:
            made.add_row(label, Text(said))
    show(made)


@app.command()
def preview(
    name: Name, days: Days = 7, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Show when a window holds what, and what it would have held."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, _PATH, _KIND, name)
        result = api.get(f"{_PATH}/{found['id']}/preview", days=days)
    if json:
        print_json(result)
    else:
        _show_preview(result, days)


@app.command()
def end(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """End what lasts now: what is still open notifies from now on."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        found = by_name(api, _PATH, _KIND, name)
        ended = api.post(f"{_PATH}/{found['id']}/end")
    if json:
        print_json(ended)
        return
    note(
        f"{found['name']} did not last, and stays as it is."
        if found["current"] is None
        else f"{found['name']} has ended."
    )


@app.command()
def extend(
    name: Name,
    duration: Annotated[
        str, typer.Option("--for", metavar="SPAN", help="So much longer: 20m, 2h; whole minutes.")
    ],
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Let a window that lasts now last longer; nothing is sent in between."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    minutes = whole_minutes(duration, "--for")
    with open_api(workspace) as api:
        found = by_name(api, _PATH, _KIND, name)
        if found["current"] is None:
            raise Failure(f"{found['name']} does not last now (it is {found['state']})")
        if found["rrule"] is not None:
            raise Failure(
                f"{found['name']} repeats, and all its occurrences would last longer; "
                "make another window that begins now: tocsin maintenance create",
                code=Exit.USAGE,
            )
        body = {"duration_minutes": found["duration_minutes"] + minutes}
        changed = api.patch(f"{_PATH}/{found['id']}", body)
    if json:
        print_json(changed)
        return
    note(f"{found['name']} lasts until {changed['current']['ends_at']}.")


@app.command()
def start(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="What to run.")],
    match: Matchers = None,
    duration: Span = "20m",
    breakthrough: Breakthrough = None,
    name: Annotated[str | None, typer.Option(help="What people read; else the command.")] = None,
    comment: Comment = "",
    workspace: Workspace = DEFAULT_WORKSPACE,
) -> None:
    """Hold what matches while a command runs, for --for at most; exits as the command does."""
    from tocsin.cli.calling.choose import open_api

    if not match:
        raise Failure("say which alerts: --match LABEL=VALUE", code=Exit.USAGE)
    body = {
        "name": name or _printable(" ".join(command))[:200],
        "matchers": matchers(match),
        "duration_minutes": whole_minutes(duration, "--for"),
        "breakthrough_severity": severity_name(breakthrough),
        "comment": comment,
    }
    with open_api(workspace) as api:
        made = api.post(_PATH, body)

    def over(_: CommandEnd) -> None:
        try:
            with open_api(workspace) as api:
                api.post(f"{_PATH}/{made['id']}/end")
        except Failure as failure:
            complain([*failure.lines, "the maintenance ends by itself when its time is up"])

    run_wrapped(command, over)


named.offer(
    app,
    named.NamedKind(_PATH, _KIND),
    edit="Change a window, by --set, from a file, or in your editor; it is in force at once.",
    delete="Delete a window; what lasts now ends.",
)


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _show_preview(result: Any, days: int) -> None:
    made = table("starts, in UTC", "ends", f"in {result['timezone']}", "to")
    for each in result["occurrences"]:
        times = ("starts_at", "ends_at", "local_starts_at", "local_ends_at")
        made.add_row(*(each[time][:16].replace("T", " ") for time in times))
    show(made)
    note(f"{result['live']['matched']} alerts that are open now match.")
    note(f"{result['within']} past alerts came while it lasted.")
    show_preview(result, days)
