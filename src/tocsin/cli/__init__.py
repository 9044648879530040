"""The command line. One file per command; kit/ is what they share, calling/ how they reach the API.

Modules here import what is slow to import (the server, the database, the API) inside functions, so
that `tocsin --help` and a mistyped option answer at once.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli import (
    act,
    alerts,
    api_key,
    audit,
    backup,
    bulk,
    database,
    delivery,
    destination,
    doctor,
    explain,
    heartbeat,
    inhibition,
    integration,
    maintenance,
    mapping,
    migrate,
    on_call,
    on_call_acts,
    overview,
    policy,
    receive,
    replay,
    retention,
    rule,
    schedule,
    send,
    serve,
    settings,
    silence,
    tenant,
    user,
    view,
    webhooks,
    workspace,
)
from tocsin.cli.calling.choose import ask_elsewhere
from tocsin.cli.calling.over_http import RemoteServer
from tocsin.cli.demo import command as demo
from tocsin.cli.kit.exits import Exit, Failure, readable
from tocsin.cli.kit.output import Unwritten, complain, give_up_output, written
from tocsin.memory import collect_rarely

_HELP = """
A self-hosted alert hub: signed webhooks in, exactly one alert, delivered until somebody knows.

Settings come from tocsin.toml in the data folder and from the environment (TOCSIN_*); none is needed.

`tocsin --install-completion` teaches your shell to complete commands with Tab.
"""

app = typer.Typer(
    name="tocsin",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_RUN, _LOOK, _SET_UP, _LOOK_AFTER = "Run", "Alerts", "Set up", "Look after"

app.command("serve", rich_help_panel=_RUN)(serve.serve)
app.command("demo", rich_help_panel=_RUN)(demo.demo)
app.command("send", rich_help_panel=_RUN)(send.send)
app.command("receive", rich_help_panel=_RUN)(receive.receive)
app.command("alerts", rich_help_panel=_LOOK)(alerts.alerts)
app.command("alert", rich_help_panel=_LOOK)(alerts.alert)
app.command("explain", rich_help_panel=_LOOK)(explain.explain)
app.command("webhooks", rich_help_panel=_LOOK)(webhooks.webhooks)
app.command("webhook", rich_help_panel=_LOOK)(webhooks.webhook)
app.command("replay", rich_help_panel=_LOOK)(replay.replay)
app.command("act", rich_help_panel=_LOOK)(act.act)
app.command("escalate", rich_help_panel=_LOOK)(on_call_acts.escalate)
app.command("assign", rich_help_panel=_LOOK)(on_call_acts.assign)
app.command("page", rich_help_panel=_LOOK)(on_call_acts.page)
app.command("on-call", rich_help_panel=_LOOK)(on_call.on_call)
app.add_typer(bulk.app, name="bulk", rich_help_panel=_LOOK)
app.add_typer(delivery.app, name="delivery", rich_help_panel=_LOOK)
app.add_typer(integration.app, name="integration", rich_help_panel=_SET_UP)
app.add_typer(mapping.app, name="mapping", rich_help_panel=_SET_UP)
app.add_typer(destination.app, name="destination", rich_help_panel=_SET_UP)
app.add_typer(rule.app, name="rule", rich_help_panel=_SET_UP)
app.add_typer(policy.app, name="policy", rich_help_panel=_SET_UP)
app.add_typer(heartbeat.app, name="heartbeat", rich_help_panel=_SET_UP)
app.add_typer(silence.app, name="silence", rich_help_panel=_SET_UP)
app.add_typer(maintenance.app, name="maintenance", rich_help_panel=_SET_UP)
app.add_typer(inhibition.app, name="inhibition", rich_help_panel=_SET_UP)
app.add_typer(schedule.app, name="schedule", rich_help_panel=_SET_UP)
app.add_typer(view.app, name="view", rich_help_panel=_SET_UP)
app.add_typer(workspace.app, name="workspace", rich_help_panel=_SET_UP)
app.add_typer(tenant.app, name="tenant", rich_help_panel=_SET_UP)
app.add_typer(user.app, name="user", rich_help_panel=_SET_UP)
app.add_typer(api_key.app, name="api-key", rich_help_panel=_SET_UP)
app.command("doctor", rich_help_panel=_LOOK_AFTER)(doctor.doctor)
app.command("overview", rich_help_panel=_LOOK_AFTER)(overview.overview)
app.command("audit", rich_help_panel=_LOOK_AFTER)(audit.audit)
app.command("retention", rich_help_panel=_LOOK_AFTER)(retention.retention)
app.command("settings", rich_help_panel=_LOOK_AFTER)(settings.settings)
app.command("backup", rich_help_panel=_LOOK_AFTER)(backup.backup)
app.command("restore", rich_help_panel=_LOOK_AFTER)(backup.restore)
app.add_typer(database.app, name="database", rich_help_panel=_LOOK_AFTER)
app.command("migrate", rich_help_panel=_LOOK_AFTER)(migrate.migrate)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tocsin {version('tocsin')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Ask this server, with the API key of TOCSIN_API_KEY, not our own."
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the API key for --server.")
    ] = None,
) -> None:
    if server is None and api_key_file is not None:
        raise Failure("--api-key-file is for --server URL", code=Exit.USAGE)
    ask_elsewhere(None if server is None else RemoteServer.of(server, api_key_file))


@cache
def _command() -> Any:
    """Of all that is declared above; to make it takes as long as many a command."""
    return typer.main.get_command(app)


def _run() -> int:
    """The exit code of a command; wrong arguments are a `Failure`, as any other."""
    try:
        returned = _command()(standalone_mode=False)
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "NoArgsIsHelpError" in kinds:
            print(error.ctx.get_help())  # type: ignore[attr-defined]
            return Exit.USAGE
        if "ClickException" not in kinds:
            raise
        raise Failure(_said(error), code=Exit.USAGE) from None
    return returned if isinstance(returned, int) else 0


def _said(error: Any) -> str:
    """What is wrong with the arguments, and where one reads how they must be."""
    words = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    place = "tocsin" if context is None else context.command_path
    return f"{words}; `{place} --help` says what it takes"


def main() -> None:
    """The program `tocsin`. Exit codes: `exits.Exit`."""
    collect_rarely()
    try:
        with written():
            code = readable(_run)
        if code:
            sys.exit(code)
    except Unwritten as lost:
        give_up_output()
        if lost.is_closed:
            # Whoever read it has had enough, as `head` has.
            sys.exit(Exit.OK)
        complain([f"cannot write the answer: {lost}"])
        sys.exit(Exit.FAILED)
    except Failure as failure:
        complain(failure.lines)
        sys.exit(failure.code)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
