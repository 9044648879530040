"""Data folders that cannot be used: every command says so in one line, and none writes where it only
reads."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from tests.cli.program import Program
from tests.store.embedded import IS_ROOT, NOBODY, python
from tests.support.postgres import Database
from tocsin.cli import app

ROOT = Path(__file__).parents[2]
SOME_ID = "0199a000-0000-7000-8000-000000000000"

COMMANDS: dict[str, tuple[str, ...]] = {
    "serve": ("--port", "0"),
    "demo": ("--data-dir", "{folder}", "--seconds", "0.1", "--port", "0"),
    "send": ("{body}", "-i", "shop", "--url", "http://127.0.0.1:9"),
    "alerts": (),
    "alert": ("last",),
    "explain": ("last",),
    "webhooks": (),
    "webhook": (SOME_ID,),
    "replay": (SOME_ID,),
    "act": ("resolve", "last"),
    "bulk act": ("resolve", "severity:low"),
    "bulk list": (),
    "bulk show": ("last",),
    "bulk cancel": ("last",),
    "bulk undo": ("last",),
    "delivery list": (),
    "delivery show": (SOME_ID,),
    "delivery retry": (SOME_ID,),
    "delivery cancel": (SOME_ID,),
    "delivery retry-failed": (),
    "integration create": ("shop", "--type", "alertmanager"),
    "integration list": (),
    "integration show": ("shop",),
    "integration rotate-secret": ("shop",),
    "integration change": ("shop", "--auto-resolve", "24h"),
    "mapping preview": ("shop", "--payload", "{body}"),
    "integration token add": ("shop", "--label", "second"),
    "integration token list": ("shop",),
    "integration token revoke": ("shop", SOME_ID),
    "destination create": ("hook", "--type", "webhook", "--set", "url=https://example.com/"),
    "destination list": (),
    "destination test": ("hook",),
    "destination enable": ("hook",),
    "destination disable": ("hook",),
    "destination delete": ("hook",),
    "rule create": ("all", "--to", "hook"),
    "rule list": (),
    "rule preview": (),
    "rule enable": ("all",),
    "rule disable": ("all",),
    "rule delete": ("all",),
    "escalate": ("last",),
    "assign": ("last", "ana"),
    "page": ("ana", "--alert", "last"),
    "on-call": (),
    "schedule create": ("nights", "ana"),
    "schedule list": (),
    "schedule show": ("nights",),
    "schedule edit": ("nights", "ana"),
    "schedule delete": ("nights",),
    "schedule override": ("nights", "ana", "--for", "1h"),
    "schedule overrides": ("nights",),
    "schedule undo": ("0199b4a2-0000-7000-8000-0000000000aa",),
    "schedule calendar": ("nights",),
    "schedule swap ask": ("nights", "ana", "--from", "2035-01-01", "--to", "2035-01-02"),
    "schedule swap list": (),
    "schedule swap take": ("last", "ana"),
    "schedule swap cancel": ("last",),
    "user create": ("--email", "ana@example.org"),
    "user invite": ("ana@example.org",),
    "user sign-in-link": ("ana",),
    "user list": (),
    "user show": ("ana",),
    "user edit": ("ana", "--name", "Ana"),
    "user enable": ("ana",),
    "user disable": ("ana",),
    "user rules": ("ana",),
    "user delete": ("ana",),
    "user contact add": ("ana", "--type", "email", "--set", "recipients=ana@example.org"),
    "user contact list": ("ana",),
    "user contact code": ("ana", "mail"),
    "user contact verify": ("ana", "mail", "042137"),
    "user contact test": ("ana", "mail"),
    "user contact enable": ("ana", "mail"),
    "user contact disable": ("ana", "mail"),
    "user contact delete": ("ana", "mail"),
    "policy create": ("nights", "--step", "destination:hook"),
    "policy edit": ("nights", "--repeat", "1"),
    "policy list": (),
    "policy show": ("nights",),
    "policy preview": ("nights",),
    "policy readiness": ("nights",),
    "policy delete": ("nights",),
    "silence create": ("-m", "a=b", "-c", "why"),
    "silence list": (),
    "silence expire": (SOME_ID,),
    "inhibition create": ("down", "--source", "a=b", "--target", "c=d"),
    "inhibition list": (),
    "inhibition enable": ("down",),
    "inhibition disable": ("down",),
    "inhibition delete": ("down",),
    "maintenance create": ("patch", "-m", "a=b"),
    "maintenance list": (),
    "maintenance show": ("patch",),
    "maintenance preview": ("patch",),
    "maintenance extend": ("patch", "--for", "1h"),
    "maintenance end": ("patch",),
    "maintenance delete": ("patch",),
    "maintenance start": ("-m", "a=b", "--", "true"),
    "heartbeat create": ("job", "--every", "1h"),
    "heartbeat list": (),
    "heartbeat show": ("job",),
    "heartbeat pause": ("job",),
    "heartbeat resume": ("job",),
    "heartbeat rotate-token": ("job",),
    "heartbeat delete": ("job",),
    "workspace create": ("night",),
    "workspace set-fallback": ("hook",),
    "workspace list": (),
    "workspace show": (),
    "workspace edit": ("--set", "name=Day"),
    "tenant create": ("acme",),
    "tenant list": (),
    "tenant board": (),
    "retention": (),
    "api-key create": (),
    "api-key list": (),
    "api-key show": (SOME_ID,),
    "api-key revoke": (SOME_ID,),
    "doctor": (),
    "overview": (),
    "audit": (),
    "migrate": (),
    "backup": ("{folder}.tar",),
    "restore": ("{folder}.tar",),
    "database move": ("postgresql://127.0.0.1:1/new",),
    "destination show": ("hook",),
    "destination edit": ("hook", "--set", "name=hook-2"),
    "heartbeat edit": ("job", "--set", "grace_seconds=60"),
    "inhibition show": ("down",),
    "inhibition edit": ("down", "--set", "name=up"),
    "integration edit": ("shop", "--set", "name=shop-2"),
    "integration enable": ("shop",),
    "integration disable": ("shop",),
    "integration delete": ("shop",),
    "maintenance edit": ("patch", "--set", "name=patches"),
    "mapping suggest": ("shop",),
    "rule show": ("all",),
    "rule edit": ("all", "--set", "name=some"),
    "silence show": ("last",),
    "silence edit": ("last", "--set", "comment=why"),
    "tenant show": ("acme",),
    "tenant edit": ("acme", "--set", "name=Acme"),
    "tenant delete": ("acme",),
    "view create": ("mine", "status:open"),
    "view list": (),
    "view show": ("mine",),
    "view edit": ("mine", "--set", "name=ours"),
    "view delete": ("mine",),
}
READING = (
    *("alerts", "alert", "explain", "webhooks", "webhook", "audit", "send", "rule preview"),
    "overview",
    *(f"{group} list" for group in ("delivery", "integration", "destination", "rule", "silence")),
    "inhibition list",
    "bulk list",
    *("maintenance list", "maintenance show", "maintenance preview"),
    *("user list", "user show", "user contact list"),
    *("on-call", "schedule list", "schedule show", "schedule overrides", "schedule swap list"),
    *("policy list", "policy show", "policy preview", "policy readiness"),
    *("workspace list", "tenant list", "api-key list", "delivery show", "integration show"),
    *("integration token list", "heartbeat list", "heartbeat show"),
    *("destination show", "inhibition show", "rule show", "silence show", "tenant show"),
)

WITHOUT_A_FOLDER = {"heartbeat run", "receive", "settings"}
"""What is for machines on which there is no Tocsin but the program."""

# Runs every command in one process, perhaps as another user: importing takes longer than they do.
EVERY_COMMAND = """
import json, sys
sys.path.insert(0, sys.argv[2])
from tests.cli.program import Program
ended = {}
for name, settings, arguments in json.loads(sys.argv[1]):
    result = Program(settings).call(*arguments)
    ended[name] = [result.code, result.out, result.err]
