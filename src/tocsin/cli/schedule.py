"""`tocsin schedule`: who is on call when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli import schedule_calendar, schedule_override, schedule_swap
from tocsin.cli.kit import named
from tocsin.cli.kit.output import Json, is_answered, note, print_json, show
from tocsin.cli.kit.people import user_id
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table
from tocsin.cli.schedule_words import (
    KIND,
    PATH,
    Name,
    Preview,
    answer_previewed,
    instant,
    layer_of,
    participants,
    restriction,
    rotation,
    show_shifts,
)

app = typer.Typer(no_args_is_help=True, help="Who is on call: rotations, overrides and swaps.")

Users = Annotated[
    list[str] | None,
    typer.Argument(metavar="USER…", help="In order of their turns; ann,ben together; - is nobody."),
]
Every = Annotated[str, typer.Option("--every", metavar="LENGTH", help="1w, 2w, 1d, 12h, 1mo.")]
Handoff = Annotated[
    str, typer.Option("--handoff", metavar="[DAY] TIME", help="mon 09:00, 09:00; monthly 1 09:00.")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="WINDOW", help="mon-fri 09:00-17:00; once for each."),
]
Timezone = Annotated[str, typer.Option(metavar="ZONE", help="Europe/Vienna, say.")]
LayerName = Annotated[str, typer.Option("--layer", metavar="NAME", help="Which layer.")]
_FIRST_LAYER = "Primary"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read.")],
    users: Users = None,
    every: Every = "1w",
    handoff: Handoff = "mon 09:00",
    timezone: Timezone = "UTC",
    only: Only = None,
    starts_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="First turn; else the last hand-over day.")
    ] = None,
    fallback: Annotated[
        str | None, typer.Option(metavar="USER", help="Notified where nobody is on call.")
    ] = None,
    fallback_destination: Annotated[
        str | None, typer.Option(metavar="DESTINATION", help="The same, a destination.")
    ] = None,
    layer: LayerName = _FIRST_LAYER,
    preview: Preview = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a schedule on which people take turns; more layers come with `edit --layer`."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    turning = rotation(every, _fitting(handoff, every), starts_on, timezone)
    with open_api(workspace, only_reads=preview) as api:
        made_layer = {
            "name": layer,
            "rotation": turning,
            "participants": participants(api, users or []),
            "restrictions": [restriction(each) for each in only or []],
        }
        body: dict[str, Any] = {"name": name, "timezone": timezone, "layers": [made_layer]}
        if fallback is not None:
            body["fallback"] = {"user_id": user_id(api, fallback)}
        if fallback_destination is not None:
            found = by_name(api, "/alert-destinations", "destination", fallback_destination)
            body["fallback"] = {"destination_id": found["id"]} | body.get("fallback", {})
        shown = api.post(f"{PATH}/preview", body)
        made = None if preview else api.post(PATH, body)
    answer_previewed(
        shown,
        made,
        lambda made: show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}")),
        json,
    )


def _fitting(handoff: str, every: str) -> str:
    """Without the weekday of the default where the rotation is none of weeks."""
    is_default = handoff == "mon 09:00"
    return "09:00" if is_default and not every.endswith("w") else handoff


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List schedules, and who is on call now."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(PATH, limit=1_000)
        now = {each["schedule_id"]: each for each in api.get("/on-call")["items"]}
    if is_answered(found, json, "There is no schedule yet: tocsin schedule create NAME USER USER"):
        return
    made = table("name", "on call now", "timezone", "layers", "id")
    for each in found:
        people = ", ".join(shift["name"] for shift in now[each["id"]]["on_call"])
        made.add_row(
            Text(each["name"]),
            Text(people) if people else Text("nobody", style="red"),
            each["timezone"],
            Text(", ".join(layer["name"] for layer in each["layers"])),
            each["id"],
        )
    show(made)


@app.command("show")
def show_one(
    name: Name,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="2026-12-24T00:00; else now.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="How many.")] = 14,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show a schedule, and its shifts of the next days as a calendar."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, PATH, KIND, name)
        begin = datetime.now(UTC).replace(microsecond=0).isoformat()
        if since is not None:
            begin = instant(since, found["timezone"], "--from")
        end = datetime.fromisoformat(begin) + timedelta(days=days)
        query = {"from": begin, "to": end.isoformat()}
        shifts = api.get(f"{PATH}/{found['id']}/shifts", **query)
        overrides = api.get(f"{PATH}/{found['id']}/overrides", is_over="false")["items"]
    if json:
        print_json({"schedule": found, **shifts, "overrides": overrides})
        return
    made = pairs()
    made.add_row("name", Text(found["name"]))
    made.add_row("id", found["id"])
    made.add_row("timezone", found["timezone"])
    for layer in found["layers"]:
        turning = layer["rotation"]
        day = "" if turning["handoff_day"] is None else f"{turning['handoff_day']} "
        unit = (
            turning["unit"] if turning["length"] == 1 else f"{turning['length']} {turning['unit']}"
        )
        text = f"{layer['name']}: {unit}, hand-over {day}{turning['handoff_time']}"
        made.add_row("layer", Text(text))
    if overrides:
        made.add_row("overrides", f"{len(overrides)}, see tocsin schedule overrides")
    show(made)
    show_shifts(shifts)


@app.command()
def edit(
    name: Name,
    users: Users = None,
    every: Annotated[str | None, typer.Option(metavar="LENGTH", help="1w, 2w, 1d, 12h.")] = None,
    handoff: Annotated[
        str | None, typer.Option(metavar="[DAY] TIME", help="mon 09:00, say.")
    ] = None,
    only: Only = None,
    always: Annotated[bool, typer.Option("--always", help="Without any --only.")] = False,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which layer; a new name adds one on top.")
    ] = None,
    remove_layer: Annotated[bool, typer.Option("--remove-layer", help="Remove --layer.")] = False,
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="Its new name.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Another zone.")] = None,
    at_handoff: Annotated[
        bool, typer.Option("--at-handoff", help="Only when the shifts that last are over.")
    ] = False,
    start_over: Annotated[
        bool, typer.Option("--start-over", help="Begin with the first; else who is on call stays.")
    ] = False,
    preview: Preview = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Change a schedule from now on: people of a layer, hand-over, zone. The past stays."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=preview) as api:
        found = by_name(api, PATH, KIND, name)
        body: dict[str, Any] = {
            "effective": "next_handoff" if at_handoff else "now",
            "keep_on_call": not start_over,
        }
        if rename is not None:
            body["name"] = rename
        if timezone is not None:
            body["timezone"] = timezone
        if users or every or handoff or only or always or layer:
            layers = [_as_asked(each) for each in found["layers"]]
            own = layer_of(layers, layer, found["timezone"])
            if remove_layer:
                layers.remove(own)
            if every or handoff:
                own["rotation"] |= _turning(own["rotation"], every, handoff, found["timezone"])
            if users:
                own["participants"] = participants(api, users)
            if only or always:
                own["restrictions"] = [restriction(each) for each in only or []]
            body["layers"] = layers
        shown = api.post(f"{PATH}/{found['id']}/preview", {"change": body})
        made = None if preview else api.patch(f"{PATH}/{found['id']}", body)
    answer_previewed(shown, made, lambda made: note(f"Changed {made['name']}."), json)


def _as_asked(layer: Any) -> dict[str, Any]:
    return {name: value for name, value in layer.items() if name != "version"}


def _turning(
    before: dict[str, Any], every: str | None, handoff: str | None, timezone: str
) -> dict[str, Any]:
    short = {"hours": "h", "daily": "d", "weekly": "w", "monthly": "mo"}
    length = every or f"{before['length']}{short[before['unit']]}"
    day = before["handoff_day"]
    kept = before["handoff_time"] if day is None or every else f"{day} {before['handoff_time']}"
    return rotation(length, handoff or kept, before["starts_on"], timezone)


app.command("override")(schedule_override.override)
app.command("overrides")(schedule_override.overrides)
app.command("undo")(schedule_override.undo)
app.command("calendar")(schedule_calendar.calendar)
app.add_typer(schedule_swap.app, name="swap")
named.offer(
    app, named.NamedKind(PATH, KIND), delete="Delete a schedule that no escalation policy names."
)
