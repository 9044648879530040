"""`tocsin user`: who is a member of a workspace, and may be paged."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli import user_contact, user_rules
from tocsin.cli.kit.arguments import read_text
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import (
    Json,
    answer,
    is_answered,
    moment,
    note,
    print_json,
    print_plain,
    section,
    show,
)
from tocsin.cli.kit.people import User, find_user, notices_words, quiet_time, reached
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table
from tocsin.model import Role

app = typer.Typer(no_args_is_help=True, help="Make, invite, list and change people.")
app.add_typer(user_contact.app, name="contact")
app.command("rules")(user_rules.rules)

_PATH = "/users"

PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read a password from standard input; on the server only."
    ),
]


@app.command()
def create(
    email: Annotated[str, typer.Option(help="One address is one person.")],
    name: Annotated[str | None, typer.Option(help="Left out: what stands before the @.")] = None,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.RESPONDER,
    timezone: Annotated[str, typer.Option(help="Such as Europe/Vienna.")] = "UTC",
    password_stdin: PasswordStdin = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a person. Without a password they cannot sign in, but they can be paged."""
    from tocsin.cli.calling.choose import open_api

    document: dict[str, Any] = {
        "email": email,
        "name": name or email.partition("@")[0],
        "role": role.value,
        "timezone": timezone,
    }
    if password_stdin:
        document["password"] = _password()
    with open_api(workspace) as api:
        made = api.post(_PATH, document)
    if json:
        print_json(made)
        return
    show(Text.assemble("Made ", (made["name"], "bold"), f"  {made['id']}"))
    note(f"How they are reached: tocsin user contact add {made['email']} --type email --set …")


@app.command()
def invite(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Who is invited.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.RESPONDER,
    days: Annotated[int, typer.Option(min=1, max=30, help="How long the link is good for.")] = 7,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a link with which somebody joins, once, and chooses their own password; pass it on."""
    from tocsin.cli.calling.choose import open_api

    document = {"email": email, "role": role.value, "expires_in_days": days}
    with open_api(workspace) as api:
        made = api.post("/invitations", document)
    if json:
        print_json(made)
        return
    print_plain(made["url"])
    note(f"It is good until {moment(made['expires_at'])}, and not shown again.")


@app.command("sign-in-link")
def sign_in_link(
    user: Annotated[
        str | None,
        typer.Argument(
            metavar="USER", help="Who is signed in; left out: the first account is made with it."
        ),
    ] = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="They choose a new password with it.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a link that signs somebody in once, within a day; on the server only."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        user_id = None if user is None else find_user(api, user)["id"]
        made = api.post("/sign-in-links", {"user_id": user_id, "new_password": new_password})
    if json:
        print_json(made)
    else:
        print_plain(made["url"])


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the people of a workspace, and whether a page would reach them."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=10_000)
    if is_answered(
        found, json, "There is nobody yet; `tocsin user create --email …` makes somebody."
    ):
        return
    made = table("name", "email", "role", "timezone", "reached", "id")
    for each in found:
        made.add_row(
            Text(each["name"]),
            each["email"],
            each["role"],
            each["timezone"],
            reached(each),
            each["id"],
        )
    show(made)


@app.command("show")
def show_one(user: User, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show a person, how they are reached, and when by what."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = find_user(api, user)
        methods = api.items(f"{_PATH}/{found['id']}/contact-methods", limit=1_000)
        rules = api.get(f"{_PATH}/{found['id']}/notification-rules")["items"]
    if json:
        print_json(found | {"contact_methods": methods, "notification_rules": rules})
        return
    grid = pairs()
    for name in ("name", "email", "role", "timezone", "id"):
        grid.add_row(name, Text(found[name]))
    grid.add_row("reached", reached(found))
    quiet = [quiet_time(each, found["timezone"]) for each in found["quiet_hours"] or ()]
    grid.add_row("quiet hours", "; ".join(quiet) or "none")
    grid.add_row("shift notices", notices_words(found["shift_notices"]))
    show(grid)
    show(section("Contact methods"))
    user_contact.show_methods(methods)
    show(section("Notification rules"))
    user_rules.show_rules(rules, methods)


@app.command()
def edit(
    user: User,
    email: Annotated[str | None, typer.Option()] = None,
    name: Annotated[str | None, typer.Option()] = None,
    role: Annotated[Role | None, typer.Option(help="What they may do.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Such as Europe/Vienna.")] = None,
    quiet: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WINDOW",
            help="When pages of low urgency wait: `22:00-07:00`, `sat,sun 00:00-09:00 Europe/Vienna`; "
            "repeatable, `none`: never.",
        ),
    ] = None,
    shift_notices: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHEN",
            help="Notify them of their shifts: `1d`, `60m` or `0` before each begins, `end` when it has "
            "ended; repeatable, `none`: never.",
        ),
    ] = None,
    password_stdin: PasswordStdin = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Change a person."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.people import quiet_times, wanted_notices

    given = {"email": email, "name": name, "timezone": timezone, "role": role and role.value}
    document: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if quiet:
        document["quiet_hours"] = quiet_times(quiet)
    if shift_notices:
        document["shift_notices"] = wanted_notices(shift_notices)
    if password_stdin:
        document["password"] = _password()
    if not document:
        raise Failure("say what to change; --help lists it", code=Exit.USAGE)
    with open_api(workspace) as api:
        found = find_user(api, user)
        changed = api.patch(f"{_PATH}/{found['id']}", document)
    if json:
        print_json(changed)
    else:
        note(f"Changed {changed['name']}.")


@app.command()
def enable(user: User, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Let somebody in again, and page them."""
    _switch(user, workspace, json, is_active=True)


@app.command()
def disable(user: User, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Page somebody no more, and let them in no more; what is pending for them is canceled."""
    _switch(user, workspace, json, is_active=False)


def _switch(user: str, workspace: str, json: bool, *, is_active: bool) -> None:
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = find_user(api, user)
        changed = api.patch(f"{_PATH}/{found['id']}", {"is_active": is_active})
    answer(changed, json, f"{found['name']} is {'active' if is_active else 'disabled'}.")


@app.command()
def delete(user: User, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Take somebody out of the workspace, with their contact methods and API keys in it."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = find_user(api, user)
        api.delete(f"{_PATH}/{found['id']}")
    answer(found, json, f"{found['name']} is no member any more.")


def _password() -> str:
    return read_text("-").rstrip("\r\n")
