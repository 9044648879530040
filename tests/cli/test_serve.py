"""The server as a process: ready, told to stop, killed."""

from __future__ import annotations

import signal
import socket
import urllib.request

import psutil
import pytest

from tests.cli.program import PATIENCE, Program


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


def test_workers_do_not_outlive_their_parent(tocsin: Program) -> None:
    with tocsin.running("serve", "--port", "0", "--workers", "2") as running:
        running.await_line(r"ready at (http://\S+)")
        processes = running.descendants()
        running.process.kill()
        assert psutil.wait_procs(processes, PATIENCE)[1] == []


def test_a_taken_port_is_told_in_one_line_with_what_to_do(tocsin: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = tocsin.call("serve", "--port", str(port))
    assert ended.code == 1
    assert len(ended.complaints) == 1
    assert f"port {port} on 127.0.0.1 is taken" in ended.complaints[0]
    assert f"--port {port + 1}" in ended.complaints[0]
