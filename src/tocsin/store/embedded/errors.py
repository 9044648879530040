"""What went wrong with the embedded PostgreSQL, in one line a person can act on."""

from __future__ import annotations

import errno
import re
from pathlib import Path

_LIMIT = 400

# PostgreSQL says some causes as mere LOG lines, before the FATAL that names only the consequence.
_INFORMATIVE = re.compile(
    r"\b(?:(?:FATAL|PANIC|ERROR|error|fatal):|"
    r"(?:LOG|WARNING):(?=.*(?:unrecognized|invalid|could not|syntax error)))\s+(.*)"
)

# What the server or initdb said → what to do about it; the first that matches.
_ADVICE = (
    (r"No space left|Disk quota", "free some disk space, then start again"),
    (
        r"pre-existing shared memory|[Ll]ock file .* already exists|another postmaster",
        "another PostgreSQL still uses this folder: stop it, then start again",
    ),
    (
        r"could not look up effective user ID",
        "give this user id a name in /etc/passwd, or set TOCSIN_DATABASE_URL",
    ),
    (
        r"Permission denied|Operation not permitted|wrong ownership|invalid permissions",
        "give the folder to the user that runs tocsin",
    ),
    (
        r"valid checkpoint|invalid checkpoint|checksum|invalid page|could not open file|"
        r"could not read file|PANIC|is not a valid|invalid data in|bogus data|corrupt|"
        r"does not exist|control file|incompatible with server",
        "the data looks damaged: restore a backup (docs/operations/database.md)",
    ),
    (r"configuration file|unrecognized configuration|parameter", "fix local.conf in the cluster"),
    (
        r"shared memory|semaphore|Cannot allocate memory",
        "give this machine more memory",
    ),
)


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; `str()` is one line: what is wrong and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def condense(log: str) -> str:
    """The one or two lines of a server log or of initdb's complaints that say why it stopped."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    informative = [match.group(1).strip() for line in lines if (match := _INFORMATIVE.search(line))]
    # The last complaint is what ended it; the one before is often the cause.
    chosen = list(dict.fromkeys(informative or lines))[-2:]
    return "; ".join(chosen)[:_LIMIT]


def advice(said: str, log: Path | None = None) -> str:
    """What to do about what the server said, and where the whole log is."""
    todo = next((text for pattern, text in _ADVICE if re.search(pattern, said)), None)
    where = f"the whole log is {log}" if log is not None else None
    return "; ".join(part for part in (todo, where) if part) or "see docs/operations/database.md"


def folder_error(folder: Path, error: OSError) -> EmbeddedError:
    """A data folder the operating system will not let us use."""
    todo = {
        errno.ENOSPC: "free some disk space",
        errno.EDQUOT: "free some disk space",
        errno.ENOENT: "set TOCSIN_DATA_DIR to a folder that can be made",
        errno.EROFS: "set TOCSIN_DATA_DIR to a folder that can be written",
        errno.ENOTDIR: "set TOCSIN_DATA_DIR to a folder, not a file",
        errno.EEXIST: "set TOCSIN_DATA_DIR to a folder, not a file",
        errno.EACCES: "run tocsin as the folder's owner, or set TOCSIN_DATA_DIR",
        errno.EPERM: "run tocsin as the folder's owner, or set TOCSIN_DATA_DIR",
    }.get(error.errno or 0, "see docs/operations/database.md")
    at = f" ({error.filename})" if error.filename and str(error.filename) != str(folder) else ""
    return EmbeddedError(
        f"cannot keep the embedded PostgreSQL in {folder}: {error.strerror or error}{at}; {todo}"
    )
