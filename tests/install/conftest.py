from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.install.packages import Packages, build, run
from tests.support.paths import ROOT
from tests.support.programs import program_of

_DEBIAN = ("--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm")
BASE = "localhost/tocsin-base"
BUILT_ON_IT = (
    *("--network", "host", "--isolation", "chroot"),
    *("--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"),
    *("--build-arg", f"BASE={BASE}"),
)
"""What a build needs where there is no network of its own, and no registry of images."""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Podman with a store of these tests' own, in which there is a bare Debian: no registry of images
    is asked."""
    for needed in ("podman", "runc", "debootstrap"):
        program_of(needed)
    store, place = tmp_path_factory.mktemp("containers"), tmp_path_factory.mktemp("debian")
    words = ("podman", "--storage-driver", "vfs", "--root", f"{store}/store")
    words = (*words, "--runroot", f"{store}/run")
    run(program_of("debootstrap"), *_DEBIAN, place / "base")
    run("tar", "-C", place / "base", "-cf", place / "base.tar", ".")
    run(*words, "import", place / "base.tar", BASE)
    shutil.rmtree(place)
    yield words
    run(*words, "system", "reset", "--force")


@pytest.fixture(scope="session")
def context(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with what an image is built from, as `make dist` leaves it."""
    place = tmp_path_factory.mktemp("image")
    (place / "dist").mkdir()
    shutil.copy(packages.wheel, place / "dist")
    for name in ("Containerfile", "compose.yaml"):
        shutil.copy(ROOT / name, place)
    return str(place)
