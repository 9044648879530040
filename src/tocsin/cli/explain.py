"""`tocsin explain`: why somebody was, or was not, notified of an alert."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from rich.tree import Tree

from tocsin.cli.kit.arguments import AlertId
from tocsin.cli.kit.output import (
    Json,
    clock,
    err,
    print_json,
    severity_text,
    show,
    status_text,
)
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace

_DIM = "bright_black"
_FEW = 3


def explain(
    alert_id: AlertId,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show the story of an alert: what came in, what each rule said, who was notified, and why not."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import alert_id as found_id

    with open_api(workspace, only_reads=True) as api:
        story = api.get(f"/alerts/{found_id(api, alert_id)}/explain")
    if json:
        print_json(story)
        return
    show(tree(story))
    if story["repeats_left_out"]:
        err().print(f"{story['repeats_left_out']} older repeats are left out.", style=_DIM)


def tree(story: Any) -> Tree:
    """webhook delivery → what it did → each rule's verdict → each message → each attempt"""
    alert = story["alert"]
    root = Tree(
        Text.assemble(
            severity_text(alert["severity"]),
            "  ",
            (alert["title"], "bold"),
            "  ",
            status_text(alert["status"]),
            (f"\n{alert['id']}  from {alert['source']}", _DIM),
        ),
        guide_style=_DIM,
    )
    for answer in story["answers"]:
        mark, style = ("✓", "green") if answer["was_notified"] else ("○", "yellow")
        root.add(Text.assemble((f"{mark} ", style), answer["words"]))
    for line in inhibition_lines(story["inhibition"]):
        root.add(Text(line))
    for step in story["steps"]:
        branch = root.add(_step(step))
        for change in step["changes"]:
            _add_change(branch, change)
    return root


def inhibition_lines(inhibition: Any) -> list[str]:
    """By what an alert is held, and what it holds back."""
    lines = [
        f"held while alert “{each['title']}” ({each['alert_id']}) is live, by rule “{each['rule_name']}”"
        for each in inhibition["inhibited_by"]
    ]
    if inhibition["inhibits_count"]:
        first = ", ".join(f"“{each['title']}”" for each in inhibition["inhibits"][:_FEW])
        more = inhibition["inhibits_count"] - min(_FEW, len(inhibition["inhibits"]))
        lines.append(f"holds back {first}" + (f" and {more} more" if more else ""))
    return lines


def _step(step: Any) -> Text:
    line = Text.assemble((clock(step["at"]), _DIM), "  ", step["words"])
    if step["webhook_delivery"] is not None:
        line.append(f"\nwebhook delivery {step['webhook_delivery']['id']}", style=_DIM)
    return line


def _add_change(branch: Tree, change: Any) -> None:
    node = branch.add(Text(change["words"], style="bold"))
    for rule in change["rules"]:
        mark, style = ("✓", "green") if rule["matched"] else ("✗", _DIM)
        node.add(
            Text.assemble(
                (f"{mark} ", style),
                ("rule ", _DIM),
                (rule["rule_name"], "" if rule["matched"] else _DIM),
                (f"  {rule['words']}", _DIM),
            )
        )
    for delivery in change["deliveries"]:
        sub = node.add(
            Text.assemble(("→ ", "blue"), status_text(delivery["status"]), "  ", delivery["words"])
        )
        for attempt in delivery["attempts"]:
            sub.add(Text.assemble((clock(attempt["started_at"]), _DIM), "  ", attempt["words"]))
