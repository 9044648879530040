"""The image: built by podman from the wheel upon a bare Debian, run, used, and stopped in good order."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.install.conftest import BUILT_ON_IT
from tests.install.packages import run
from tests.support.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]


@pytest.fixture(scope="module")
def image(podman: tuple[str, ...], context: str) -> str:
    run(*podman, "build", *BUILT_ON_IT, "--tag", "tocsin", context)
    return "tocsin"


def test_it_runs_keeps_and_ends_well(podman: tuple[str, ...], image: str, tmp_path: Path) -> None:
    port = free_port()
    made: list[str] = []
    for _ in range(2):
        process = subprocess.Popen(
            [
                *(*podman, "run", "--rm", "--name", "hub", "--runtime", "runc"),
                *("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"),
                *("--network", "host", "--volume", "data:/var/lib/tocsin"),
                *("-e", "TOCSIN_HOST=127.0.0.1", "-e", f"TOCSIN_PORT={port}", image),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            _await_ready(f"http://127.0.0.1:{port}/readyz", process)
            made.append(run(*podman, "exec", "hub", "tocsin", "integration", "list"))
            if len(made) == 1:
                run(*podman, "exec", "hub", "tocsin", "integration", "create", "kept")
        finally:
            run(*podman, "stop", "--time", "60", "hub")
            process.communicate(timeout=60)
        assert process.returncode == 0
    assert "kept" not in made[0]
    assert "kept" in made[1]


def _await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail("the container did not become ready")
