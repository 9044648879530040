"""What strangers wrote reaches a terminal as text: no command lets through what commands it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cli.program import Ended, Program, on_database
from tests.support.postgres import Server
from tocsin.cli.kit.terminal import MARK, visible

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202e\u2066\u200b\u2028\ufeff\U000e0041\u3164[red]x[/red]"
)
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What Rich itself says to a terminal: colours, and the line of a spinner.
_RICH = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[1A|\x1b\[2K|\r")

_TEXTS = {
    "heartbeats": ("name",),
    "workspaces": ("name",),
    "tenants": ("name",),
    "integrations": ("name",),
    "alert_destinations": ("name",),
    "alert_rules": ("name",),
    "escalation_policies": ("name",),
    "silences": ("comment", "author"),
    "maintenance_windows": ("name", "comment", "author"),
    "inhibition_rules": ("name",),
    "api_keys": ("name",),
    "webhook_deliveries": ("error_message", "idempotency_key"),
    "alert_deliveries": ("last_error_message",),
    "alerts": ("source", "external_id", "description"),
}


@dataclass(frozen=True)
class Stored:
    """A program whose database holds hostile text wherever a stranger could have put it."""

    program: Program
    ids: dict[str, str]


@pytest.fixture(scope="module")
def stored(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with postgres_server.database() as database:
        folder = tmp_path_factory.mktemp("hostile")
        program = on_database(database, folder)
        body = folder / "body.json"
        body.write_text(
            json.dumps({"title": HOSTILE, "labels": {HOSTILE: HOSTILE}, "raw": HOSTILE})
        )
        with program.serving() as url:
            for arguments in (
                ("integration", "create", "shop"),
                ("tenant", "create", "acme"),
                ("api-key", "create"),
                (
                    "destination",
                    "create",
                    "hook",
                    "--type",
                    "webhook",
                    "--set",
                    "url=https://e.com/",
                ),
                ("rule", "create", "all", "--to", "hook"),
                ("policy", "create", "nights", "--step", "destination:hook"),
                ("destination", "disable", "hook"),
                ("silence", "create", "-m", "a=b", "-c", "why"),
                ("inhibition", "create", "down", "--source", "a=b", "--target", "c=d"),
                ("maintenance", "create", "patch", "-m", "severity=HIGH", "-c", "why"),
                ("send", str(body), "-i", "shop", "--url", url),
                ("act", "note", "last", "--note", HOSTILE),
            ):
                done = program.call(*arguments)
                assert done.code == 0, (arguments, done)
        ids = {}
        with database.connect() as connection:
            connection.execute(
                "INSERT INTO integration_tokens"
                " (id, workspace_id, integration_id, label, prefix, token_hash)"
                " SELECT gen_random_uuid(), workspace_id, id, %s, %s, 'x' FROM integrations",
                [HOSTILE, HOSTILE],
            )
            connection.execute(
                "INSERT INTO heartbeats (id, workspace_id, tenant_id, integration_id, name, slug,"
                " kind, period_seconds, grace_seconds) SELECT gen_random_uuid(), workspace_id,"
                " tenant_id, id, 'job', 'job', 'interval', 3600, 300 FROM integrations"
            )
            connection.execute(
                "INSERT INTO heartbeat_statuses (heartbeat_id) SELECT id FROM heartbeats"
            )
            for table, columns in _TEXTS.items():
                for column in columns:
                    connection.execute(f"UPDATE {table} SET {column} = %s", [HOSTILE])
                found = connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
                assert found is not None, table
                ids[table] = str(found[0])
            connection.execute(
                "INSERT INTO alert_delivery_attempts"
                " (alert_delivery_id, number, started_at, duration_ms, outcome, message)"
                " SELECT id, 1, created_at, 5, 'failed', %s FROM alert_deliveries",
                [HOSTILE],
            )
            connection.execute(
                "UPDATE audit_events SET actor = jsonb_build_object('kind', 'user', 'name', %s::text)",
                [HOSTILE],
            )
            connection.execute(
                "UPDATE webhook_deliveries SET headers = jsonb_build_object(%s::text, %s::text)",
                [HOSTILE, HOSTILE],
            )
        yield Stored(program, ids)


_COMMANDS = (
    ("alerts",),
    ("alert", "last", "--payload"),
    ("explain", "last"),
    ("webhooks",),
    ("webhook", "{webhook_deliveries}"),
    ("act", "note", "last", "--note", "seen"),
    ("delivery", "list"),
    ("delivery", "show", "{alert_deliveries}"),
    ("integration", "list"),
    ("integration", "show", "{integrations}"),
    ("integration", "rotate-secret", "{integrations}"),
    ("integration", "token", "list", "{integrations}"),
    ("destination", "list"),
    ("destination", "enable", "{alert_destinations}"),
    ("rule", "list"),
    ("rule", "preview"),
    ("rule", "enable", "{alert_rules}"),
    ("policy", "list"),
    ("policy", "show", "{escalation_policies}"),
    ("policy", "preview", "{escalation_policies}"),
    ("policy", "readiness", "{escalation_policies}"),
    ("silence", "list"),
    ("heartbeat", "list"),
    ("heartbeat", "show", "{heartbeats}"),
    ("silence", "create", "-m", "severity=HIGH", "--preview"),
    ("inhibition", "list"),
    ("inhibition", "enable", "{inhibition_rules}"),
    ("maintenance", "list"),
    ("maintenance", "show", "{maintenance_windows}"),
    ("maintenance", "preview", "{maintenance_windows}"),
    ("maintenance", "end", "{maintenance_windows}"),
    ("workspace", "list"),
    ("tenant", "list"),
    ("api-key", "list"),
    ("audit",),
    ("rule", "delete", "no-such-rule"),
)
_WITHOUT_STORED_TEXT = (("replay", "{webhook_deliveries}", "--dry-run"), ("doctor",))


@pytest.mark.parametrize("at_terminal", [True, False])
@pytest.mark.parametrize("command", [*_COMMANDS, *_WITHOUT_STORED_TEXT])
def test_nothing_stored_commands_the_terminal(
    stored: Stored, command: tuple[str, ...], at_terminal: bool
) -> None:
    ended = _call(stored, command, at_terminal=at_terminal)
    said = ended.out + ended.err
    assert "Traceback" not in said
    if command in _COMMANDS:
        assert MARK in said, "it shows no stored text: the test proves nothing"
    assert _hidden(_RICH.sub("", said)) == []


@pytest.mark.parametrize("command", [each for each in _COMMANDS if each[-1] != "preview"])
def test_json_is_ascii(stored: Stored, command: tuple[str, ...]) -> None:
    ended = _call(stored, (*command, "--json"), at_terminal=False)
    if ended.code == 0:
        assert ended.out.isascii()
        assert _HIDDEN.search(ended.out) is None
        json.loads(ended.out)


def test_a_row_in_a_pipe_is_one_line(stored: Stored) -> None:
    """A title cannot pass for a row of its own."""
    assert len(_call(stored, ("alerts",), at_terminal=False).out.splitlines()) == 2


def test_what_languages_and_emoji_need_is_shown() -> None:
    for text in ("می\u200cخواهم", "👩\u200d🚒", "a\tb\nc", "Grüße 東京 ✓"):
        assert visible(text) == text


@pytest.mark.parametrize(
    "character", ["\x1b", "\x9b", "\u202e", "\u2067", "\u200f", "\u061c", "\ud800"]
)
def test_what_commands_or_cannot_be_seen_is_marked(character: str) -> None:
    assert visible(f"a{character}b") == f"a{MARK}b"


def _call(stored: Stored, command: tuple[str, ...], *, at_terminal: bool) -> Ended:
    arguments = [each.format(**stored.ids) for each in command]
    return stored.program.call(*arguments, at_terminal=at_terminal)


def _hidden(text: str) -> list[str]:
    return [
        each
        for each in text
        if each not in "\n\t\u200c\u200d"
        and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
