"""The server as a process: ready, stopped, killed."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest
from sqlalchemy.engine import make_url

from tests.cli.program import PATIENCE, Program, on_database
from tests.support.mail import DOMAIN, bring, mail
from tests.support.node import eventually
from tests.support.postgres import Database
from tocsin.access.vault import Vault

_SHOWN_OF_ALL = ("environ", "cmdline")


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
        return body


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_it_in_good_order(tocsin: Program, sig: signal.Signals) -> None:
    with tocsin.running("serve", "--port", "0") as running:
        url = running.await_line(r"ready at (http://\S+)")[1]
        assert read(f"{url}/readyz") == b"ready\n"
        assert running.stop(sig) == 0
    assert "Traceback" not in "\n".join(running.errors)


def test_workers_serve_together_and_stop_together(tocsin: Program) -> None:
    with tocsin.running("serve", "--port", "0", "--workers", "2") as running:
        url = running.await_line(r"ready at (http://\S+)")[1]
        assert b"tocsin_" in read(f"{url}/metrics")
        processes = running.descendants()
        assert len(processes) >= 2
        assert running.stop() == 0
        assert psutil.wait_procs(processes, PATIENCE)[1] == []
    assert "Traceback" not in "\n".join(running.errors)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_workers_take_mail_on_one_port(database: Database, tmp_path: Path, workers: str) -> None:
    tocsin = on_database(database, tmp_path)
    tocsin.settings.update(TOCSIN_MAIL_LISTEN="127.0.0.1:0", TOCSIN_MAIL_DOMAIN=DOMAIN)
    with tocsin.running("serve", "--port", "0", "--workers", workers) as running:
        running.await_line(r"ready at (http://\S+)")
        eventually(lambda: "taken at" in " ".join(running.errors), "the mail listener")
        (port,) = re.findall(r"taken at\s+127\.0\.0\.1:(\d+)", "\n".join(running.errors))
        made = tocsin.run("integration", "create", "ups", "--type", "email", "--json")
        address = json.loads(made.out)["mail_address"]
        for _ in range(4):
            assert bring(int(port), address, mail("[FIRING] on battery"))[0] == 250
        assert running.stop() == 0
    assert "Traceback" not in "\n".join(running.errors)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_say_what_answers_and_how_long_somebody_has_waited(
    tocsin: Program, workers: str
) -> None:
    with tocsin.running("serve", "--port", "0", "--workers", workers) as running:
        url = running.await_line(r"ready at (http://\S+)")[1]
        lines: list[str] = []
        deadline = time.monotonic() + PATIENCE
        # A dispatcher looks for the first time a moment after the start.
        while not any("oldest_pending_delivery_seconds 0" in line for line in lines):
            assert time.monotonic() < deadline, lines
            lines = read(f"{url}/metrics").decode().splitlines()
        build = [line for line in lines if line.startswith("tocsin_build_info{")]
        assert len(build) == 1
        assert f'version="{version("tocsin")}"' in build[0]
        assert build[0].endswith(" 1.0")
        assert not any("_created" in line for line in lines)
        assert running.stop() == 0


def test_workers_do_not_outlive_their_parent(tocsin: Program) -> None:
    with tocsin.running("serve", "--port", "0", "--workers", "2") as running:
        running.await_line(r"ready at (http://\S+)")
        processes = running.descendants()
        running.process.kill()
        assert psutil.wait_procs(processes, PATIENCE)[1] == []


@pytest.mark.parametrize("in_files", [True, False])
def test_no_secret_can_be_read_off_a_process(
    database: Database, tmp_path: Path, in_files: bool
) -> None:
    """The environment and the arguments of a process can be read in `/proc` while it runs."""
    secrets = {
        "TOCSIN_DATABASE_URL": make_url(database.url)
        .set(password="s3cret-of-the-database")
        .render_as_string(hide_password=False),
        "TOCSIN_SECRET_KEY": Vault.new_key().reveal_text(),
        "TOCSIN_SMTP_URL": "smtps://mail:s3cret-of-the-mail@mail.example.com",
    }
    settings = {"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_MAIL_FROM": "tocsin@example.com"}
    for name, value in secrets.items():
        if in_files:
            (tmp_path / name).write_text(value)
            settings[f"{name}_FILE"] = str(tmp_path / name)
        else:
            settings[name] = value
    with Program(settings).running("serve", "--port", "0", "--workers", "2") as running:
        url = running.await_line(r"ready at (http://\S+)")[1]
        assert read(f"{url}/readyz") == b"ready\n"
        started = [process.pid for process in running.descendants()]
        assert len(started) >= 2
        # What the operator put into the environment of the program itself is there to stay.
        for pid in [*started, *([running.process.pid] if in_files else [])]:
            shown = b"".join(Path(f"/proc/{pid}/{file}").read_bytes() for file in _SHOWN_OF_ALL)
            for secret in ("s3cret-of", secrets["TOCSIN_SECRET_KEY"]):
                assert secret.encode() not in shown
        assert running.stop() == 0


def test_the_keeper_of_the_database_has_none_of_our_settings(tmp_path: Path) -> None:
    key = Vault.new_key().reveal_text()
    program = Program({"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_SECRET_KEY": key})
    with program.running("serve", "--port", "0") as running:
        running.await_line(r"ready at (http://\S+)")
        keepers = [
            process
            for process in psutil.process_iter(["pid", "cmdline"])
            if str(tmp_path / "postgres") in (process.info["cmdline"] or [])
        ]
        assert keepers
        for each in keepers:
            environment = Path(f"/proc/{each.pid}/environ").read_bytes()
            assert b"TOCSIN_" not in environment
            assert key.encode() not in environment
        assert running.stop() == 0


def test_a_taken_port_is_said_in_one_line_with_what_to_do(tocsin: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = tocsin.call("serve", "--port", str(port))
    assert ended.code == 1
    assert len(ended.complaints) == 1
    assert f"port {port} on 127.0.0.1 is taken" in ended.complaints[0]
    assert f"--port {port + 1}" in ended.complaints[0]
