"""Commands without a server, on a database of one's own."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.support.postgres import Database


def test_api_keys_are_made_listed_and_revoked(tocsin: Program) -> None:
    key = tocsin.call("api-key", "create", "--role", "viewer", "--name", "ci").out.strip()
    assert re.fullmatch(r"tsn_[0-9A-Za-z]{43}", key)
    listed = tocsin.call("api-key", "list")
    assert "ci" in listed.out
    assert key[:12] in listed.out
    assert key not in listed.out
    assert tocsin.call("api-key", "revoke", key).code == 0
    assert json.loads(tocsin.call("api-key", "list", "--json").out) == []
    assert tocsin.call("api-key", "revoke", key).code == 3


def test_tokens_of_an_integration_are_added_listed_and_revoked(
    tocsin: Program, tmp_path: Path
) -> None:
    tocsin.call("integration", "create", "prom", "--type", "alertmanager")
    made = tocsin.call("integration", "token", "add", "prom", "--label", "eu-2").out.strip()
    file = tmp_path / "key"
    file.write_text("the-key-that-the-sender-has\n")
    own = tocsin.call("integration", "token", "add", "prom", "--label", "us", "--token", str(file))
    assert own.out.strip() == "the-key-that-the-sender-has"
    listed = tocsin.call("integration", "token", "list", "prom")
    assert "eu-2" in listed.out
    assert f"{made[:4]}…" in listed.out
    assert made not in listed.out
    assert tocsin.call("integration", "token", "revoke", "prom", "us").code == 0
    assert tocsin.call("integration", "token", "revoke", "prom", made).code == 0
    assert json.loads(tocsin.call("integration", "token", "list", "prom", "--json").out) == []
    assert tocsin.call("integration", "token", "revoke", "prom", made).code == 3


def test_a_workspace_comes_with_a_key_of_its_own(tocsin: Program) -> None:
    made = tocsin.call("workspace", "create", "night-shift", "--name", "Night shift")
    assert made.code == 0, made
    assert re.fullmatch(r"tsn_\w{43}\n", made.out)
    slugs = [each["slug"] for each in json.loads(tocsin.call("workspace", "list", "--json").out)]
    assert slugs == ["default", "night-shift"]
    assert tocsin.call("workspace", "create", "night-shift").code == 1
    assert tocsin.call("api-key", "create", "--workspace", "night-shift").code == 0


def test_what_is_done_is_in_the_audit_log_by_login_name(
    tocsin: Program, database: Database
) -> None:
    assert tocsin.call("integration", "create", "shop").code == 0
    with database.connect() as connection:
        rows = connection.execute("SELECT actor ->> 'name', action FROM audit_events").fetchall()
    assert [action for _, action in rows] == ["created"]
    assert rows[0][0].startswith("command line (")


def test_a_secret_is_rotated_and_shown_once(tocsin: Program) -> None:
    first = json.loads(tocsin.call("integration", "create", "shop", "--json").out)
    second = json.loads(tocsin.call("integration", "rotate-secret", "shop", "--json").out)
    assert first["webhook_secret"] != second["webhook_secret"]
    listed = tocsin.call("integration", "list", "--json").out
    assert first["webhook_secret"] not in listed
    assert second["webhook_secret"] not in listed


def test_tenants_are_made_and_listed(tocsin: Program) -> None:
    assert tocsin.call("tenant", "create", "acme", "--name", "Acme Ltd").code == 0
    slugs = {each["slug"] for each in json.loads(tocsin.call("tenant", "list", "--json").out)}
    assert slugs == {"default", "acme"}
    assert tocsin.call("tenant", "create", "acme").code == 1
    audited = tocsin.call("audit").out
    assert "created  tenant" in audited
    assert "command line (" in audited


def test_rules_name_destinations_and_can_be_tried(tocsin: Program) -> None:
    url = "url=https://example.com/hook"
    made = tocsin.call("destination", "create", "log", "-t", "webhook", "-s", url)
    assert made.code == 0, made
    assert "whsec_" in made.out
    rule = tocsin.call(
        "rule", "create", "shop", "--to", "log", "-m", "service=~shop-.*", "--min-severity", "high"
    )
    assert rule.code == 0, rule
    listed = tocsin.call("rule", "list").out
    assert "HIGH or worse, service=~shop-.*" in listed
    assert "log" in listed
    assert tocsin.call("rule", "preview", "-m", "service=shop-1", "--json").code == 0
    assert tocsin.call("rule", "create", "other", "--to", "nowhere").code == 3
    assert tocsin.call("rule", "create", "other", "--to", "log", "-m", "nonsense").code == 2
    night = "mon,tue 22:00-07:00 Europe/Berlin"
    for wrong in (("--quiet", "at night"), ("--unless", "team=web,nonsense")):
        assert tocsin.call("rule", "create", "other", "--to", "log", *wrong).code == 2
    exempt = ("--unless", "team=web,size=~1,,000", "--unless", "labels.severity=low")
    quiet = ("--quiet", night, "--quiet", "00:00-06:00 UTC", "--quiet-breakthrough", "critical")
    cooldown = ("--cooldown", "1h", "--cooldown-breakthrough", "high", "--remind-every", "4h")
    made = tocsin.call(
        "rule", "create", "other", "--to", "log", *exempt, *quiet, *cooldown, "--json"
    )
    row = json.loads(made.out)
    assert [[each["value"] for each in matchers] for matchers in row["unless"]] == [
        ["web", "1,000"],
        ["low"],
    ]
    assert [(each["days"][:2], each["start"]) for each in row["quiet_hours"]] == [
        (["mon", "tue"], "22:00"),
        (["mon", "tue"], "00:00"),
    ]
    assert row["quiet_hours"][0]["breakthrough_severity"] == "CRITICAL"
    assert row["cooldown_breakthrough_severity"] == "HIGH"
    assert (row["cooldown_seconds"], row["remind_every_seconds"]) == (3_600, 14_400)
    assert "unless team=web and size=~1,000" in " ".join(tocsin.call("rule", "list").out.split())
    tried = tocsin.call("rule", "preview", "--unless", "team=web")
    assert "In the last 7 days: 0 of 0 alerts match, 0 of them over within 3 min." in tried.err
    assert tocsin.call("rule", "delete", "other").code == 0
    assert tocsin.call("destination", "delete", "log").code == 1
    assert tocsin.call("rule", "delete", "shop").code == 0
    assert tocsin.call("destination", "delete", "log").code == 0


def test_a_silence_is_made_listed_and_ended(tocsin: Program) -> None:
    assert tocsin.call("silence", "create", "--comment", "no matcher").code == 2
    made = tocsin.call(
        "silence", "create", "-m", "team=growth", "--for", "1d12h", "-c", "known", "--json"
    )
    assert made.code == 0, made
    silence = json.loads(made.out)["id"]
    assert "team=growth" in tocsin.call("silence", "list").out
    assert tocsin.call("silence", "expire", silence).code == 0
    assert json.loads(tocsin.call("silence", "list", "--json").out) == []


def test_an_unknown_workspace_is_not_found(tocsin: Program) -> None:
    ended = tocsin.call("alerts", "--workspace", "nowhere")
    assert ended.code == 3
    assert ended.complaints == [
        "there is no workspace 'nowhere'; `tocsin workspace list` shows what there is"
    ]


def test_there_is_no_last_alert_before_the_first(tocsin: Program) -> None:
    ended = tocsin.call("explain", "last")
    assert (ended.code, ended.complaints) == (3, ["there is no alert yet"])


def test_sending_needs_a_server(tocsin: Program, tmp_path: Path) -> None:
    assert tocsin.call("integration", "create", "shop").code == 0
    body = tmp_path / "body.json"
    body.write_text("{}")
    ended = tocsin.call("send", "-i", "shop", str(body))
    assert ended.code == 4
    assert "tocsin serve" in ended.complaints[0]
    gone = tocsin.call("send", "-i", "shop", str(body), "--url", "http://127.0.0.1:9")
    assert gone.code == 4
    assert gone.complaints == ["no answer from http://127.0.0.1:9: Connection refused"]


def test_a_message_that_waits_for_a_rate_says_so_and_until_when(
    tocsin: Program, database: Database
) -> None:
    """In a list in few words, and by itself in whole ones."""
    url = "url=https://example.com/hook"
    tocsin.call("destination", "create", "log", "-t", "webhook", "-s", url)
    assert tocsin.call("destination", "test", "log", "--wait", "0").code == 4
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO destination_states (alert_destination_id, rate_used_until)"
            " SELECT id, '2099-01-01T12:30:00Z' FROM alert_destinations"
        )
    assert "rate until 12:30:00" in tocsin.call("delivery", "list").out
    shown = tocsin.call("delivery", "show", "last").out
    assert "its destination's rate limit is reached" in " ".join(shown.split())
    assert "the next message may go at" in " ".join(shown.split())


def test_migrate_check_lists_what_drifted(tocsin: Program, database: Database) -> None:
    assert tocsin.call("migrate", "--check").code == 0
    with database.connect() as connection:
        connection.execute("DROP INDEX ix_alerts_external_id")
    checked = tocsin.call("migrate", "--check")
    assert checked.code == 1
    assert "ix_alerts_external_id" in checked.out
    document = json.loads(tocsin.call("migrate", "--check", "--json").out)
    assert document["up_to_date"] is False


def test_migrate_check_lists_what_is_pending(tocsin: Program, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    checked = tocsin.call("migrate", "--check")
    assert checked.code == 1
    assert checked.out.startswith("pending: 0001")
    assert tocsin.call("migrate").code == 0
    assert tocsin.call("migrate", "--check").code == 0


def test_every_fault_of_the_settings_is_said_in_a_line_of_its_own(tocsin: Program) -> None:
    wrong = Program({**tocsin.settings, "TOCSIN_PORT": "x", "TOCSIN_PROT": "1"})
    ended = wrong.call("alerts")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.complaints == [
        "TOCSIN_PROT is not a setting of Tocsin; see docs/operations/settings.md",
        "TOCSIN_PORT must be a whole number from 0 to 65535",
    ]


def test_a_database_that_is_away_is_said_in_one_line(tocsin: Program) -> None:
    away = "postgresql://nobody:hunter2@127.0.0.1:9/tocsin"
    ended = Program({**tocsin.settings, "TOCSIN_DATABASE_URL": away}).call("alerts")
    assert ended.code == 4
    assert len(ended.complaints) == 1
    assert "cannot be reached" in ended.complaints[0]
    assert "hunter2" not in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", [("nonsense",), ("alerts", "--nonsense"), ("send",)])
def test_wrong_arguments_end_with_two(tocsin: Program, arguments: tuple[str, ...]) -> None:
    assert tocsin.call(*arguments).code == 2


def test_the_doctor_says_what_is_wrong(tocsin: Program, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    looked = Program({**tocsin.settings, "TOCSIN_DATA_DIR": str(folder)}).call("doctor")
    assert looked.code == 1
    assert f"chmod go-w {folder}" in looked.out
    assert folder.stat().st_mode & stat.S_IWOTH


def test_the_doctor_tries_the_mail_server(tocsin: Program) -> None:
    mail = {"TOCSIN_SMTP_URL": "smtp://ops:hunter2@127.0.0.1:9", "TOCSIN_MAIL_FROM": "a@b.example"}
    looked = Program({**tocsin.settings, **mail}).call("doctor")
    assert looked.code == 1
    assert "127.0.0.1:9: Connection refused" in looked.out
    assert "hunter2" not in looked.out + looked.err


def test_the_doctor_makes_keys_that_settings_take(tocsin: Program) -> None:
    key = tocsin.call("doctor", "--new-key").out.strip()
    assert Program({**tocsin.settings, "TOCSIN_SECRET_KEY": key}).call("alerts").code == 0


def test_what_becomes_of_the_alerts_of_an_integration_can_be_changed(tocsin: Program) -> None:
    assert tocsin.call("integration", "create", "shop").code == 0
    for span, shown in (("24h", "after 1440 min without news"), ("never", "never")):
        assert tocsin.call("integration", "change", "shop", "--auto-resolve", span).code == 0
        assert shown in tocsin.call("integration", "show", "shop").out
    for option, shown in (("--no-flapping", "not counted"), ("--flapping", "counted")):
        assert tocsin.call("integration", "change", "shop", option).code == 0
        assert f"flapping      {shown}" in tocsin.call("integration", "show", "shop").out
    assert tocsin.call("integration", "change", "shop").code == 2
    assert tocsin.call("integration", "change", "shop", "--auto-resolve", "1m").code == 2


def test_maintenance_is_made_shown_previewed_ended_and_deleted(tocsin: Program) -> None:
    assert tocsin.call("maintenance", "create", "patch").code == 2
    create = ("maintenance", "create", "patch", "-m", "team=db", "--for", "90m")
    weekly = ("--at", "2036-01-01T02:00", "--timezone", "Europe/Berlin")
    weekly += ("--repeat", "FREQ=WEEKLY;BYDAY=TU", "--except", "2036-01-08T02:00")
    preview = tocsin.call(*create, *weekly, "--preview")
    assert (preview.code, "2036-01-15 02:00" in preview.out) == (0, True), preview
    assert "2036-01-08" not in preview.out
    assert "There is no maintenance." in tocsin.call("maintenance", "list").err
    made = tocsin.call(*create, *weekly, "--breakthrough", "critical", "--json")
    assert made.code == 0, made
    window = json.loads(made.out)
    assert (window["duration_minutes"], window["breakthrough_severity"]) == (90, "CRITICAL")
    assert "team=db" in tocsin.call("maintenance", "list").out
    assert "FREQ=WEEKLY;BYDAY=TU" in tocsin.call("maintenance", "show", "patch").out
    assert tocsin.call("maintenance", "preview", window["id"][:13]).code == 0
    assert "did not last" in tocsin.call("maintenance", "end", "patch").err
    assert tocsin.call("maintenance", "create", "odd", "-m", "a=b", "--repeat", "DAILY").code == 2
    assert tocsin.call("maintenance", "delete", "last").code == 0
    assert json.loads(tocsin.call("maintenance", "list", "--all", "--json").out) == []
    assert tocsin.call(*create).code == 0
    assert "has ended" in tocsin.call("maintenance", "end", "patch").err
    assert json.loads(tocsin.call("maintenance", "list", "--json").out) == []


def test_what_breaks_through_a_silence_or_a_cooldown_is_named(tocsin: Program) -> None:
    made = tocsin.call(
        "silence", "create", "-m", "a=b", "-c", "why", "--breakthrough", "HIGH", "--json"
    )
    assert json.loads(made.out)["breakthrough_severity"] == "HIGH"
    destination = (
        "destination",
        "create",
        "log",
        "--type",
        "webhook",
        "--set",
        "url=https://e.com/",
    )
    assert tocsin.call(*destination).code == 0
    made = tocsin.call(
        *("rule", "create", "all", "--to", "log", "--cooldown", "1h"),
        *("--cooldown-breakthrough", "critical", "--json"),
    )
    assert json.loads(made.out)["cooldown_breakthrough_severity"] == "CRITICAL"


def test_inhibition_is_made_listed_switched_and_deleted(tocsin: Program) -> None:
    assert tocsin.call("inhibition", "create", "down", "--source", "a=b").code == 2
    create = ("inhibition", "create", "down", "--source", "check=ping", "--target", "check=disk")
    made = tocsin.call(*create, "--equal", "host", "--delay", "10s", "--grace", "2m", "--json")
    assert made.code == 0, made
    rule = json.loads(made.out)
    assert (rule["equal"], rule["delay_seconds"], rule["grace_seconds"]) == (["host"], 10, 120)
    assert "check=disk" in tocsin.call("inhibition", "list").out
    back = ("inhibition", "create", "back", "--source", "check=disk", "--target", "check=ping")
    refused = tocsin.call(*back)
    assert (refused.code, "“back” → “down” → “back”" in refused.err) == (2, True), refused
    assert tocsin.call("inhibition", "disable", "down").code == 0
    assert tocsin.call(*back).code == 0
    assert tocsin.call("inhibition", "enable", "down").code == 2
    assert tocsin.call("inhibition", "delete", "down").code == 0
    assert len(json.loads(tocsin.call("inhibition", "list", "--json").out)) == 1
