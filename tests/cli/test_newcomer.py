"""A newcomer's first hour on the embedded default: a server runs, and commands work beside it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.program import Program, Running

BODY = {"title": "Disk full", "severity": "critical", "id": "disk-1"}


@dataclass(frozen=True)
class Server:
    program: Program
    running: Running
    url: str
    data_dir: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("hub") / "data"
    program = Program({"TOCSIN_DATA_DIR": str(data_dir)})
    with program.running("serve", "--port", "0") as running:
        url = running.await_line(r"ready at (http://\S+)")[1]
        yield Server(program, running, url, data_dir)
        assert running.stop() == 0
    assert not (data_dir / "server.json").exists()
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()


@pytest.fixture(scope="module")
def alert(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of an alert that came in through `integration create` and `send`."""
    made = server.program.call("integration", "create", "shop", "--json")
    assert made.code == 0, made
    file = tmp_path_factory.mktemp("bodies") / "body.json"
    file.write_text(json.dumps(BODY))
    sent = server.program.run("send", "--integration", "shop", str(file), "--json")
    assert sent.code == 0, sent
    answer = json.loads(sent.out)
    assert answer["status_code"] == 201
    assert answer["answer"]["status"] == "created"
    return str(answer["answer"]["alert_id"])


def test_the_data_folder_is_closed_to_others(server: Server) -> None:
    assert server.data_dir.stat().st_mode & 0o777 == 0o700
    assert (server.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600


def test_an_api_key_is_all_that_is_printed_and_it_works(server: Server, alert: str) -> None:
    made = server.program.run("api-key", "create", "--workspace", "default", "--role", "admin")
    assert made.code == 0, made
    assert made.out.startswith("tsn_")
    assert made.out.count("\n") == 1
    request = urllib.request.Request(
        f"{server.url}/api/v1/alerts/{alert}",
        headers={"Authorization": f"Bearer {made.out.strip()}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["title"] == "Disk full"


def test_a_second_sending_is_called_a_duplicate_of_the_first(server: Server, alert: str) -> None:
    body = json.dumps(BODY).encode()
    again = server.program.run("send", "-i", "shop", "-", stdin=body)
    assert again.code == 0
    assert "200 duplicate" in again.out
    assert alert in again.out


def test_what_is_refused_ends_with_one_and_says_why(server: Server, alert: str) -> None:
    refused = server.program.run("send", "-i", "shop", "-", stdin=b'{"severity": []}')
    assert refused.code == 1
    assert refused.out.startswith("400 ")
    assert "/title" in refused.out


def test_what_was_refused_is_on_record_as_it_came(server: Server, alert: str) -> None:
    program = server.program
    assert program.run("send", "-i", "shop", "-", stdin=b'{"severity": "odd one out"}').code == 1
    found = json.loads(program.call("webhooks", "-i", "shop", "--outcome", "invalid", "--json").out)
    shown = program.call("webhook", found[0]["id"])
    assert shown.code == 0, shown
    assert shown.out.startswith("400 invalid")
    assert "odd one out" in shown.out
    assert "[redacted]" in shown.out


def test_an_alert_is_shown_with_its_timeline_and_raw_payload(server: Server, alert: str) -> None:
    shown = server.program.call("alert", alert)
    assert shown.code == 0, shown
    assert "CRITICAL  Disk full" in shown.out
    assert "triggered  shop" in shown.out
    assert "none: `tocsin explain` says why" in shown.out
    assert '"id": "disk-1"' not in shown.out
    assert '"id": "disk-1"' in server.program.call("alert", alert, "--payload").out
    document = json.loads(server.program.call("alert", "last", "--json").out)
    assert document["alert"]["id"] == alert
    assert document["webhook_deliveries"][0]["raw_payload"] == BODY
    assert [event["kind"] for event in document["timeline"]] == ["triggered"]


def test_explain_says_that_nobody_was_notified_and_why(server: Server, alert: str) -> None:
    explained = server.program.call("explain", alert)
    assert explained.code == 0, explained
    assert "nobody was notified: there are no rules in this workspace" in explained.out


def test_a_replay_shows_what_would_come_of_it(server: Server, alert: str) -> None:
    document = json.loads(server.program.call("alert", alert, "--json").out)
    delivery = document["webhook_deliveries"][0]["id"]
    replayed = server.program.call("replay", delivery, "--dry-run")
    assert replayed.code == 0, replayed
    assert "replaying it would give" in replayed.out
    missing = server.program.call("replay", alert)
    assert missing.code == 3


def test_a_destination_that_is_not_public_is_refused_at_its_field(server: Server) -> None:
    made = server.program.call(
        "destination", "create", "inside", "--type", "webhook", "--set", "url=http://127.0.0.1:1/x"
    )
    assert made.code == 2
    assert any(line.startswith("/config/url") for line in made.complaints), made


def test_a_test_message_is_sent_by_the_server_and_its_failure_is_said(server: Server) -> None:
    made = server.program.call(
        "destination", "create", "away", "--type", "webhook", "--set", "url=https://gone.invalid/x"
    )
    assert made.code == 0, made
    tested = server.program.call("destination", "test", "away", "--wait", "60", "--json")
    assert tested.code == 1, tested
    assert json.loads(tested.out)["status"] == "Failed"


def test_the_doctor_finds_the_server(server: Server) -> None:
    looked = server.program.call("doctor", "--json")
    assert looked.code == 0, looked
    found = {each["check"]: each for each in json.loads(looked.out)}
    assert found["server"]["found"] == f"running at {server.url}"
    assert found["schema"]["health"] == "ok"
