"""`tocsin receive` as a sender meets it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program, Running
from tests.delivery.channels import samples
from tests.support.node import eventually
from tocsin.cli.receive import BODY_LIMIT
from tocsin.cli.received import Signature, check
from tocsin.delivery.channels.webhook import new_secret, render, signed_headers
from tocsin.model import utc_now

SECRET = new_secret()
RECEIVE = Program({})


@contextmanager
def receiving(*options: str) -> Iterator[tuple[Running, int]]:
    with RECEIVE.running("receive", "--port", "0", *options) as running:
        eventually(lambda: "Receiving on" in " ".join(running.errors), "the receiver")
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", " ".join(running.errors))
        assert found is not None
        yield running, int(found[1])


def post(port: int, body: bytes, headers: dict[str, str], method: str = "POST") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, "/hook", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def signed(secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    message = samples.message(at=utc_now())
    body = render(message)
    return body, signed_headers(secret, message, body)


def test_it_shows_what_comes_and_says_whether_the_signature_is_right(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    body, headers = signed()
    with receiving("--json", "--secret-file", str(file)) as (running, port):
        assert post(port, body, headers) == 200
        assert post(port, body, headers) == 200
        assert post(port, body + b" ", headers) == 200
        assert post(port, b"a=1", {"Content-Type": "text/plain"}) == 200
        eventually(lambda: len(running.lines) == 4, "four lines")
        assert running.stop(signal.SIGINT) == 0
    first, second, changed, plain = (json.loads(line) for line in running.lines)
    assert (first["method"], first["path"], first["status_code"]) == ("POST", "/hook", 200)
    assert first["body"]["alert"]["title"] == "Disk /var almost full on db1"
    assert (first["signature"], first["is_repeat"]) == ("right", False)
    assert (second["signature"], second["is_repeat"]) == ("right", True)
    assert changed["signature"] == "wrong"
    assert (plain["signature"], plain["body"]) == ("missing", "a=1")
    said = "\n".join(running.errors)
    assert "4 requests received." in said
    assert SECRET not in said + "\n".join(running.lines)


def test_it_plays_a_receiver_that_fails_and_one_that_is_slow() -> None:
    body, headers = signed()
    with receiving("--status", "503", "--delay", "1s", "--count", "1") as (running, port):
        began = time.monotonic()
        assert post(port, body, headers) == 503
        assert time.monotonic() - began >= 1
        # It ends by itself, the answer sent.
        assert running.process.wait(20) == 0
    assert any("POST /hook" in line for line in running.lines)
    assert any("Disk /var almost full" in line for line in running.lines)


def test_what_is_too_long_or_says_no_length_is_not_read() -> None:
    with receiving("--json") as (running, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            length = BODY_LIMIT + 1
            connection.sendall(
                f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
        assert post(port, b"", {"Content-Length": "many"}) == 411
        assert post(port, b"", {}, "GET") == 200
        eventually(lambda: len(running.lines) == 1, "one line")
        assert running.stop(signal.SIGTERM) == 0


def test_a_port_that_is_taken_and_a_secret_that_is_none_are_said_in_one_line(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = RECEIVE.call("receive", "--port", str(taken.getsockname()[1]))
    assert (ended.code, len(ended.complaints)) == (1, 1)
    assert "--port 0" in ended.complaints[0]
    file = tmp_path / "secret"
    file.write_text("whsec_dG9vIHNob3J0")
    ended = RECEIVE.call("receive", "--secret-file", str(file))
    assert (ended.code, len(ended.complaints)) == (2, 1)
    assert "dG9vIHNob3J0" not in ended.err
    ended = RECEIVE.call("receive", "--secret-file", str(tmp_path / "none"))
    assert (ended.code, len(ended.complaints)) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Signature.RIGHT),
        ({"webhook-signature": ""}, Signature.MISSING),
        ({"webhook-timestamp": "soon"}, Signature.MISSING),
        ({"webhook-timestamp": "1"}, Signature.WRONG),
        ({"webhook-signature": "v1,\xe4 v1a,x"}, Signature.WRONG),
        ({"webhook-id": "other"}, Signature.WRONG),
    ],
)
def test_a_signature_is_judged_as_the_specification_has_it(
    changes: dict[str, Any], expected: Signature
) -> None:
    body, headers = signed()
    headers = {name.lower(): value for name, value in headers.items()} | changes

    assert check(headers, body, SECRET, utc_now()) is expected
    assert check(headers, body, None, utc_now()) is Signature.UNCHECKED


def test_a_signature_of_long_ago_is_too_old() -> None:
    message = samples.message()
    body = render(message)
    headers = signed_headers(SECRET, message, body)
    assert check(headers, body, SECRET, utc_now()) is Signature.OLD
    several = {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
    assert check(several, body, SECRET, samples.AT) is Signature.RIGHT
