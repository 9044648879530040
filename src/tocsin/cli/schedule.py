"""`tocsin schedule`: who is on call when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli import schedule_swap
from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import span
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, answer, is_answered, moment, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table
from tocsin.cli.schedule_words import (
    KIND,
    PATH,
    instant,
    participants,
    restriction,
    rotation,
    show_preview,
    show_shifts,
    user_id,
)

app = typer.Typer(no_args_is_help=True, help="Who is on call: rotations, overrides and swaps.")
app.add_typer(schedule_swap.app, name="swap")

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its name or id, or `last`.")]
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
Preview = Annotated[bool, typer.Option("--preview", help="Only show what it would do.")]
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
    if json:
        print_json(shown if made is None else made)
        return
    if made is not None:
        show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))
    show_preview(shown)


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
            own = _layer(layers, layer, found["timezone"])
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
    if json:
        print_json(shown if made is None else made)
        return
    if made is not None:
        note(f"Changed {made['name']}.")
    show_preview(shown)


def _as_asked(layer: Any) -> dict[str, Any]:
    return {name: value for name, value in layer.items() if name != "version"}


def _layer(layers: list[dict[str, Any]], name: str | None, timezone: str) -> dict[str, Any]:
    """The one that is meant; a new name makes one.

    Raises:
        Failure: there are several, and none is named.
    """
    if name is None and len(layers) != 1:
        names = ", ".join(each["name"] for each in layers) or "none"
        raise Failure(f"say which layer with --layer: {names}", code=Exit.USAGE)
    for each in layers:
        if name in (None, each["name"]):
            return each
    made: dict[str, Any] = {
        "name": name,
        "rotation": rotation("1w", "mon 09:00", None, timezone),
        "participants": [],
        "restrictions": [],
    }
    layers.append(made)
    return made


def _turning(
    before: dict[str, Any], every: str | None, handoff: str | None, timezone: str
) -> dict[str, Any]:
    short = {"hours": "h", "daily": "d", "weekly": "w", "monthly": "mo"}
    length = every or f"{before['length']}{short[before['unit']]}"
    day = before["handoff_day"]
    kept = before["handoff_time"] if day is None or every else f"{day} {before['handoff_time']}"
    return rotation(length, handoff or kept, before["starts_on"], timezone)


@app.command()
def override(
    name: Name,
    user: Annotated[
        str | None, typer.Argument(metavar="[USER]", help="Who is on call instead of everybody.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="2026-12-24T09:00; else now.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Its end.")] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="4h, 1d; instead of --to.")
    ] = None,
    shift: Annotated[
        str | None, typer.Option(metavar="TIME", help="The one shift that lasts then.")
    ] = None,
    instead_of: Annotated[
        str | None, typer.Option(metavar="USER", help="Only where this one is on call.")
    ] = None,
    besides: Annotated[bool, typer.Option("--besides", help="Besides whoever is.")] = False,
    without: Annotated[
        str | None, typer.Option(metavar="USER", help="Takes this one off; without [USER].")
    ] = None,
    layer: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this layer.")] = None,
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why.")] = "",
    preview: Preview = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Change a time by hand: take over, replace, add or remove somebody."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    if (user is None) == (without is None):
        raise Failure("say who: USER who comes, or --without USER who leaves", code=Exit.USAGE)
    with open_api(workspace, only_reads=preview) as api:
        found = by_name(api, PATH, KIND, name)
        zone = found["timezone"]
        body: dict[str, Any] = {"kind": "cover", "comment": comment}
        if user is not None:
            body["substitute_user_id"] = user_id(api, user)
        if besides:
            body["kind"] = "add"
        if instead_of is not None:
            body |= {"kind": "replace", "user_id": user_id(api, instead_of)}
        if without is not None:
            body |= {"kind": "remove", "user_id": user_id(api, without)}
        if layer is not None:
            body["layer_id"] = _layer(found["layers"], layer, zone).get("id")
        for field, text, option in (
            ("starts_at", since, "--from"),
            ("ends_at", until, "--to"),
            ("shift_at", shift, "--shift"),
        ):
            if text is not None:
                body[field] = instant(text, zone, option)
        if duration is not None:
            begin = datetime.fromisoformat(body.get("starts_at") or datetime.now(UTC).isoformat())
            body["ends_at"] = (begin + span(duration, "--for")).isoformat()
        shown = api.post(f"{PATH}/{found['id']}/preview", {"override": body})
        made = None if preview else api.post(f"{PATH}/{found['id']}/overrides", body)
    if json:
        print_json(shown if made is None else made)
        return
    if made is not None:
        note(f"Made override {made['id']}; undo it with tocsin schedule undo.")
    show_preview(shown)


@app.command()
def overrides(
    name: Name,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List what was changed by hand in a schedule."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        schedule = by_name(api, PATH, KIND, name)
        path = f"{PATH}/{schedule['id']}/overrides"
        found = api.items(path, limit=1_000, is_over=None if everything else "false")
        people = {each["id"]: each["name"] for each in api.items("/users", limit=10_000)}
    if is_answered(found, json, "There are no overrides."):
        return
    made = table("kind", "who", "from", "to", "comment", "id")
    for each in found:
        comes, leaves = (people.get(each[field], "") for field in ("substitute_user_id", "user_id"))
        who = f"{comes} for {leaves}" if comes and leaves else comes or leaves
        made.add_row(
            each["kind"],
            Text(who),
            moment(each["starts_at"]),
            moment(each["ends_at"]),
            Text(each["comment"]),
            each["id"],
        )
    show(made)


@app.command()
def undo(
    override_id: Annotated[
        str,
        typer.Argument(metavar="OVERRIDE_ID", help="An id, the beginning of one, or `last`."),
    ],
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Undo an override: one that lasts ends now."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import among

    with open_api(workspace) as api:
        current = [
            each
            for schedule in api.items(PATH, limit=10_000)
            for each in api.items(
                f"{PATH}/{schedule['id']}/overrides", limit=1_000, is_over="false"
            )
        ]
        found = among(current, "override", override_id, lambda each: False)
        api.delete(f"/schedule-overrides/{found['id']}")
    answer(found, json, "Undone.")


@app.command()
def calendar(
    name: Annotated[
        str | None, typer.Argument(metavar="[SCHEDULE]", help="Left out: of all, with --user.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Only this one's shifts.")
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "calendar",
    revoke: Annotated[
        str | None, typer.Option(metavar="FEED_ID", help="Let an address work no more.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make an address for a calendar to subscribe to; alone, list those there are."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=name is None and user is None and revoke is None) as api:
        if revoke is not None:
            api.delete(f"/calendar-feeds/{revoke}")
            note("Its address works no more.")
            return
        if name is None and user is None:
            _list_feeds(api.items("/calendar-feeds", limit=1_000), json)
            return
        body: dict[str, Any] = {"name": label}
        if name is not None:
            body["schedule_id"] = by_name(api, PATH, KIND, name)["id"]
        if user is not None:
            body["user_id"] = user_id(api, user)
        made = api.post("/calendar-feeds", body)
    if json:
        print_json(made)
        return
    show(Text(made["url"]))
    note("Subscribe to it in a calendar. Whoever has it can read it; it is not shown again.")


def _list_feeds(found: list[Any], json: bool) -> None:
    if is_answered(found, json, "There is no calendar feed."):
        return
    made = table("name", "last used", "id")
    for each in found:
        made.add_row(Text(each["name"]), each["last_used_at"] or "never", each["id"])
    show(made)


named.offer(
    app, named.NamedKind(PATH, KIND), delete="Delete a schedule that no escalation policy names."
)
