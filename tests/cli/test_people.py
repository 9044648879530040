"""People on the command line, on a database of one's own; no server runs."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.cli.program import Program
from tests.support.postgres import Database
from tests.support.workspace import Workspace
from tocsin.access.contact_codes import ContactCodes
from tocsin.model import Secret, utc_now, uuid7


def _json(tocsin: Program, *arguments: str) -> Any:
    ended = tocsin.call(*arguments, "--json")
    assert ended.code == 0, ended
    return json.loads(ended.out)


@pytest.fixture
def ana(tocsin: Program) -> Any:
    return _json(tocsin, "user", "create", "--email", "ana@example.org", "--name", "Ana")


def test_people_are_made_listed_changed_and_removed(tocsin: Program, ana: Any) -> None:
    assert (ana["name"], ana["role"], ana["timezone"]) == ("Ana", "responder", "UTC")
    assert tocsin.call("user", "create", "--email", "ANA@example.org").code == 1
    listed = tocsin.call("user", "list")
    assert "ana@example.org" in listed.out
    edited = _json(
        tocsin,
        *("user", "edit", "Ana", "--role", "admin", "--timezone", "Europe/Vienna"),
        *("--quiet", "22:00-07:00", "--quiet", "sat,sun 00:00-09:00 UTC"),
    )
    assert (edited["role"], edited["timezone"]) == ("admin", "Europe/Vienna")
    shown = tocsin.call("user", "show", "ana@example.org").out
    assert "22:00-07:00 Europe/Vienna; sat,sun 00:00-09:00 UTC" in shown
    assert _json(tocsin, "user", "edit", "Ana", "--quiet", "none")["quiet_hours"] is None
    assert tocsin.call("user", "edit", "Ana").code == 2
    assert tocsin.call("user", "edit", "Ana", "--quiet", "at night").code == 2
    assert tocsin.call("user", "disable", ana["id"][:20]).code == 0
    assert "disabled" in tocsin.call("user", "list").out
    assert tocsin.call("user", "enable", "Ana").code == 0
    assert tocsin.call("user", "delete", "Ana").code == 0
    assert tocsin.call("user", "show", "Ana").code == 3
    assert _json(tocsin, "user", "list") == []


def test_a_password_is_read_from_standard_input(tocsin: Program, database: Database) -> None:
    given = ("user", "create", "--email", "ben@example.org", "--password-stdin")
    with mock.patch("tocsin.cli.user.read_text", return_value="correct horse battery\n"):
        made = tocsin.call(*given)
    assert made.code == 0, made
    with database.connect() as connection:
        ((stored,),) = connection.execute("SELECT password_hash FROM users").fetchall()
    assert stored.startswith("$argon2id$")
    with mock.patch("tocsin.cli.user.read_text", return_value="short\n"):
        assert tocsin.call("user", "edit", "ben", "--password-stdin").code == 2


def test_an_invitation_is_a_link_and_nothing_else(tocsin: Program) -> None:
    invited = tocsin.call("user", "invite", "ben@example.org", "--role", "viewer")
    assert invited.code == 0, invited
    assert "/invitations/tsi_" in invited.out
    assert len(invited.out.split()) == 1


def test_a_link_signs_in_once(tocsin: Program, database: Database) -> None:
    first = tocsin.call("user", "sign-in-link").out.strip()
    assert "/enter/tsl_" in first
    with mock.patch("tocsin.cli.user.read_text", return_value="correct horse battery\n"):
        tocsin.call("user", "create", "--email", "ben@example.org", "--password-stdin")
    nobody = tocsin.call("user", "sign-in-link")
    assert nobody.code == 1
    assert nobody.complaints == ["Somebody can sign in already; say whom the link is for."]
    made = _json(tocsin, "user", "sign-in-link", "ben@example.org", "--new-password")
    assert made["url"].partition("/enter/")[2].startswith("tsl_")
    with database.connect() as connection:
        rows = connection.execute("SELECT purpose FROM sign_in_links ORDER BY purpose").fetchall()
    assert rows == [("new_password",), ("set_up",)]


def test_a_contact_method_is_added_verified_and_put_to_use(
    tocsin: Program, ana: Any, database: Database
) -> None:
    added = _json(
        tocsin,
        *("user", "contact", "add", "Ana", "--type", "email", "--label", "work"),
        *("--set", "recipients=ana.lee@example.org"),
    )
    assert added["verified_at"] is None
    listed = tocsin.call("user", "contact", "list", "Ana").out
    assert "work" in listed
    assert "ana.lee" not in listed
    assert tocsin.call("user", "contact", "code", "Ana", "work").code == 1, "one a minute"
    with database.connect() as connection:
        ((delivery_id,),) = connection.execute("SELECT id FROM alert_deliveries").fetchall()
    keys = [Secret(tocsin.settings["TOCSIN_SECRET_KEY"])]
    code = ContactCodes(keys).code(delivery_id)
    wrong = "111111" if code != "111111" else "222222"
    assert tocsin.call("user", "contact", "verify", "Ana", "work", wrong).code == 2
    assert tocsin.call("user", "contact", "verify", "Ana", "email", code).code == 0
    assert _json(tocsin, "user", "show", "Ana")["is_reachable"] is True

    kept = _json(tocsin, "user", "rules", "Ana", "--high", "0=work", "--low", "1h=work")
    assert [(each["urgency"], each["delay_seconds"]) for each in kept] == [
        ("high", 0),
        ("low", 3600),
    ]
    shown = tocsin.call("user", "rules", "Ana").out
    assert "at once" in shown
    assert "60 min" in shown
    assert tocsin.call("user", "rules", "Ana", "--high", "0=pigeon").code == 3
    wished = ("--high", "0=work", "--low", "1h=work", "--no-end", "work")
    assert [line["says_end"] for line in _json(tocsin, "user", "rules", "Ana", *wished)] == [
        False
    ] * 2
    lonely = tocsin.call("user", "rules", "Ana", "--says-end", "work")
    assert lonely.code == 2
    assert "no line names 'work'" in lonely.err
    assert tocsin.call("user", "rules", "Ana", "--high", "work").code == 2
    assert _json(tocsin, "user", "rules", "Ana", "--clear") == []
    assert tocsin.call("user", "contact", "disable", "Ana", "work").code == 0
    assert _json(tocsin, "user", "show", "Ana")["is_reachable"] is False
    assert tocsin.call("user", "contact", "enable", "Ana", "work").code == 0
    assert tocsin.call("user", "contact", "delete", "Ana", "work").code == 0
    assert _json(tocsin, "user", "contact", "list", "Ana") == []


def test_whoever_runs_the_installation_makes_a_key_of_somebodys_own(
    tocsin: Program, ana: Any
) -> None:
    made = _json(tocsin, "api-key", "create", "--role", "responder", "--user", "ana@example.org")
    assert made["user_id"] == ana["id"]
    assert made["key"].startswith("tsn_")


def test_who_cannot_be_reached_is_not_asked_and_the_command_says_what_to_do(
    tocsin: Program, ana: Any, database: Database
) -> None:
    workspace = Workspace(database.url)
    alert_id, now = uuid7(), utc_now()
    workspace.insert(
        "alerts",
        id=alert_id,
        workspace_id=workspace.id,
        tenant_id=workspace.tenant_id,
        integration_id=workspace.sender().id,
        title="Disk full",
        severity="HIGH",
        status="OPEN",
        source="shop",
        labels=Json({}),
        metadata=Json({}),
        **dict.fromkeys(("triggered_at", "last_received_at", "last_signal_at"), now),
    )
    for command, place in (
        (("assign", "last", "Ana"), "/user_id"),
        (("page", "Ana", "--alert", "last"), "/user_ids/0"),
    ):
        ended = tocsin.call(*command)
        assert ended.code == 2, ended
        assert f"{place}: Ana has no contact method that is verified" in ended.err
        assert "on their own page" in ended.err
    workspace.contact_method(UUID(ana["id"]))
    assert tocsin.call("page", "Ana", "--alert", "last").code == 0
