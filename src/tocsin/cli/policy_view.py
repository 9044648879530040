"""A policy, its forecast and its readiness as a terminal shows them, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from tocsin.cli.kit.arguments import condition
from tocsin.cli.kit.output import ago, show
from tocsin.cli.kit.tables import pairs, table
from tocsin.cli.kit.zoned import date_and_clock, day_and_clock, zone_of

_GONE = "(deleted)"
_MINUTE, _HOUR = 60, 3_600


def step_words(step: Any, names: Mapping[str, str]) -> str:
    """Whom it reaches, and how long it waits."""
    targets = ", ".join(names.get(target["id"], _GONE) for target in step["targets"])
    turns = " in turn" if step["mode"] == "round_robin" else ""
    return f"{targets}{turns} ({span_words(step['wait_seconds'])})"


def span_words(seconds: int) -> str:
    """`90 s`, `5 min`, `2 h`."""
    for size, unit in ((_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def show_policy(found: Any, names: Mapping[str, str]) -> None:
    made = pairs()
    timeout = found["ack_timeout_minutes"]
    expires = "30 min if CRITICAL or HIGH, else for good" if timeout is None else f"{timeout} min"
    last = found["on_exhausted_destination_id"]
    for label, said in (
        ("name", found["name"]),
        ("id", found["id"]),
        ("version", str(found["version"])),
        *((f"step {place}", _step(step, names)) for place, step in enumerate(found["steps"], 1)),
        ("then", _times(found["repeat"])),
        ("in the end", "the workspace's fallback" if last is None else names.get(last, _GONE)),
        ("acknowledged", "for good" if timeout == 0 else f"for {expires}"),
    ):
        if said:
            made.add_row(label, Text(said))
    show(made)


def _times(repeat: int) -> str:
    return ("", "all of it once more")[repeat] if repeat < 2 else f"all of it {repeat} times more"


def _step(step: Any, names: Mapping[str, str]) -> str:
    return ", ".join([step_words(step, names), *_conditions(step["condition"])])


def _conditions(asked: Any) -> Iterator[str]:
    if asked is None:
        return
    if asked["min_severity"] or asked["matchers"]:
        yield f"only {condition(asked)}"
    for hours in asked["hours"]:
        days = " ".join(hours["days"])
        yield f"only {days} {hours['start']}-{hours['end']} {hours['timezone']}"


def show_forecast(result: Any, timezone: str) -> None:
    zone = zone_of(timezone)
    show(
        Text(
            f"A {result['severity']} alert opens {date_and_clock(result['at'], zone)} "
            f"({timezone}), and nobody answers:"
        )
    )
    made = table("when", "step", "who", "by", "because")
    rows = [row for step in result["steps"] for row in _forecast_rows(step)]
    last = result["last_resort"]
    rows.append(
        (
            result["exhausted_at"],
            "end",
            "nobody" if last is None else last["name"],
            "",
            "nobody is reached" if result["reaches_nobody"] else "nobody has answered",
        )
    )
    # Pages of one step go on beside those of the next.
    for at, *cells in sorted(rows, key=lambda row: row[0]):
        made.add_row(Text(day_and_clock(at, zone), no_wrap=True), *(Text(cell) for cell in cells))
    show(made)
    _show_lines(result["warnings"], "yellow")


def _forecast_rows(step: Any) -> Iterator[tuple[str, str, str, str, str]]:
    """Time, step, who, by what, and why; each page is a row of its own."""
    place = str(step["step"] + 1) + ("" if not step["loop"] else f", round {step['loop'] + 1}")
    for each in step["recipients"]:
        who = (each["user"] or each["target"])["name"]
        because = ""
        if each["target"]["type"] == "schedule":
            because = f"{each['target']['name']}: {each['cause']}"
        if not each["pages"]:
            yield step["at"], place, who, "—", "is being paged already"
        for page in each["pages"]:
            by = page["type"] or ""
            if each["user"] is not None and page["name"] != by:
                by = f"{by} {page['name']}".strip()
            yield page["at"], place, who, by, because if not page["delay_seconds"] else ""
    if not step["recipients"]:
        why = "; ".join(dict.fromkeys(each["words"] for each in step["skipped"]))
        yield step["at"], place, "—", "passed", why


def show_readiness(result: Any) -> None:
    """Everybody it can reach, and what is to be fixed."""
    name = (result["policy"]["name"], "bold")
    ready = (" is ready.", "green")
    show(Text.assemble(name, ready if result["is_ready"] else " may leave somebody asleep."))
    made = table("", "who", "reached by", "contacts", "first page", "last arrived")
    for each in result["people"]:
        is_ready = each["is_ready"]
        first = each["first_page_seconds"]
        made.add_row(
            Text("✓" if is_ready else "✗", style="green" if is_ready else "bold red"),
            Text(each["user"]["name"]),
            Text(", ".join(dict.fromkeys(_by(reached) for reached in each["reached_by"]))),
            str(each["usable_contact_methods"]),
            "never" if first is None else "at once" if not first else f"after {span_words(first)}",
            ago(each["last_page_at"]),
        )
    if result["people"]:
        show(made)
    _show_lines(result["warnings"], "yellow")
    _show_lines(result["notes"], "")


def _by(reached: Any) -> str:
    target = reached["target"]
    name = f" {target['name']}" if target["type"] == "schedule" else ""
    return f"step {reached['step'] + 1}{name}"


def _show_lines(lines: list[str], style: str) -> None:
    for line in lines:
        show(Text.assemble(("! ", style or "bright_black"), line))
