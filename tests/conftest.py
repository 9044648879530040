from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import compiled_once, postgres, run_folders
from tests.support.outbox import Outbox
from tocsin.memory import collect_rarely

# A busy machine is no fault of the code under test.
settings.register_profile("tocsin", deadline=None)
settings.load_profile("tocsin")

compiled_once.remember_together()


def pytest_configure(config: pytest.Config) -> None:
    # The run's folder, made by the process that controls it and passed to its workers.
    if not hasattr(config, "workerinput"):
        config.stash[_FOLDER] = run_folders.make()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and (folder := config.stash.get(_FOLDER, None)):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["tocsin_folder"] = str(node.config.stash[_FOLDER])


_FOLDER = pytest.StashKey[Path]()

_ended = count(1)
_MOST_LEFT = 300_000
"""Objects that tests may have left before the collector has them, from about forty servers."""
_settled = [0]
"""How many there were when it had had them."""


def pytest_collection_finish() -> None:
    # What was imported stays, and there is much of it: to walk through it again and again took a
    # quarter of the time of tests that only compute.
    collect_rarely()
    _settle()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    # A server that runs in this process keeps the collector off all that was there when it started,
    # and so off what its test has left: two megabytes each.
    if next(_ended) % 40 == 0 and gc.get_freeze_count() > _settled[0] + _MOST_LEFT:
        _settle()


def _settle() -> None:
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _settled[0] = gc.get_freeze_count()


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest) -> Path:
    """A folder shared by all processes of this run, removed at its end."""
    if (given := getattr(request.config, "workerinput", None)) is not None:
        return Path(given["tocsin_folder"])
    return request.config.stash[_FOLDER]


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[postgres.Server]:
    with postgres.configured(run_folder / "main") as server:
        yield server


def _of_this_test(
    server: postgres.Server, request: pytest.FixtureRequest
) -> AbstractContextManager[postgres.Database]:
    return server.database(is_unused=request.node.get_closest_marker("unused_database") is not None)


@pytest.fixture
def database(
    postgres_server: postgres.Server, request: pytest.FixtureRequest
) -> Iterator[postgres.Database]:
    """A freshly migrated database of this test's own."""
    with _of_this_test(postgres_server, request) as fresh:
        yield fresh


@pytest.fixture
def outbox(database: postgres.Database) -> Iterator[Outbox]:
    outbox = Outbox(database)
    yield outbox
    outbox.close()


@pytest.fixture(scope="session")
def debian_postgres_server(run_folder: Path) -> Iterator[postgres.Server]:
    """Debian's PostgreSQL 15, the oldest we support; skips where it is not installed."""
    if not (postgres.DEBIAN_BIN / "postgres").exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed")
    with postgres.running(run_folder / "debian-15", postgres.DEBIAN_BIN) as server:
        yield server


@pytest.fixture(params=["postgres_server", "debian_postgres_server"])
def every_server(request: pytest.FixtureRequest) -> postgres.Server:
    """The run's server and Debian's PostgreSQL 15, one after the other."""
    server = request.getfixturevalue(request.param)
    assert isinstance(server, postgres.Server)
    return server


@pytest.fixture
def every_database(
    every_server: postgres.Server, request: pytest.FixtureRequest
) -> Iterator[postgres.Database]:
    """`database`, on each of `every_server`."""
    with _of_this_test(every_server, request) as fresh:
        yield fresh
