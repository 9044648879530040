"""What commands say. Standard output is for results, standard error for everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 400
"""Where nobody looks at it, a line is a record and is never wrapped."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

SEVERITY_STYLES: Mapping[str, str] = {
    "CRITICAL": "bold bright_red",
    "HIGH": "dark_orange",
    "MEDIUM": "yellow",
    "LOW": "cyan",
    "INFO": "bright_black",
}

STATUS_STYLES: Mapping[str, str] = {
    "OPEN": "bold",
    "ACKNOWLEDGED": "yellow",
    "RESOLVED": "green",
    "CLOSED": "bright_black",
    "created": "bold",
    "updated": "blue",
    "acknowledged": "yellow",
    "resolved": "green",
    "duplicate": "bright_black",
    "ignored": "bright_black",
    "invalid": "red",
    "rejected": "red",
    "failed": "bold red",
    "queued": "blue",
    "deferred": "yellow",
    "sent": "green",
    "suppressed": "bright_black",
    "canceled": "bright_black",
}


def out() -> Console:
    """The console for results. Made when asked for: tests and pipes exchange `sys.stdout`."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_PIPE_WIDTH, soft_wrap=True)


def err() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def note(text: str) -> None:
    """One line for a person, beside the result."""
    err().print(Text(text, style="bright_black" if sys.stderr.isatty() else ""))


def complain(lines: Sequence[str]) -> None:
    console = err()
    for line in lines:
        console.print(Text.assemble(("tocsin: ", "bold red"), line))


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_plain(text: str) -> None:
    """Exactly this text and a newline, whatever the terminal."""
    sys.stdout.write(text + "\n")


@contextmanager
def progress(words: str) -> Iterator[None]:
    """Says on a terminal that something is being waited for."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(words, style="bright_black"), spinner="dots"):
        yield


def table(*columns: str, title: str | None = None) -> Table:
    """A quiet table; in a pipe one line per row, columns apart by two spaces."""
    made = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        title=title,
        title_justify="left",
        header_style="bright_black",
    )
    for column in columns:
        made.add_column(column, no_wrap=column in ("id", "when", "status", "severity"))
    return made


def show(renderable: RenderableType) -> None:
    console = out()
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    # Columns are filled up with spaces, which only a terminal needs.
    sys.stdout.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))


def section(title: str) -> RenderableType:
    """A heading with a blank line above it."""
    return Padding(Text(title, style="bold"), (1, 0, 0, 0))


def severity_text(severity: str) -> Text:
    return Text(f"● {severity}", style=SEVERITY_STYLES.get(severity, ""))


def status_text(status: str) -> Text:
    return Text(status, style=STATUS_STYLES.get(status, ""))


def parse(at: str | None) -> datetime | None:
    return None if at is None else datetime.fromisoformat(at)


def ago(at: str | None, now: datetime | None = None) -> str:
    """`3 min ago`, for a time as the API writes it."""
    moment = parse(at)
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if abs(seconds) >= size:
            count = int(abs(seconds) // size)
            return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"
    return "just now"


def clock(at: str | None) -> str:
    """A time of day with milliseconds, in UTC."""
    moment = parse(at)
    return "" if moment is None else moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def moment(at: str | None) -> str:
    found = parse(at)
    return "—" if found is None else found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
