"""`tocsin integration`: the configured senders."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tocsin.cli import integration_token
from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import minutes, read_json, read_text
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, ago, is_answered, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table

app = typer.Typer(no_args_is_help=True, help="Make and list senders, rotate their secrets.")

app.add_typer(integration_token.app, name="token")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The integration's name or id.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as datadog-production.")],
    type: Annotated[str, typer.Option("--type", "-t", help="Which tool sends.")] = "generic",
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret",
            metavar="FILE",
            help="A file with the secret the sender already uses, or - for standard input; "
            "else one is made.",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="For generic: JSON, a JMESPath expression per field."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make an integration and show, this once, what its sender needs."""
    from tocsin.cli.calling.choose import open_api

    document: dict[str, Any] = {"name": name, "type": type}
    if secret is not None:
        document["webhook_secret"] = read_text(secret).strip()
    if mapping is not None:
        document["mapping"] = read_json(mapping)
    with open_api(workspace) as api:
        made = api.post("/integrations", document)
    _show_secret(made, json)


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the integrations of a workspace."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items("/integrations", limit=10_000)
    if is_answered(
        found,
        json,
        "There is no integration yet; `tocsin integration create NAME --type …` makes one.",
    ):
        return
    made = table("name", "type", "active", "id")
    for each in found:
        made.add_row(
            Text(each["name"]),
            each["type"],
            "yes" if each["is_active"] else Text("no", style="yellow"),
            each["id"],
        )
    show(made)


@app.command("show")
def show_one(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show one integration: where its sender posts to, how it signs, and whether it is well."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, "/integrations", "integration", name)
        health = api.get(f"/integrations/{found['id']}/health")
    if json:
        print_json({**found, "health": health})
        return
    facts = pairs()
    facts.add_row("name", Text(found["name"]))
    facts.add_row("type", found["type"])
    _add_addresses(facts, found)
    facts.add_row("proof", f"{found['auth_scheme']} in {found['signature_header']}")
    facts.add_row("active", "yes" if found["is_active"] else "no")
    facts.add_row("severity", f"{found['default_severity']}, where the sender says none")
    if found["kinds"]:
        words = sorted(found["kinds"].items(), key=lambda each: each[0].lower())
        facts.add_row("words", Text(", ".join(f"{word} = {kind}" for word, kind in words)))
    silent = found["auto_resolve_minutes"]
    facts.add_row("auto-resolve", "never" if silent is None else f"after {silent} min without news")
    facts.add_row("flapping", "counted" if found["flapping"] else "not counted")
    facts.add_row("last heard", ago(health["last_at"]) if health["last_at"] else "not since a day")
    facts.add_row("id", found["id"])
    show(facts)
    for each in health["notices"]:
        what = each["code"].replace("_", " ")
        show(Text(f"{what}: {each['count']} of {health['webhooks']} webhooks", style="yellow"))
        note(each["detail"])


@app.command()
def change(
    name: Name,
    mapping: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The mapping from now on: JSON, - for standard input, or none."
        ),
    ] = None,
    word: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD=KIND",
            help="What a word of the sender's own means: behoben=resolve, say. May be given several"
            " times; WORD= takes one back.",
        ),
    ] = None,
    auto_resolve: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN", help="Resolve what was not repeated for so long: 24h, 7d, or never."
        ),
    ] = None,
    flapping: Annotated[
        bool | None,
        typer.Option(
            "--flapping/--no-flapping",
            help="Send few messages of what keeps coming and going (the default numbers), or all.",
        ),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Change what becomes of the alerts of an integration; it is in force at once."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    changes: dict[str, Any] = {}
    if auto_resolve is not None:
        changes["auto_resolve_minutes"] = minutes(auto_resolve, "--auto-resolve")
    if flapping is not None:
        changes["flapping"] = {} if flapping else None
    if mapping is not None:
        changes["mapping"] = None if mapping == "none" else read_json(mapping)
    if not changes and not word:
        raise Failure(
            "say what to change: --mapping FILE, --word WORD=KIND, --auto-resolve SPAN, --flapping or"
            " --no-flapping",
            code=Exit.USAGE,
        )
    with open_api(workspace) as api:
        found = by_name(api, "/integrations", "integration", name)
        if word:
            changes["kinds"] = _with_words(found["kinds"] or {}, word)
        changed = api.patch(f"/integrations/{found['id']}", changes)
    if json:
        print_json(changed)
    else:
        note(f"Changed {found['name']}.")


@app.command()
def rotate_secret(
    name: Name,
    overlap_minutes: Annotated[
        int, typer.Option(min=0, help="How long the secret before is accepted, too.")
    ] = 1_440,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Give an integration a new secret; the one before is accepted for a while, too."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        found = by_name(api, "/integrations", "integration", name)
        made = api.post(
            f"/integrations/{found['id']}/rotate-secret", {"overlap_minutes": overlap_minutes}
        )
    _show_secret(made, json)


def _with_words(kinds: dict[str, str], given: list[str]) -> dict[str, str] | None:
    changed = dict(kinds)
    for each in given:
        word, equals, kind = (part.strip() for part in each.rpartition("="))
        if not equals or not word:
            raise Failure(f"--word {each}: a word, = and what it means", code=Exit.USAGE)
        changed.pop(word, None)
        if kind:
            changed[word] = kind
    return changed or None


def _show_secret(made: Any, json: bool) -> None:
    if json:
        print_json(made)
        return
    facts = pairs()
    facts.add_row("name", Text(made["name"]))
    facts.add_row("type", made["type"])
    _add_addresses(facts, made)
    facts.add_row("secret", Text(made["webhook_secret"], style="bold"))
    facts.add_row("id", made["id"])
    show(facts)
    note("The secret is not shown again. A lost one is replaced: tocsin integration rotate-secret.")


def _add_addresses(facts: Table, shown: Any) -> None:
    if shown["type"] == "email":
        address = shown["mail_address"] or "nowhere yet: TOCSIN_MAIL_DOMAIN is not set"
        facts.add_row("mails to", Text(address))
    facts.add_row("posts to", Text(shown["webhook_url"]))


named.offer(
    app,
    named.NamedKind("/integrations", "integration"),
    edit="Change an integration, by --set, from a file, or in your editor.",
    enable="Take in what its sender posts.",
    disable="Refuse what its sender posts (404); its attempts stay on record.",
    delete="Delete an integration; its secrets are erased, its past stays.",
)
