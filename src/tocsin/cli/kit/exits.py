"""How commands end: exit codes that mean something, and errors as one line on standard error."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeVar

_T = TypeVar("_T")


class Exit(IntEnum):
    """Documented in docs/operations/command-line.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    """Wrong arguments or settings: nothing was tried."""
    NOT_FOUND = 3
    UNREACHABLE = 4
    """The database, or the running server, cannot be reached."""
    INTERRUPTED = 130
    """Ctrl-C, where stopping is not the ordinary end (it is, of `serve` and `demo`)."""


class Failure(Exception):
    """Ends a command. Each line says what is wrong and, where known, what to do."""

    def __init__(self, *lines: str, code: Exit = Exit.FAILED) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code


def readable(work: Callable[[], _T]) -> _T:
    """Runs `work`; what can be expected to go wrong becomes a `Failure`.

    The kinds are known by name, so that `tocsin --help` need not import the database driver.
    """
    try:
        return work()
    except Failure:
        raise
    except Exception as error:
        failure = _failure(error)
        if failure is None:
            raise
        raise failure from error


def _failure(error: Exception) -> Failure | None:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "SettingsError" in kinds:
        return Failure(*error.faults, code=Exit.USAGE)  # type: ignore[attr-defined]
    if "EmbeddedError" in kinds:
        return Failure(str(error), code=Exit.UNREACHABLE)
    if kinds & {"SchemaError", "VaultError", "SharedConnectionsError", "DumpError"}:
        return Failure(str(error))
    if kinds & {"OperationalError", "InterfaceError"}:
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        return Failure(f"the database cannot be reached: {said}", code=Exit.UNREACHABLE)
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(
            f"{error.filename}: {error.strerror}; run tocsin as the folder's owner, or set "
            "TOCSIN_DATA_DIR"
        )
    return None
