"""The demo on a terminal: what arrives, who is notified, and what to try next. Fits 80 by 24."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tocsin.cli.demo.board import Arrival, Board, Notice, Snapshot
from tocsin.cli.kit.output import STATUS_STYLES, clock, out, severity_text

_DIM = "bright_black"
_ACCENT = "bold orange1"
_WIDE = 110
_CARD_LINES = 6
_FONT_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)


@dataclass(frozen=True)
class DemoAddress:
    """Where it all happens, and how to get at it from another terminal."""

    url: str
    data_dir: Path
    api_key: str
    program: str
    console_url: str
    """Signs in, once."""

    def hints(self) -> list[str]:
        """Lines to copy; each fits into 80 columns, as long as the folder's name is short."""
        return [
            "Open this in a browser:",
            f"  {self.console_url}",
            "Try this in another terminal:",
            f"  export TOCSIN_DATA_DIR={self.data_dir}",
            f"  {self.program} alert last    # its timeline, and what was sent",
            f"  {self.program} explain last  # who was notified, and why",
            f"  export KEY={self.api_key}",
            f'  curl -H "Authorization: Bearer $KEY" {self.url}/api/v1/alerts',
        ]


def watch(board: Board, scene: DemoAddress, goes_on: Callable[[], bool]) -> None:
    """Draws until it is to stop."""
    console = out()
    began = time.monotonic()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_Frame(board, scene, began), refresh=True)
            if not goes_on():
                return


class _Frame:
    """One picture, as large as the terminal is now."""

    def __init__(self, board: Board, scene: DemoAddress, began: float) -> None:
        self._board = board
        self._scene = scene
        self._began = began

    def __rich__(self) -> RenderableType:
        console = out()
        return picture(
            self._board, self._scene, time.monotonic() - self._began, console.width, console.height
        )


