"""`tocsin doctor`: what is set up, what is wrong, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from tocsin.cli.kit.exits import Exit
from tocsin.cli.kit.output import Json, note, out, print_json, print_plain, progress, show
from tocsin.cli.kit.tables import table

if TYPE_CHECKING:
    from tocsin.cli.checkup.findings import Finding
    from tocsin.settings import Settings

_MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "wrong": ("✗", "bold red")}


def _findings(settings: Settings) -> list[Finding]:
    """What the running server finds, with its settings; else what we find, with ours."""
    from tocsin.cli.checkup.checks import examine
    from tocsin.cli.checkup.findings import Finding, Health
    from tocsin.cli.server import control
    from tocsin.cli.server.server_file import running_server

    if (url := running_server(settings.data_dir)) is None:
        return list(examine(settings))
    try:
        documents = control.ask(settings.data_dir, "doctor")
        found = [Finding.of(each) for each in documents]
    except (OSError, ValueError, TypeError, KeyError):
        unanswered = Finding(
            "running server",
            Health.WRONG,
            f"the one at {url} does not answer; what follows is seen with the settings "
            "of this shell, which may be others",
            "run tocsin as the server's user; if that is who you are, restart the server",
        )
        return [unanswered, *examine(settings)]
    note(f"As the server running at {url} sees it, with its settings:")
    return found


def doctor(
    new_key: Annotated[
        bool,
        typer.Option("--new-key", help="Print a fresh key for TOCSIN_SECRET_KEY, and do no more."),
    ] = False,
    json: Json = False,
) -> None:
    """Check settings, data folder, database, mail and network. Exit code 1 if anything is wrong."""
    if new_key:
        from tocsin.access.vault import Vault

        print_plain(Vault.new_key().reveal_text())
        return
    from tocsin.cli.checkup.findings import Health
    from tocsin.cli.kit.runtime import load_settings

    settings = load_settings()
    with progress("Looking…"):
        findings = _findings(settings)
    if json:
        print_json([finding.document() for finding in findings])
    else:
        made = table("", "", "")
        made.show_header = False
        for finding in findings:
            mark, style = _MARKS[finding.health.value]
            said = Text(finding.said)
            if finding.todo is not None:
                said.append("\n" if out().is_terminal else " — ")
                said.append(f"→ {finding.todo}" if out().is_terminal else finding.todo, "yellow")
            made.add_row(Text(mark, style=style), Text(finding.what, style="bold"), said)
        show(made)
    if any(finding.health is Health.WRONG for finding in findings):
        raise typer.Exit(Exit.FAILED)
