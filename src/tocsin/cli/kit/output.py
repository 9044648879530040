"""What commands say. Standard output is for results, standard error for everything else.

All of it leaves by `Screen`, `print_plain` or `print_json`, and none of them lets through what
commands a terminal: whatever a command shows, it need not think of that.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from tocsin.cli.kit.tables import PIPE_WIDTH
from tocsin.cli.kit.terminal import visible

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


class Unwritten(Exception):
    """Standard output takes no more; the text says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.is_closed = error.errno == errno.EPIPE


@contextmanager
def written() -> Iterator[None]:
    """Sees that what is written within reaches standard output.

    Raises:
        Unwritten: it does not.
    """
    try:
        yield
    except SystemExit:
        _flush()
        raise
    except OSError as error:
        if error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO):
            raise Unwritten(error) from None
        raise
    _flush()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        raise Unwritten(error) from None


def give_up_output() -> None:
    """What is still to be written to standard output is dropped, so that our end does not try."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Screen(Console):
    """A console on which stored text is only ever text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def on_broken_pipe(self) -> None:
        """Leaves it to `written`, which Rich would not."""
        raise

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As Rich has it, with nothing in it that commands the terminal but Rich's own controls."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


def out() -> Console:
    """The console for results. Made when asked for: tests and pipes exchange `sys.stdout`."""
    if sys.stdout.isatty():
        return Screen()
    return Screen(width=PIPE_WIDTH, soft_wrap=True)


def err() -> Console:
    return Screen(stderr=True, soft_wrap=not sys.stderr.isatty())


def note(text: str) -> None:
    """One line for a person, beside the result."""
    with suppress(OSError):
        err().print(Text(text, style="bright_black" if sys.stderr.isatty() else ""))


def complain(lines: Sequence[str]) -> None:
    console = err()
    with suppress(OSError):
        for line in lines:
            console.print(Text.assemble(("tocsin: ", "bold red"), line))


def is_answered(found: Sequence[Any], json: bool, nothing: str) -> bool:
    """Whether a list has been answered: printed as JSON, or with what to say where it is empty."""
    if json:
        print_json(found)
    elif not found:
        note(nothing)
    return json or not found


def answer(document: Any, json: bool, words: str) -> None:
    """What was done: the document for programs (of what is gone: its last), a line for people."""
    if json:
        print_json(document)
    else:
        note(words)


def print_json(document: Any) -> None:
    """JSON in ASCII: every program reads it, and no terminal obeys it."""
    # JSON leaves the delete character as it is.
    text = json.dumps(document, indent=2).replace("\x7f", "\\u007f")
    with written():
        sys.stdout.write(text + "\n")


def print_plain(text: str, *, flush: bool = False) -> None:
    """This text, which is never wrapped or styled, and a newline."""
    with written():
        print(visible(text), flush=flush)


@contextmanager
def progress(words: str) -> Iterator[None]:
    """Says on a terminal that something is being waited for."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(words, style="bright_black"), spinner="dots"):
        yield


def show(renderable: RenderableType) -> None:
    console = out()
    if console.is_terminal:
        with written():
            # What must be whole (`tables.Pairs`) may be wider than the terminal.
            console.print(renderable, crop=False)
        return
    with console.capture() as captured:
        console.print(renderable)
    # Columns are filled up with spaces, which only a terminal needs.
    with written():
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
