"""`tocsin schedule override`, `overrides`, `undo`: what is changed by hand in a schedule, for a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import span
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, answer, is_answered, moment, note, show
from tocsin.cli.kit.people import user_id
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.schedule_words import KIND, PATH, Name, Preview, answer_previewed, instant, layer_of


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
            body["layer_id"] = layer_of(found["layers"], layer, zone).get("id")
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
    answer_previewed(
        shown,
        made,
        lambda made: note(f"Made override {made['id']}; undo it with tocsin schedule undo."),
        json,
    )


def overrides(
    name: Name,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List what was changed by hand in a schedule."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name, names_by_id

    with open_api(workspace, only_reads=True) as api:
        schedule = by_name(api, PATH, KIND, name)
        path = f"{PATH}/{schedule['id']}/overrides"
        found = api.items(path, limit=1_000, is_over=None if everything else "false")
        people = names_by_id(api, "/users")
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
