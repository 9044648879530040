"""(d) `alerta-server` from PyPI, on the same PostgreSQL, behind gunicorn with one worker per core."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.processes import Server, free_port, server

_CONFIG = """
DATABASE_URL = {url!r}
AUTH_REQUIRED = False
SECRET_KEY = 'bench'
PLUGINS = []
"""


def install(folder: Path) -> Path:
    """A virtual environment of its own: its pins are not ours. Returns its `bin`."""
    programs = folder / "bin"
    if not (programs / "gunicorn").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [
                str(Path(sys.executable).parent / "uv"),
                "pip",
                "install",
                "--quiet",
                "--python",
                str(programs / "python"),
                "alerta-server",
                "gunicorn",
                "psycopg2-binary",
                "setuptools",
            ],
            check=True,
        )
    return programs


@contextlib.contextmanager
def running(programs: Path, folder: Path, url: str) -> Iterator[Server]:
    config = folder / "alertad.conf"
    config.write_text(_CONFIG.format(url=url))
    port = free_port()
    with server(
        [
            str(programs / "gunicorn"),
            "--workers=2",
            # Both workers make the schema at start-up, and race for it unless one does it for all.
            "--preload",
            "--keep-alive=30",
            "--worker-class=gthread",
            "--threads=8",
            f"--bind=127.0.0.1:{port}",
            "--log-level=error",
            "alerta.app:create_app()",
        ],
        port,
        log=folder / "alerta.log",
        environment={"ALERTA_SVR_CONF_FILE": str(config)},
        health="/management/gtg",
    ) as started:
        yield started


def alerts(count: int) -> Iterator[tuple[str, bytes]]:
    run = os.urandom(6).hex()
    for number in range(count):
        document = {
            "environment": "Production",
            "resource": f"{run}-{number}",
            "event": "DiskAlmostFull",
            "severity": "critical",
            "service": ["orders-db"],
            "group": "storage",
            "value": "97.1",
            "text": "97 % used, 1.2 GiB free. It grew by 3 GiB/h for six hours; the volume will "
            "be full before the morning shift.",
            "attributes": {"region": "eu-central-1", "runbook": "https://runbooks.example/disk"},
            "origin": "bench",
            "type": "exampleAlert",
        }
        yield "-", json.dumps(document, separators=(",", ":")).encode()
