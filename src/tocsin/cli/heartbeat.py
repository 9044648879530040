"""`tocsin heartbeat`: who is expected to ping."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli import heartbeat_run
from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import Matchers, matchers, span
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, ago, is_answered, moment, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs, table

app = typer.Typer(no_args_is_help=True, help="Expect pings of jobs, and notice when none comes.")

app.command("run")(heartbeat_run.run)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The heartbeat's name, id or its beginning, or `last`."),
]

_PATH = "/heartbeats"
_STYLES = {"up": "green", "late": "yellow", "down": "bold red", "paused": "dim", "new": ""}


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as nightly-backup.")],
    every: Annotated[str | None, typer.Option(metavar="SPAN", help="5m, 1h, 1d…")] = None,
    cron: Annotated[str | None, typer.Option(help="Five fields: '30 2 * * *'.")] = None,
    calendar: Annotated[
        list[str] | None, typer.Option(help="systemd's OnCalendar; may be given again.")
    ] = None,
    timezone: Annotated[
        str, typer.Option("--timezone", "-z", help="Of cron and calendar.")
    ] = "UTC",
    grace: Annotated[str, typer.Option(metavar="SPAN", help="How late it may be.")] = "5m",
    max_run: Annotated[
        str | None, typer.Option(metavar="SPAN", help="From a start to its end, at most.")
    ] = None,
    first_within: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Its first ping must come within that; else never."),
    ] = None,
    severity: Annotated[str, typer.Option(help="Of its alerts.")] = "HIGH",
    alert_title: Annotated[
        str | None, typer.Option(help="Of the alert when no ping came in time.")
    ] = None,
    description: Annotated[
        str | None, typer.Option(help="What it is for and what to do; its alerts say it.")
    ] = None,
    bound_to: Annotated[
        str | None,
        typer.Option(metavar="INTEGRATION", help="Its signals that match are the pings."),
    ] = None,
    match: Matchers = None,
    per: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Expect each value of this label by itself."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a heartbeat and show, this once, where it pings. Unless you say --first-within, nothing is
    expected before its first ping."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    if sum(each is not None for each in (every, cron, calendar or None)) != 1:
        raise Failure("say when: --every SPAN, --cron FIELDS or --calendar TIME", code=Exit.USAGE)
    body: dict[str, Any] = {
        "name": name,
        "grace_seconds": _seconds(grace, "--grace"),
        "severity": severity.upper(),
        "timezone": timezone,
    }
    if every is not None:
        body |= {"kind": "interval", "period_seconds": _seconds(every, "--every")}
    elif cron is not None:
        body |= {"kind": "cron", "expressions": [cron]}
    else:
        body |= {"kind": "calendar", "expressions": calendar}
    for field, value in (("alert_title", alert_title), ("description", description)):
        if value is not None:
            body[field] = value
    if max_run is not None:
        body["max_run_seconds"] = _seconds(max_run, "--max-run")
    if first_within is not None:
        body["expect_first_within_seconds"] = _seconds(first_within, "--first-within")
    with open_api(workspace) as api:
        if bound_to is not None:
            found = by_name(api, "/integrations", "integration", bound_to)
            body |= {"bound_integration_id": found["id"], "bound_labels": per or []}
            if match:
                body["bound_matchers"] = matchers(match)
        made = api.post(_PATH, body)
    _show_token(made, json)


def _seconds(text: str, option: str) -> int:
    return int(span(text, option).total_seconds())


def _show_token(made: Any, json: bool) -> None:
    if json:
        print_json(made)
        return
    show(Text.assemble("It pings, this is shown once:\n", (made["ping_url"], "bold")))
    note(f"{made['name']}  {made['id']}")


@app.command("list")
def list_all(
    state: Annotated[
        str | None,
        typer.Option(help="Only those that are new, up, late, down, paused or finished."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List heartbeats and how they are."""
    from tocsin.cli.calling.choose import open_api

    asked = {} if state is None else {"state": state}
    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=10_000, **asked)
    if is_answered(
        found, json, "There is none; `tocsin heartbeat create NAME --every 1h` makes one."
    ):
        return
    made = table("state", "name", "last ping", "expected", "id")
    for each in found:
        made.add_row(
            Text(each["state"], style=_STYLES.get(each["state"], "")),
            Text(each["name"]),
            _last_ping(each),
            ago(each["expected_at"]) if each["expected_at"] else "",
            each["id"],
        )
    show(made)


def _last_ping(found: Any) -> str:
    if found["waiting_since"]:
        return f"never, made {ago(found['waiting_since'])}"
    return ago(found["last_ping_at"]) if found["last_ping_at"] else "never"


@app.command("show")
def show_one(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show one heartbeat, and its newest pings."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, _PATH, "heartbeat", name)
        pings = api.get(f"{_PATH}/{found['id']}/pings", limit=10)["items"]
    if json:
        print_json({**found, "pings": pings})
        return
    facts = pairs()
    facts.add_row("name", Text(found["name"]))
    facts.add_row("state", Text(found["state"], style=_STYLES.get(found["state"], "")))
    when = "; ".join(found["expressions"]) or f"{found['period_seconds']} s"
    facts.add_row("expected", Text(f"{found['kind']} {when} ({found['timezone']})"))
    facts.add_row("grace", f"{found['grace_seconds']} s")
    if found["expect_first_within_seconds"] is not None:
        facts.add_row("first within", f"{found['expect_first_within_seconds']} s")
    for label in (
        "waiting_since",
        "last_ping_at",
        "started_at",
        "expected_at",
        "due_at",
        "down_since",
    ):
        if found[label]:
            facts.add_row(label.removesuffix("_at").replace("_", " "), moment(found[label]))
    facts.add_row("severity", found["severity"])
    if found["description"]:
        facts.add_row("says", Text(found["description"]))
    facts.add_row("id", found["id"])
    show(facts)
    if pings:
        made = table("ping", "kind", "outcome", "exit", "said")
        for each in pings:
            said = (each["body"] or "").strip().splitlines()
            made.add_row(
                moment(each["at"]),
                each["kind"],
                each["outcome"],
                "" if each["exit_code"] is None else str(each["exit_code"]),
                Text(said[-1] if said else ""),
            )
        show(made)


@app.command()
def pause(
    name: Name,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="Else until it is resumed.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Expect nothing of it for a while. An alert that is open for it is resolved."""
    from tocsin.model import iso, utc_now

    until = None if duration is None else iso(utc_now() + span(duration, "--for"))
    _act(name, "pause", {"until": until}, workspace, json)


@app.command()
def resume(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Wait for a first ping again."""
    _act(name, "resume", None, workspace, json)


def _act(name: str, action: str, body: Any, workspace: str, json: bool) -> None:
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        found = by_name(api, _PATH, "heartbeat", name)
        now = api.post(f"{_PATH}/{found['id']}/{action}", body)
    if json:
        print_json(now)
    else:
        note(f"{now['name']} is {now['state']}.")


@app.command("rotate-token")
def rotate_token(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Give it a new address; the one before counts no longer."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        found = by_name(api, _PATH, "heartbeat", name)
        made = api.post(f"{_PATH}/{found['id']}/rotate-token", {})
    _show_token(made, json)


named.offer(
    app,
    named.NamedKind(_PATH, "heartbeat"),
    edit="Change a heartbeat, by --set, from a file, or in your editor.",
    delete="Delete a heartbeat; its pings are 404 then, and an alert that is open for it is resolved.",
)
