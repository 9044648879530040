"""`tocsin user contact`: how people are reached, and the proof that they are."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import assignments, read_json
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, answer, is_answered, note, print_json, show
from tocsin.cli.kit.people import Contact, User, find_contact, find_user
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.kit.trials import Wait, last_test, run_test, say_test

app = typer.Typer(
    no_args_is_help=True, help="Add, verify, test, list and delete how people are reached."
)


@app.command()
def add(
    user: User,
    type: Annotated[
        str, typer.Option("--type", "-t", help="Such as email: docs/channels has all.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="NAME=VALUE",
            help="Such as recipients=ana@example.org; docs/channels says what each type has.",
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The whole config as JSON; - is standard input."),
    ] = None,
    label: Annotated[str | None, typer.Option(help="What to call it, such as work-phone.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Add a contact method, and send a code to it. It is not paged until the code is entered."""
    from tocsin.cli.calling.choose import open_api

    document = read_json(config) if config is not None else {}
    if not isinstance(document, dict):
        raise Failure(f"{config} must hold a JSON object", code=Exit.USAGE)
    body: dict[str, Any] = {"type": type, "config": document | assignments(settings)}
    if label is not None:
        body["label"] = label
    with open_api(workspace) as api:
        found = find_user(api, user)
        made = api.post(f"/users/{found['id']}/contact-methods", body)
    if json:
        print_json(made)
        return
    show(Text.assemble("Added ", (made["label"], "bold"), f"  {made['id']}"))
    note(f"A code was sent to it: tocsin user contact verify {user} {made['id']} CODE")


@app.command("list")
def list_all(user: User, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List how somebody is reached. Addresses are masked: only their owner sees them."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = find_user(api, user)
        methods = api.items(f"/users/{found['id']}/contact-methods", limit=1_000)
    if not is_answered(methods, json, f"Nothing reaches {found['name']} yet."):
        show_methods(methods)


def show_methods(methods: list[Any]) -> None:
    if not methods:
        note("None: no page reaches them.")
        return
    made = table("label", "type", "verified", "last message", "id")
    for each in methods:
        verified = "yes" if each["verified_at"] else Text("no", style="bold red")
        if not each["is_enabled"]:
            verified = Text("switched off", style="yellow")
        made.add_row(
            Text(each["label"]), each["type"], verified, last_test(each["last_test"]), each["id"]
        )
    show(made)


@app.command()
def code(
    user: User, contact: Contact, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Send a new code; the one before is worth nothing from now on. One a minute."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = find_contact(api, find_user(api, user), contact)
        sent = api.post(f"/contact-methods/{found['id']}/code")
    if json:
        print_json(sent)
    else:
        note(f"A new code was sent to {found['label']}.")


@app.command()
def verify(
    user: User,
    contact: Contact,
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="The six digits that were sent to it.")
    ],
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Enter the code that was sent to a contact method; from now on it is paged."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = find_contact(api, find_user(api, user), contact)
        verified = api.post(f"/contact-methods/{found['id']}/verify", {"code": code})
    if json:
        print_json(verified)
    else:
        note(f"{found['label']} is verified.")


@app.command("test")
def send_test(
    user: User,
    contact: Contact,
    wait: Wait = 15.0,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Send a test message the way a page is sent.

    Exit code 0 if it was sent, 1 if it failed, 4 if nobody has sent it yet.
    """
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        path = f"/contact-methods/{find_contact(api, find_user(api, user), contact)['id']}"
        result = run_test(api, path, wait)
    say_test(result, json=json)


@app.command()
def enable(
    user: User, contact: Contact, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Switch a contact method on."""
    _switch(user, contact, workspace, json, is_enabled=True)


@app.command()
def disable(
    user: User, contact: Contact, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Switch a contact method off: it is not paged, and what is pending for it is canceled."""
    _switch(user, contact, workspace, json, is_enabled=False)


def _switch(user: str, contact: str, workspace: str, json: bool, *, is_enabled: bool) -> None:
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = find_contact(api, find_user(api, user), contact)
        changed = api.patch(f"/contact-methods/{found['id']}", {"is_enabled": is_enabled})
    answer(changed, json, f"{found['label']} is switched {'on' if is_enabled else 'off'}.")


@app.command()
def delete(
    user: User, contact: Contact, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Delete a contact method, with the notification rules that name it."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = find_contact(api, find_user(api, user), contact)
        api.delete(f"/contact-methods/{found['id']}")
    answer(found, json, f"Deleted {found['label']}.")