def picture(
    board: Board, scene: DemoAddress, seconds: float, width: int, height: int
) -> RenderableType:
    now = board.snapshot()
    hints = _hints(scene)
    card = _card(now) if height >= 34 else []
    # Two headings with a blank line above, the head, the counters, and the hints with theirs.
    room = max(height - 4 - 2 * 2 - len(hints) - 1 - len(card), 4)
    notice_room = max(room * 2 // 5, 2)
    arrivals = now.arrivals[-(room - notice_room) :]
    notices = now.notices[-notice_room:]
    return Group(
        _head(scene, seconds, width),
        Rule(style=_DIM),
        _counters(now),
        Text(),
        _heading("Arriving", "signed webhooks over HTTP, and what became of each"),
        _arrivals(arrivals, room - notice_room, width),
        Text(),
        Text.assemble(
            _heading("Notified", "so long after the webhook was sent   "),
            _counted(
                *((name, now.channels[name], "bold") for name in ("webhook", "email", "teams"))
            ),
        ),
        _notices(board, notices, notice_room, width),
        *card,
        Rule(style=_DIM),
        *hints,
    )


def _head(scene: DemoAddress, seconds: float, width: int) -> Text:
    minutes, rest = divmod(int(seconds), 60)
    left = Text.assemble((" Tocsin ", "bold white on dark_orange3"), ("  demo  ", _DIM), scene.url)
    right = Text(f"{minutes:02d}:{rest:02d}  Ctrl-C ends it", style=_DIM)
    gap = max(width - left.cell_len - right.cell_len, 1)
    return Text.assemble(left, " " * gap, right)


def _counters(now: Snapshot) -> Text:
    rejected = now.outcomes["rejected"]
    return _counted(
        ("webhooks", now.webhooks, "bold"),
        ("alerts", now.alerts, "bold"),
        ("live", now.live, "bold red" if now.live else "bold"),
        ("duplicates", now.outcomes["duplicate"], "bold"),
        ("rejected", rejected, "bold yellow" if rejected else "bold"),
    )


def _counted(*parts: tuple[str, int, str]) -> Text:
    line = Text(no_wrap=True)
    for name, count, style in parts:
        line.append(f"{count} ", style=style)
        line.append(f"{name}   ", style=_DIM)
    return line


def _heading(title: str, words: str) -> Text:
    return Text.assemble((title, _ACCENT), f"  {words}", style=_DIM, no_wrap=True)


def _grid(*widths: int | None) -> Table:
    """A row of columns; the one without a width takes what is left. What is too long is cut, and
    nothing moves when rows come and go."""
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for width in widths:
        grid.add_column(width=width, ratio=None if width else 1, no_wrap=True, overflow="ellipsis")
    return grid


def _arrivals(arrivals: list[Arrival], rows: int, width: int) -> Table:
    wide = width >= _WIDE
    grid = _grid(8, 10, None, 12, *((3, 12, 7) if wide else (12,)))
    for each in arrivals:
        severity = Text("○ unproven", style=_DIM)
        if each.severity is not None:
            severity = severity_text(each.severity)
        cells = [
            Text(clock(each.at)[:8], style=_DIM),
            severity,
            Text(each.title, style=_DIM if each.outcome == "duplicate" else ""),
            Text(each.tool, style="cyan"),
            Text(each.outcome, style=_outcome_style(each)),
        ]
        if wide:
            cells.insert(4, Text(str(each.status_code), style=_DIM))
            cells.append(Text(f"{each.milliseconds:.0f} ms", style=_DIM, justify="right"))
        grid.add_row(*cells)
    return _filled(grid, rows - len(arrivals))


def _notices(board: Board, notices: list[Notice], rows: int, width: int) -> Table:
    wide = width >= _WIDE
    grid = _grid(8, 7, None, *((22, 7) if wide else (7,)))
    for each in notices:
        delay = board.delay_ms(each)
        after = "" if delay is None else f"{delay:.0f} ms"
        cells = [
            Text(clock(each.at)[:8], style=_DIM),
            Text(each.channel, style="magenta"),
            Text(each.what),
        ]
        if wide:
            cells.append(Text(each.proof, style=_DIM))
        cells.append(Text(after, style="green", justify="right"))
        grid.add_row(*cells)
    return _filled(grid, rows - len(notices))


def _filled(grid: Table, blank: int) -> Table:
    """So that nothing below moves while there is little to show."""
    for _ in range(blank):
        grid.add_row("")
    return grid


def _outcome_style(arrival: Arrival) -> str:
    if arrival.status_code >= 400:
        return "bold yellow" if arrival.status_code < 500 else "bold red"
    return STATUS_STYLES.get(arrival.outcome, "")


def _card(now: Snapshot) -> list[RenderableType]:
    """The newest Teams card, as its readers see it."""
    newest = next((each for each in reversed(now.notices) if each.text), None)
    lines = list(newest.text[:_CARD_LINES]) if newest is not None else []
    shown = [Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in lines]
    blank = [Text() for _ in range(_CARD_LINES - len(lines))]
    return [Text(), _heading("The newest Teams card", "as text"), *shown, *blank]


def _hints(scene: DemoAddress) -> list[RenderableType]:
    title, *commands = scene.hints()
    lines = [Text(title, style=_ACCENT)]
    for command in commands:
        code, mark, comment = command.partition("  #")
        lines.append(Text.assemble(code, (mark + comment, _DIM), no_wrap=True, overflow="crop"))
    return list(lines)


def save(board: Board, scene: DemoAddress, path: Path, seconds: float) -> None:
    """The picture as an SVG, for documents: without the key, and without fonts from elsewhere."""
    console = Console(record=True, width=_WIDE, height=36, force_terminal=True, file=io.StringIO())
    public = replace(scene, api_key="tsn_…", console_url=f"{scene.url}/enter/tsl_…")
    console.print(picture(board, public, seconds, console.width, console.height))
    svg = _FONT_FACE.sub("", console.export_svg(title="make demo"))
    path.write_text(svg, encoding="utf-8")
