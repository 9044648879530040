"""What a killed server left behind goes; what a living one uses stays."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tocsin.cli.server.metrics_folder import metrics_folder

HOLD = """
import time
from tocsin.cli.server.metrics_folder import metrics_folder
with metrics_folder() as folder:
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_it_goes_at_the_end() -> None:
    with metrics_folder() as folder:
        assert folder.is_dir()
    assert not folder.exists()


def test_that_of_a_killed_server_goes_and_that_of_a_living_one_stays() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with metrics_folder():
            assert theirs.is_dir()
        other.kill()
        other.wait()
        assert theirs.is_dir()
        with metrics_folder() as ours:
            assert not theirs.exists()
            assert ours.is_dir()
