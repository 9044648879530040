"""Where the workers of one server count together: a folder of this run's own.

Whoever is killed leaves its folder behind; the next to start clears it away. A lock shows whether
somebody still uses one: it goes with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PREFIX = "tocsin-metrics-"
_LOCK = "in-use"


@contextlib.contextmanager
def metrics_folder() -> Iterator[Path]:
    """A new folder, removed at the end, and with it those of servers that were killed."""
    _clear_away_dead(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with (folder / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now can others find it: a lock file that nobody holds yet would look dead.
        (folder / "starting").rename(folder / _LOCK)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _clear_away_dead(parent: Path) -> None:
    for lock_file in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        # Of another user, or just removed by another server that is starting.
        with contextlib.suppress(OSError), lock_file.open("r+") as lock:
            if _is_free(lock):
                shutil.rmtree(lock_file.parent, ignore_errors=True)


def _is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
