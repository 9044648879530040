"""The image: built by podman from the wheel upon a bare Debian, run, used, and stopped in good order."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.packages import Packages, run
from tests.support.paths import ROOT
from tests.support.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

_NEEDED = ("podman", "runc", "debootstrap")
_DEBIAN = ("--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm")


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Podman with a store of this test's own."""
    if missing := [name for name in _NEEDED if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    store = tmp_path_factory.mktemp("containers")
    words = ("podman", "--storage-driver", "vfs", "--root", f"{store}/store")
    yield (*words, "--runroot", f"{store}/run")
    run(*words, "--runroot", f"{store}/run", "system", "reset", "--force")


@pytest.fixture(scope="module")
def image(
    podman: tuple[str, ...], packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """From a base image made here: no registry of images is asked."""
    place = tmp_path_factory.mktemp("image")
    run("debootstrap", *_DEBIAN, place / "base")
    run("tar", "-C", place / "base", "-cf", place / "base.tar", ".")
    run(*podman, "import", place / "base.tar", "tocsin-base")
    (place / "dist").mkdir()
    shutil.copy(packages.wheel, place / "dist")
    shutil.copy(ROOT / "Containerfile", place)
    run(
        *(*podman, "build", "--network", "host", "--isolation", "chroot"),
        *("--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"),
        *("--build-arg", "BASE=localhost/tocsin-base", "--tag", "tocsin", place),
    )
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
