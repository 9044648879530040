"""`compose.yaml`, with Debian's podman-compose: built, up, well, used, stopped, and up again with what
it kept. The podman that it gets has the machine's network in place of one of its own, so publishing the
port is all of the file that is not tried here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.install.conftest import BUILT_ON_IT
from tests.install.packages import run
from tests.support.ports import free_port
from tests.support.programs import program_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

_HUB = "tocsin_tocsin_1"
_PODMAN = """\
#!{python}
import os, sys
store, built, port = {store!r}, {built!r}, {port!r}
command, words = sys.argv[1], sys.argv[2:]
if command == "build":
    words = [*built, *words]
elif command in ("run", "create"):
    for gone in ("--net", "--network-alias", "-p"):
        while gone in words:
            at = words.index(gone)
            del words[at : at + 2]
    limits = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
    listens = ["-e", "TOCSIN_HOST=127.0.0.1", "-e", f"TOCSIN_PORT={{port}}"]
    words = ["--runtime", "runc", "--network", "host", *limits, *listens, *words]
os.execvp(store[0], [*store, command, *words])
"""


@pytest.fixture
def compose(podman: tuple[str, ...], context: str, tmp_path: Path) -> tuple[str, ...]:
    wrapper = tmp_path / "podman"
    wrapper.write_text(
        _PODMAN.format(
            python=sys.executable, store=list(podman), built=list(BUILT_ON_IT), port=free_port()
        )
    )
    wrapper.chmod(0o755)
    file = str(Path(context) / "compose.yaml")
    return (
        *(program_of("podman-compose"), "--podman-path", str(wrapper)),
        *("--project-name", "tocsin", "--file", file),
    )


def test_it_comes_up_is_well_and_keeps_what_it_has(
    podman: tuple[str, ...], compose: tuple[str, ...]
) -> None:
    try:
        for is_first in (True, False):
            run(*compose, "up", "--detach", *(("--build",) if is_first else ()))
            _await_health(podman)
            listed = run(*podman, "exec", _HUB, "tocsin", "integration", "list", "--json")
            assert [each["name"] for each in json.loads(listed)] == ([] if is_first else ["kept"])
            if is_first:
                made = run(*podman, "exec", _HUB, "tocsin", "integration", "create", "kept")
                assert "http://localhost:8480/webhooks/" in made
                run(*compose, "stop", "--timeout", "60")
                assert _state(podman)["ExitCode"] == 0
                run(*compose, "down")
    finally:
        subprocess.run([*compose, "down", "--volumes"], env=os.environ, check=False, timeout=120)


def _await_health(podman: tuple[str, ...]) -> None:
    """By the check that the file gives; podman's own clock for it needs systemd."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and _state(podman)["Running"]:
        looked = subprocess.run(
            [*podman, "healthcheck", "run", _HUB], capture_output=True, check=False, timeout=60
        )
        if looked.returncode == 0:
            return
        time.sleep(0.5)
    pytest.fail(run(*podman, "logs", _HUB)[-2_000:])


def _state(podman: tuple[str, ...]) -> dict[str, object]:
    (found,) = json.loads(run(*podman, "inspect", "--type", "container", _HUB))
    return dict(found["State"])
