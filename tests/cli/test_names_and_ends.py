"""What people call things by, what fits a terminal, and output that nobody takes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import PATIENCE, TOCSIN, Program, on_database
from tests.support.postgres import Server

MAIL = ("--type", "email", "--set", "recipients=ada@example.org")


@pytest.fixture(scope="module")
def served(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with postgres_server.database() as database:
        program = on_database(database, tmp_path_factory.mktemp("served"))
        body = tmp_path_factory.mktemp("body") / "body.json"
        with program.serving() as url:
            assert program.call("integration", "create", "shop").code == 0
            assert (
                program.call(
                    "destination", "create", "hook", "-t", "webhook", "-s", "url=https://e.com/"
                ).code
                == 0
            )
            for number in range(3):
                body.write_text(json.dumps({"title": f"Disk {number}", "id": str(number)}))
                assert program.call("send", str(body), "-i", "shop", "--url", url).code == 0
            yield program


def _ids(program: Program, *command: str) -> list[str]:
    return [each["id"] for each in json.loads(program.call(*command, "--json").out)]


def test_a_unique_beginning_is_enough(served: Program) -> None:
    for whole in _ids(served, "alerts"):
        for command in (("alert",), ("explain",), ("act", "note", "--note", "x")):
            assert served.call(*command, whole[:-4]).code == 0, command
    for whole in _ids(served, "webhooks"):
        assert whole in served.call("webhook", whole[:-4], "--json").out
    integration = _ids(served, "integration", "list")[0]
    assert served.call("integration", "show", integration[:-4]).code == 0


def test_last_is_the_newest_of_everything(served: Program) -> None:
    newest = _ids(served, "webhooks")[0]
    assert json.loads(served.call("webhook", "last", "--json").out)["id"] == newest
    assert served.call("replay", "last", "--dry-run").code == 0
    assert served.call("integration", "show", "last").code == 0
    none = served.call("delivery", "show", "last")
    assert (none.code, none.complaints) == (3, ["there is no message yet"])


def test_a_wrong_or_an_ambiguous_one_is_named(served: Program) -> None:
    wrong = served.call("alert", "ffff")
    assert (wrong.code, wrong.complaints) == (3, ["there is no alert 'ffff' in this workspace"])
    several = served.call("explain", "0")
    assert several.code == 2
    assert "3 of them go by '0': " in several.complaints[0]
    assert _ids(served, "alerts")[0] in several.complaints[0]


@pytest.mark.parametrize(
    "command",
    [("alerts",), ("webhooks",), ("audit",), ("integration", "list"), ("destination", "list")],
)
def test_tables_fit_80_columns_and_their_ids_can_be_pasted(
    served: Program, command: tuple[str, ...]
) -> None:
    program = Program({**served.settings, "COLUMNS": "80"})
    shown = program.call(*command, at_terminal=True)
    assert shown.code == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.out)
    assert max(map(len, plain.splitlines())) <= 80
    key = "object_id" if command == ("audit",) else "id"
    for each in json.loads(served.call(*command, "--json").out):
        assert each[key] in plain


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["alerts", "--statuss", "open"], "No such option: --statuss"),
        (["alerts", "--status", "nope"], "'nope' is not one of 'open', 'acknowledged'"),
        (["alert"], "Missing argument 'ALERT_ID'"),
        (["nonsense"], "No such command 'nonsense'; `tocsin --help`"),
        (["schedule", "nonsense"], "`tocsin schedule --help` says what it takes"),
        (["alerts", "and", "more"], "Got unexpected extra argument"),
    ],
)
def test_wrong_arguments_are_said_in_one_line(
    served: Program, arguments: list[str], said: str
) -> None:
    ended = served.call(*arguments)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert said in ended.complaints[0]


def test_a_closed_pipe_ends_quietly(served: Program) -> None:
    for command in (["alerts"], ["audit", "--json"]):
        process = subprocess.Popen(
            [TOCSIN, *command],
            env=served.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert (process.wait(PATIENCE), said) == (0, b""), command


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_full_disk_is_said_in_one_line(served: Program) -> None:
    for command in (["alerts"], ["audit", "--json"], ["--help"]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [TOCSIN, *command],
                env=served.environment,
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                check=False,
            )
        assert done.returncode == 1, command
        assert done.stderr == b"tocsin: cannot write the answer: No space left on device\n", command


def test_the_fallback_of_a_workspace_is_set_and_taken_away(served: Program) -> None:
    changed = served.call("workspace", "set-fallback", "hook", "--json")
    assert changed.code == 0, changed
    hook = _ids(served, "destination", "list")[0]
    assert json.loads(changed.out)["fallback_destination_id"] == hook
    taken = served.call("workspace", "set-fallback", "--none", "--json")
    assert json.loads(taken.out)["fallback_destination_id"] is None
    assert served.call("workspace", "set-fallback", "nowhere").code == 3
    assert served.call("workspace", "set-fallback").code == 2


def test_the_webhook_address_is_whole(served: Program) -> None:
    found = json.loads(served.call("integration", "show", "shop", "--json").out)
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/webhooks/{found['id']}", found["webhook_url"])
    shown = served.call("integration", "show", "shop").out
    assert found["webhook_url"] in shown
    assert found["health"]["notices"] == []
    assert "last heard" in shown


def test_an_address_stands_whole_where_there_is_no_room_beside_its_name(served: Program) -> None:
    program = Program({**served.settings, "COLUMNS": "60"})
    url = json.loads(served.call("integration", "show", "shop", "--json").out)["webhook_url"]
    assert len(url) > 60
    shown = program.call("integration", "show", "shop", at_terminal=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.out)
    assert f"\nposts to\n  {url}\n" in plain
    assert max(len(line) for line in plain.splitlines() if url not in line) <= 60
    # In a pipe it is one line, with its name.
    assert re.search(
        rf"^posts to +{re.escape(url)}$",
        program.call("integration", "show", "shop").out,
        re.MULTILINE,
    )


def test_what_is_done_is_answered_with_the_api_s_document(served: Program) -> None:
    for command, member, value in (
        (("destination", "disable", "hook"), "is_enabled", False),
        (("destination", "enable", "hook"), "is_enabled", True),
        (("integration", "disable", "shop"), "is_active", False),
        (("integration", "enable", "shop"), "is_active", True),
    ):
        answered = json.loads(served.call(*command, "--json").out)
        assert answered[member] is value, command
    made = json.loads(served.call("tenant", "create", "gone", "--name", "To go", "--json").out)
    gone = served.call("tenant", "delete", "gone", "--json")
    assert (json.loads(gone.out)["id"], gone.err) == (made["id"], "")
    assert served.call("tenant", "show", "gone").code == 3


def test_a_workspace_is_shown_and_changed(served: Program) -> None:
    changed = served.call("workspace", "edit", "--set", "name=Operations", "--json")
    assert json.loads(changed.out)["name"] == "Operations"
    shown = served.call("workspace", "show", "default")
    assert re.search(r"^name +Operations$", shown.out, re.MULTILINE)
    elsewhere = served.call("workspace", "show", "nowhere")
    assert (elsewhere.code, len(elsewhere.complaints)) == (3, 1)


def test_a_key_goes_by_its_id_the_beginning_of_it_its_name_or_last(served: Program) -> None:
    first = served.call("api-key", "create", "--name", "reports").out.strip()
    second = served.call("api-key", "create", "--name", "board").out.strip()
    ids = {
        each["name"]: each["id"]
        for each in json.loads(served.call("api-key", "list", "--json").out)
    }
    for said, name in (
        (first, "reports"),
        (ids["reports"], "reports"),
        (ids["reports"][:-2], "reports"),
        ("reports", "reports"),
        ("last", "board"),
        (second, "board"),
    ):
        shown = served.call("api-key", "show", said)
        assert re.search(rf"^name +{name}$", shown.out, re.MULTILINE), said
        assert first not in shown.out
    revoked = served.call("api-key", "revoke", "reports", "--json")
    assert json.loads(revoked.out)["id"] == ids["reports"]
    wrong = served.call("api-key", "show", "reports")
    assert (wrong.code, wrong.complaints) == (
        3,
        ["there is no API key 'reports' in this workspace"],
    )


def test_a_payload_is_shown_whole_however_narrow_the_terminal(
    served: Program, tmp_path: Path
) -> None:
    title = " ".join(f"word-{number}" for number in range(40))
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"title": title, "id": "long"}))
    assert served.call("send", str(body), "-i", "shop").code == 0
    program = Program({**served.settings, "COLUMNS": "80"})
    for command in (("alert", "last", "--payload"), ("webhook", "last")):
        shown = program.call(*command, at_terminal=True).out
        _, _, payload = re.sub(r"\x1b\[[0-9;]*m", "", shown).rpartition('"title": ')
        assert title in re.sub(r"\s+", " ", payload), command


def test_what_consists_of_parts_is_said_in_words(served: Program) -> None:
    quiet = '[{"days": ["sat"], "start": "22:00", "end": "07:00", "timezone": "UTC"}]'
    made = served.call(
        *("rule", "create", "parts", "--to", "hook", "-m", "host=~db-.*", "-m", "team!=web")
    )
    assert made.code == 0, made
    assert served.call("rule", "edit", "parts", "--set", f"quiet_hours={quiet}").code == 0
    shown = served.call("rule", "show", "parts").out
    assert re.search(r"^matchers +host=~db-\.\*; team!=web$", shown, re.MULTILINE)
    assert re.search(r"^quiet hours +.*days sat.*start 22:00.*timezone UTC", shown, re.MULTILINE)
