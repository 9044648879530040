from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.embedded import QUICK, servers
from tocsin.store.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose server has been started and stopped once."""
    folder = tmp_path_factory.mktemp("prepared")
    with EmbeddedPostgres(folder, settings=QUICK):
        pass
    return folder


@pytest.fixture(scope="session")
def lasting_embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server for tests that only look."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("lasting"), settings=QUICK)
    with postgres:
        yield postgres


@pytest.fixture(scope="session")
def _common_folder(tmp_path_factory: pytest.TempPathFactory, prepared_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("common")
    shutil.copytree(prepared_folder, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def data_dir(_common_folder: Path) -> Iterator[Path]:
    """A data folder for tests that leave it whole, one after the other; nothing may still run on it
    afterwards."""
    cluster = _common_folder / "postgres" / "data"
    yield _common_folder
    left = servers(cluster)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


@pytest.fixture
def spare_folder(prepared_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A data folder of a test's own, to be damaged."""
    folder = tmp_path / "d"
    shutil.copytree(prepared_folder, folder)
    yield folder
    assert servers(folder / "postgres" / "data") == []
    shutil.rmtree(folder)


@pytest.fixture
def embedded(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A running server that this process uses."""
    postgres = EmbeddedPostgres(data_dir, settings=QUICK)
    with postgres:
        yield postgres
