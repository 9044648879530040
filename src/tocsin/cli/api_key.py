"""`tocsin api-key`: the keys that programs use the API with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.lookup import among
from tocsin.cli.kit.output import (
    Json,
    ago,
    answer,
    is_answered,
    moment,
    print_json,
    print_plain,
    show,
)
from tocsin.cli.kit.people import find_user
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table
from tocsin.model import Role, iso, utc_now

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="Its id or the beginning of that, its name, `last`, or the key."
    ),
]


@app.command()
def create(
    workspace: Workspace = DEFAULT_WORKSPACE,
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.VIEWER,
    name: Annotated[
        str | None, typer.Option(help="What it is for; shown in lists and in the audit log.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Makes it this person's own: by mail address, name or id."),
    ] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=36_500)] = None,
    json: Json = False,
) -> None:
    """Make a key and print it, and nothing else, on standard output. It is never shown again."""
    from tocsin.cli.calling.choose import open_api

    now = utc_now()
    expires_at = None if expires_in_days is None else iso(now + timedelta(days=expires_in_days))
    with open_api(workspace) as api:
        user_id = None if user is None else find_user(api, user)["id"]
        made = api.post(
            "/api-keys",
            {
                "user_id": user_id,
                "name": name or f"{role.value} of {now:%Y-%m-%d %H:%M}",
                "role": role.value,
                "expires_at": expires_at,
            },
        )
    if json:
        print_json(made)
    else:
        print_plain(made["key"])


@app.command("list")
def list_keys(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the keys of a workspace, by what may be shown of them."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        keys = api.items("/api-keys", limit=1_000)
    if is_answered(
        keys, json, "There is no API key yet; `tocsin api-key create --role admin` makes one."
    ):
        return
    made = table("key", "role", "name", "expires", "last used", "id")
    for key in keys:
        made.add_row(
            key["prefix"] + "…",
            key["role"],
            key["name"],
            "never" if key["expires_at"] is None else ago(key["expires_at"]),
            ago(key["last_used_at"]),
            key["id"],
        )
    show(made)


@app.command("show")
def show_one(key: Key, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show one key: whose it is, what it may do, until when, and when it was used."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = _found(api, key)
    if json:
        print_json(found)
        return
    facts = pairs()
    facts.add_row("name", Text(found["name"]))
    facts.add_row("key", f"{found['prefix']}…")
    facts.add_row("role", found["role"])
    facts.add_row("made", moment(found["created_at"]))
    facts.add_row("expires", moment(found["expires_at"]) if found["expires_at"] else "never")
    facts.add_row("last used", ago(found["last_used_at"]))
    facts.add_row("id", found["id"])
    show(facts)


@app.command()
def revoke(key: Key, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Revoke a key: from now on it is dead, on every node."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = _found(api, key)
        api.delete(f"/api-keys/{found['id']}")
    answer(found, json, f"Revoked {found['prefix']}… ({found['name']}).")


def _found(api: ApiClient, key: str) -> Any:
    keys = api.items("/api-keys", limit=1_000)
    return among(
        keys, "API key", key, lambda each: key == each["name"] or key.startswith(each["prefix"])
    )