print(json.dumps(ended))
"""


def test_every_command_is_among_them() -> None:
    assert set(COMMANDS) | WITHOUT_A_FOLDER == set(_names(typer.main.get_command(app)))


def _names(group: object, before: str = "") -> list[str]:
    found: list[str] = []
    for name, command in getattr(group, "commands", {}).items():
        whole = f"{before}{name}"
        found += _names(command, f"{whole} ") if hasattr(command, "commands") else [whole]
    return found


def _of_root(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    (folder / "postgres").mkdir(mode=0o700)
    return folder


def _of_root_to_read(folder: Path) -> Path:
    _of_root(folder).chmod(0o755)
    (folder / "secret.key").write_text("another user's")
    (folder / "secret.key").chmod(0o600)
    return folder


def _in_a_closed_folder(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    folder.chmod(0)
    return folder / "data"


@pytest.mark.skipif(not IS_ROOT, reason="only root can try what another user may do")
@pytest.mark.parametrize("make", [_of_root, _of_root_to_read, _in_a_closed_folder])
def test_the_folder_of_another_user_is_said_in_one_line(
    make: Callable[[Path], Path],
) -> None:
    # Not pytest's folder: every other run of it closes that to others again.
    with tempfile.TemporaryDirectory() as name:
        open_to_all = Path(name)
        open_to_all.chmod(0o755)
        _every_command_says_one_line(open_to_all, make(open_to_all / "hub"))


def test_a_file_for_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("a file")
    _every_command_says_one_line(tmp_path, tmp_path / "hub", as_nobody=False)


def _every_command_says_one_line(tmp_path: Path, folder: Path, *, as_nobody: bool = True) -> None:
    (tmp_path / "body.json").write_text("{}")
    calls = []
    for name, arguments in COMMANDS.items():
        given = [each.format(folder=folder, body=tmp_path / "body.json") for each in arguments]
        settings = {"TOCSIN_DATA_DIR": str(folder)}
        calls.append((name, settings, [*name.split(), *given]))
    process = python(EVERY_COMMAND, json.dumps(calls), ROOT, uid=NOBODY if as_nobody else None)
    said, _ = process.communicate(timeout=300)
    ended = json.loads(said.splitlines()[-1])
    assert set(ended) == set(COMMANDS)
    for name, (code, out, err) in ended.items():
        assert code not in (0, None), (name, out, err)
        assert "Traceback" not in out + err, (name, err)
        # The doctor answers with its findings: the folder is one of them.
        lines = [line for line in (out if name == "doctor" else err).splitlines() if line]
        assert len(lines) == 1 or name == "doctor", (name, lines)
        assert any(str(folder.parent) in line for line in lines), (name, lines, out, err)


@pytest.mark.parametrize("name", READING)
def test_a_command_that_reads_writes_nothing_into_an_empty_database(
    tocsin: Program, database: Database, tmp_path: Path, name: str
) -> None:
    with database.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    (tmp_path / "body.json").write_text("{}")
    arguments = [each.format(body=tmp_path / "body.json") for each in COMMANDS[name]]
    ended = tocsin.call(*name.split(), *arguments)
    assert ended.code == 1
    assert len(ended.complaints) == 1
    assert "`tocsin serve`" in ended.complaints[0]
    with database.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
    assert found == (0,)


def test_a_command_that_reads_does_not_migrate_under_a_running_server(
    tocsin: Program, database: Database
) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    ended = tocsin.call("alerts")
    assert ended.code == 1
    assert "the database is at schema 0000" in ended.complaints[0]
    assert "`tocsin migrate`" in ended.complaints[0]
