"""Webhooks and the console through nginx and Caddy, with the files that the docs give."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.console.site import PASSWORD, Site
from tests.support import certificates
from tests.support.answers import Answer
from tests.support.paths import DOCS
from tests.support.ports import free_port
from tests.support.programs import program_of

NAME = "alerts.example.com"
PAGE = DOCS / "operations" / "reverse-proxy.md"


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def _nginx(folder: Path, port: int, behind: int, pem: Path) -> list[str]:
    server = (
        _block("nginx")
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("127.0.0.1:8480", f"127.0.0.1:{behind}")
    )
    server = re.sub(r"/etc/ssl/[\w.]+", str(pem), server)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Its worker may read the folder of the test only as the user that runs it.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log {folder}/access.log;\n{temporary}{server}}}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(config)]


def _caddy(folder: Path, port: int, behind: int, pem: Path) -> list[str]:
    site = (
        _block("caddy")
        .replace(f"{NAME} {{", f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {pem} {pem}")
        .replace("127.0.0.1:8480", f"127.0.0.1:{behind}")
    )
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


class Outside(http.client.HTTPSConnection):
    """Somebody who comes by the proxy's name, which no resolver knows."""

    def __init__(self, port: int) -> None:
        super().__init__(NAME, port, timeout=30)

    def connect(self) -> None:
        there = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = certificates.client().wrap_socket(there, server_hostname=NAME)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.request(method, path, body=body or None, headers=sent)
        return Answer.of(self.getresponse())


Configured = Callable[[Path, int, int, Path], list[str]]


@pytest.fixture(params=[_nginx, _caddy], ids=["nginx", "caddy"])
def outside(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[Outside]:
    with _running(request.param, site, tmp_path) as port:
        connection = Outside(port)
        yield connection
        connection.close()


@contextmanager
def _running(configured: Configured, site: Site, folder: Path) -> Iterator[int]:
    pem = folder / "proxy.pem"
    pem.write_bytes(certificates.server_pem(NAME))
    port, behind = free_port(), urlsplit(site.base_url).port
    assert behind is not None
    command = configured(folder, port, behind, pem)
    program = program_of(command[0])
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [program, *command[1:]],
            stdout=said,
            stderr=said,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, log.read_text()[-2_000:]
            assert time.monotonic() < deadline, log.read_text()[-2_000:]
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def test_a_signed_webhook_arrives_as_it_was_signed(site: Site, outside: Outside) -> None:
    made = site.api.made("/integrations", {"name": "shop", "type": "grafana"})
    filling = "x" * (1_048_576 - 500)
    body = json.dumps({"alerts": [], "message": filling}).encode()
    signature = hmac.new(made["webhook_secret"].encode(), body, hashlib.sha256).hexdigest()
    path = urlsplit(made["webhook_url"]).path
    answer = outside.ask("POST", path, body, X_Grafana_Alerting_Signature=signature)
    assert answer.status in (200, 201), answer
    too_long = outside.ask("POST", path, body + b" " * 1_000, X_Grafana_Alerting_Signature="0")
    assert too_long.status == 413


def test_somebody_signs_in_and_hears_of_changes_at_once(site: Site, outside: Outside) -> None:
    form = urlencode({"email": "ana@example.com", "password": PASSWORD}).encode()
    sent = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = outside.ask("POST", "/login", form, **sent, Origin=f"https://{NAME}:{outside.port}")
    assert answer.status == 303, answer
    foreign = outside.ask("POST", "/login", form, **sent, Origin="https://elsewhere.example.com")
    assert foreign.status == 403, "who asks is told by Host"
    cookie = answer.headers["set-cookie"].partition(";")[0]

    outside.request("GET", "/live", headers={"Cookie": cookie})
    stream = outside.getresponse()
    began = time.monotonic()
    assert b"retry" in stream.readline()
    assert time.monotonic() - began < 10, "a beat comes every 15 s: it was held back"


def test_metrics_stay_inside(outside: Outside) -> None:
    assert outside.ask("GET", "/metrics").status == 403
    assert outside.ask("GET", "/healthz").status == 200
