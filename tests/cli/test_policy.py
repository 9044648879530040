"""Escalation policies at the command line: made in one line, and read before they are needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program, on_database
from tests.support.postgres import Server
from tocsin.model import uuid7


@pytest.fixture(scope="module")
def hub(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With two destinations, and Ana, who is paged at once."""
    with postgres_server.database() as database:
        program = on_database(database, tmp_path_factory.mktemp("policies"))
        for name in ("ops", "boss"):
            create = ("destination", "create", name, "--type", "webhook")
            assert program.call(*create, "--set", "url=https://e.com/").code == 0
        user, contact = uuid7(), uuid7()
        with database.connect() as connection:
            connection.execute(
                "INSERT INTO users (id, email, name) VALUES (%s, 'ana@x.org', 'Ana')", [user]
            )
            connection.execute(
                "INSERT INTO memberships (user_id, workspace_id, role)"
                " SELECT %s, id, 'responder' FROM workspaces",
                [user],
            )
            connection.execute(
                "INSERT INTO alert_destinations"
                " (id, workspace_id, name, type, user_id, verified_at)"
                " SELECT %s, id, 'home', 'email', %s, now() FROM workspaces",
                [contact, user],
            )
        yield program


def shown(hub: Program, *arguments: str) -> str:
    ended = hub.call("policy", *arguments)
    assert ended.code == 0, ended
    return ended.out


def test_a_policy_is_made_in_one_line_changed_and_deleted(hub: Program) -> None:
    steps = ("--step", "user:ana@x.org", "--step", "destination:ops,destination:boss")
    shown(hub, "create", "nights", *steps, "--wait", "2m", "--repeat", "1", "--then", "boss")
    assert "Ana (2 min) → ops, boss (2 min)" in shown(hub, "list")
    assert hub.call("rule", "create", "critical", "--policy", "nights").code == 0
    assert "policy nights" in hub.call("rule", "list").out
    assert "critical" in shown(hub, "list")
    assert "all of it once more" in shown(hub, "show", "nights")
    shown(hub, "edit", "nights", "--name", "late", "--round-robin", "2", *steps, "--then", "-")
    edited = json.loads(shown(hub, "show", "late", "--json"))
    assert (edited["version"], edited["on_exhausted_destination_id"]) == (2, None)
    assert [step["mode"] for step in edited["steps"]] == ["everyone", "round_robin"]
    refused = hub.call("policy", "delete", "late")
    assert (refused.code, "critical" in refused.err) == (1, True), refused
    assert hub.call("rule", "delete", "critical").code == 0
    shown(hub, "delete", "late")
    assert "nobody is paged" in hub.call("policy", "list").err


def test_who_may_sleep_on_is_said_when_it_is_saved(hub: Program) -> None:
    made = hub.call("policy", "create", "nights", "--step", "destination:ops")
    assert (made.code, "If nobody answers, nobody else is notified" in made.err) == (0, True), made
    edited = hub.call("policy", "edit", "nights", "--then", "boss")
    assert (edited.code, edited.err) == (0, ""), edited
    shown(hub, "delete", "nights")


def test_what_is_shown_as_json_makes_another(hub: Program, tmp_path: Path) -> None:
    condition = {"min_severity": "HIGH", "matchers": [], "hours": []}
    shown(hub, "create", "first", "--step", "destination:ops", "--ack-timeout", "never")
    document = json.loads(shown(hub, "show", "first", "--json"))
    document["steps"][0]["condition"] = condition
    (tmp_path / "policy.json").write_text(json.dumps(document))
    shown(hub, "create", "second", "--from", str(tmp_path / "policy.json"), "--repeat", "3")
    made = json.loads(shown(hub, "show", "second", "--json"))
    assert (made["name"], made["repeat"], made["ack_timeout_minutes"]) == ("second", 3, 0)
    assert made["steps"][0]["condition"] == condition
    assert "only HIGH or worse" in shown(hub, "show", "second")
    for name in ("first", "second"):
        shown(hub, "delete", name)


def test_a_forecast_is_read_off_at_eighty_columns(hub: Program) -> None:
    steps = ("--step", "user:Ana", "--step", "destination:ops", "--wait", "10m")
    shown(hub, "create", "nights", *steps)
    said = shown(
        hub, "preview", "nights", "--at", "2026-03-31T23:55", "--timezone", "Europe/Vienna"
    )
    assert said.splitlines() == [
        "A CRITICAL alert opens Tue 31 Mar 2026 23:55 (Europe/Vienna), and nobody answers:",
        "when       step  who     by          because",
        "Tue 23:55  1     Ana     email home",
        "Wed 00:05  2     ops     webhook",
        "Wed 00:15  end   nobody              nobody has answered",
        "! If nobody answers, nobody else is notified: neither the policy nor the workspace has a"
        " destination for that.",
    ]
    asked = ("preview", "nights", "--severity", "low", "-l", "team=db", "--json")
    forecast = json.loads(shown(hub, *asked))
    assert (forecast["severity"], forecast["labels"]) == ("LOW", {"team": "db"})
    ended = hub.call("policy", "readiness", "nights")
    assert ended.code == 1
    assert "at once" in ended.out
    shown(hub, "edit", "nights", "--then", "boss")
    assert "nights is ready." in shown(hub, "readiness", "nights")
    shown(hub, "delete", "nights")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--step"),
        (("--step", "ana"), "must read schedule:NAME"),
        (("--step", "destination:nope"), "there are boss, ops"),
        (("--step", "destination:ops", "--wait", "soon"), "--wait"),
        ((*("--step", "destination:ops") * 3, "--wait", "1m", "--wait", "2m"), None),
        ((*("--step", "destination:ops") * 4, "--wait", "1m", "--wait", "2m"), "once for each"),
        (("--step", "destination:ops", "--round-robin", "2"), "1 to 1"),
    ],
)
def test_a_mistake_is_said(hub: Program, arguments: tuple[str, ...], words: str | None) -> None:
    ended = hub.call("policy", "create", "x", *arguments)
    if words is None:
        assert ended.code == 0, ended
        shown(hub, "delete", "x")
    else:
        assert (ended.code != 0, words in ended.err) == (True, True), ended


def test_the_doctor_names_policies_that_would_not_wake_everybody(hub: Program) -> None:
    def found() -> list[tuple[str, str]]:
        looked = hub.call("doctor", "--json")
        return [
            (each["health"], each["found"])
            for each in json.loads(looked.out)
            if each["check"] == "escalation"
        ]

    shown(hub, "create", "nights", "--step", "destination:ops", "--then", "boss")
    assert found() == []
    assert hub.call("rule", "create", "critical", "--policy", "nights").code == 0
    assert found() == [("ok", "1 policy in use would wake somebody")]
    assert hub.call("destination", "disable", "ops").code == 0
    assert found() == [("note", "nights in default: Step 1 notifies ops, which is off.")]
    assert hub.call("destination", "enable", "ops").code == 0
    assert hub.call("rule", "delete", "critical").code == 0
    shown(hub, "delete", "nights")


def test_a_rule_names_somebody(hub: Program) -> None:
    assert hub.call("rule", "create", "x").code == 2
