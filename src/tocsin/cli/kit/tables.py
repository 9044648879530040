"""Tables, and names with what they stand for, as a terminal has room for them and a pipe wants them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.json import JSON
from rich.padding import Padding
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from tocsin.cli.kit.terminal import visible

PIPE_WIDTH = 400
"""Where nobody looks at it, a line is a record and is never wrapped."""

_GAP = 2
_PADDING = (0, _GAP, 0, 0)


class Rows(Table):
    """A table whose cells are as wide as what is shown of them; a number or a name is text like
    any other. In a pipe one row is one line, whatever is in it. Where a terminal has no room for whole
    ids beside the rest, each stands on a line of its own below its row: it is there to be pasted."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        place = next((at for at, each in enumerate(self.columns) if each.header == "id"), None)
        if place is None or not console.is_terminal or self._fits(console, options):
            yield from super().__rich_console__(console, options)
        else:
            yield from self._with_ids_below(place, console, options)

    def _fits(self, console: Console, options: ConsoleOptions) -> bool:
        wanted = self.__rich_measure__(console, options.update(max_width=PIPE_WIDTH)).maximum
        return wanted <= options.max_width

    def _with_ids_below(
        self, place: int, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        shown = [each for at, each in enumerate(self.columns) if at != place]
        rows = list(zip(*(each.cells for each in shown), strict=True))
        whole = table(*(str(each.header) for each in shown))
        for row in rows:
            whole.add_row(*row)
        widths = whole._calculate_column_widths(console, options)
        for at, row in enumerate(rows):
            one = table(*(str(each.header) for each in shown))
            one.show_header = at == 0
            for column, width in zip(one.columns[:-1], widths, strict=False):
                column.width = max(width - _PADDING[1], 1)
            one.columns[-1].width = widths[-1]
            one.add_row(*row)
            yield one
            yield Padding(self.columns[place]._cells[at], (0, 0, 0, 2), style="bright_black")

    def add_row(
        self,
        *cells: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        shown = [_cell(each) for each in cells]
        super().add_row(*shown, style=style, end_section=end_section)


class Pairs(Rows):
    """Names and what they stand for, one pair a line. On a terminal, what is a single word and has no
    room beside its name (an address, say) is never cut in two: it stands on a line of its own."""

    indent = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names, values = ([_text(each) for each in column.cells] for column in self.columns)
        width = max((each.cell_len for each in names), default=0)
        beside = options.max_width - self.indent - width - _GAP
        margin = (0, 0, 0, self.indent)
        for is_whole, group in groupby(
            zip(names, values, strict=True),
            lambda row: console.is_terminal and _is_long_word(row[1], beside),
        ):
            if is_whole:
                for name, value in group:
                    yield _whole(" " * self.indent, name)
                    yield _whole(" " * (self.indent + _GAP), value)
            else:
                yield Padding(_beside(width, group), margin, expand=False)


def _beside(width: int, rows: Iterable[tuple[Text, Text]]) -> Table:
    """Some of the pairs; their names are as wide as those of all."""
    made = Table.grid(padding=(0, _GAP))
    made.add_column(style="bright_black", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(Text.assemble(name, " " * (width - name.cell_len)), value)
    return made


def _whole(margin: str, cell: Text) -> Text:
    return Text.assemble(margin, cell, no_wrap=True, overflow="ignore")


def _is_long_word(text: Text, room: int) -> bool:
    return text.cell_len > room and len(text.plain.split()) == 1


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))


def _cell(cell: RenderableType | None) -> RenderableType | None:
    if isinstance(cell, str):
        cell = Text(cell)
    if not isinstance(cell, Text):
        return cell
    shown = cell.copy()
    # One character for another: the spans of styles still fit.
    shown.plain = visible(cell.plain)
    if not sys.stdout.isatty():
        shown.plain = shown.plain.replace("\n", " ")
    return shown


def table(*columns: str, title: str | None = None) -> Rows:
    """A quiet table; in a pipe one line per row, columns apart by two spaces."""
    made = Rows(
        box=None,
        pad_edge=False,
        padding=_PADDING,
        title=title,
        title_justify="left",
        header_style="bright_black",
    )
    for column in columns:
        made.add_column(column, no_wrap=column in ("id", "when", "status", "severity"))
    return made


def document(data: Any) -> Text:
    """A JSON document, whole: a line that has no room goes on in the next."""
    text = JSON.from_data(data, indent=2).text
    text.no_wrap, text.overflow = False, "fold"
    return text


def pairs(*, indent: int = 0) -> Pairs:
    """Names and what they stand for, `indent` spaces from the left."""
    made = Pairs()
    made.add_column()
    made.add_column()
    made.indent = indent
    return made
