"""`tocsin integration token`: the further secrets of an integration, one for each sender."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import read_text
from tocsin.cli.kit.output import Json, ago, answer, is_answered, print_json, print_plain, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table

app = typer.Typer(no_args_is_help=True, help="Add, list and revoke the tokens of an integration.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The integration's name or id.")]


@app.command()
def add(
    name: Name,
    label: Annotated[str, typer.Option(help="Which sender has it, such as prometheus-eu-2.")],
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="FILE",
            help="A file with the key that the sender has already, or - for standard input; "
            "else one is made.",
        ),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Add a token and print it, and nothing else, on standard output. It is never shown again."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    document = {"label": label}
    if token is not None:
        document["token"] = read_text(token).strip()
    with open_api(workspace) as api:
        found = by_name(api, "/integrations", "integration", name)
        made = api.post(f"/integrations/{found['id']}/tokens", document)
    if json:
        print_json(made)
    else:
        print_plain(made["token"])


@app.command("list")
def list_tokens(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the tokens of an integration, by what may be shown of them, and when each was last used."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, "/integrations", "integration", name)
        tokens = api.items(f"/integrations/{found['id']}/tokens", limit=1_000)
    if is_answered(
        tokens, json, "It has no token but its secret; `tocsin integration token add` makes one."
    ):
        return
    made = table("token", "label", "last used", "id")
    for each in tokens:
        made.add_row(
            each["prefix"] + "…", Text(each["label"]), ago(each["last_used_at"]), each["id"]
        )
    show(made)


@app.command()
def revoke(
    name: Name,
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN",
            help="Its id or the beginning of that, its label, `last`, or the token.",
        ),
    ],
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Revoke a token: from now on it is dead, on every node."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import among, by_name

    with open_api(workspace) as api:
        integration = by_name(api, "/integrations", "integration", name)
        path = f"/integrations/{integration['id']}/tokens"
        found = among(api.items(path, limit=1_000), "token", token, lambda each: _is(each, token))
        api.delete(f"{path}/{found['id']}")
    answer(found, json, f"Revoked {found['prefix']}… ({found['label']}).")


def _is(token: dict[str, Any], named: str) -> bool:
    return named == token["label"] or (len(named) >= 16 and named.startswith(token["prefix"]))
