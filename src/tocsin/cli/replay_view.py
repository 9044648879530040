"""What a replay gave, or would give, for people."""

from __future__ import annotations

import json
from typing import Any

from rich.text import Text

from tocsin.cli.kit.output import show, status_text
from tocsin.cli.kit.tables import table


def show_replay(result: Any) -> None:
    verb = "would give" if result["dry_run"] else "gave"
    line = Text.assemble(
        "it was ",
        status_text(result["outcome_before"]),
        f"; replaying it {verb} ",
        status_text(result["status"]),
    )
    if result["detail"]:
        line.append(f": {result['detail']}")
    for fault in result["errors"]:
        line.append(f"\n  {fault['pointer'] or '/'}: {fault['message']}")
    for each in result["alerts"]:
        line.append("\n  ")
        line.append_text(status_text(each["status"]))
        line.append(f"  alert {each['alert_id']}")
    if result["delivery_id"]:
        line.append(f"\n  delivery {result['delivery_id']}", style="bright_black")
    show(line)
    if not result["differences"]:
        if result["signals"]:
            show(Text("Today's mapping reads it as it was read then.", style="bright_black"))
        return
    made = table("field", "stored", "now", "alert")
    for each in result["differences"]:
        made.add_row(
            each["field"],
            Text(_short(each["stored"]), style="red"),
            Text(_short(each["now"]), style="green"),
            each["alert_id"],
        )
    show(made)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"
