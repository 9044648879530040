"""`tocsin api-key`: the keys that programs use the API with."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from tocsin.cli.kit.output import Json, ago, is_answered, note, print_json, print_plain, show, table
from tocsin.cli.kit.people import find_user
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.model import Role, iso, utc_now

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")


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


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The id of the key, or the beginning of the key.")],
    workspace: Workspace = DEFAULT_WORKSPACE,
) -> None:
    """Revoke a key: from now on it is dead, on every node."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_of

    with open_api(workspace) as api:
        keys = api.items("/api-keys", limit=1_000)
        found = one_of(
            "API key",
            key,
            [each for each in keys if key == each["id"] or key.startswith(each["prefix"])],
        )
        api.delete(f"/api-keys/{found['id']}")
    note(f"Revoked {found['prefix']}… ({found['name']}).")
