"""The file that `tocsin backup` writes: a tar archive of the dump, the keys, and what it is."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.model import Secret

_MANIFEST, _KEYS, _DUMP = "backup.json", "secret.key", "tocsin.dump"
FORMAT: Final = 1
_SMALL = 1_048_576


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    version: str
    """Of the Tocsin that wrote it."""
    schema: str
    created_at: str
    keys: tuple[str, ...]
    """Fingerprints of the keys in force; the first encrypted what was stored last."""
    format: int = FORMAT


@dataclass(frozen=True)
class Backup:
    manifest: Manifest
    keys: str | None
    """As `secret.key` holds them; None where the backup was made without."""
    dump: Path


def fingerprint(key: Secret) -> str:
    """By which a key is known and cannot be found."""
    return hashlib.sha256(b"tocsin key\0" + key.reveal()).hexdigest()[:16]


@contextlib.contextmanager
def written(target: Path, *, replace: bool) -> Iterator[Path]:
    """A file of a name of its own, for its owner only, that becomes `target` if all went well.

    Raises:
        Failure: there is a file of that name, or it cannot be written.
    """
    if target.exists() and not replace:
        raise Failure(f"{target} exists; name another file, or --force", code=Exit.USAGE)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise Failure(f"cannot write {target}: {error.strerror}") from None
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        with open(draft, "rb") as whole:
            os.fsync(whole.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def pack(archive: Path, manifest: Manifest, keys: Sequence[Secret], dump: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        _add(tar, _MANIFEST, json.dumps(vars(manifest), indent=1).encode() + b"\n")
        if keys:
            _add(tar, _KEYS, "".join(f"{key.reveal_text()}\n" for key in keys).encode())
        tar.add(dump, _DUMP, filter=_for_owner)


def unpack(archive: Path, folder: Path) -> Backup:
    """Take it apart, its dump into `folder`.

    Raises:
        Failure: it is no backup of ours, it is cut off, or a newer Tocsin wrote it.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            manifest = json.loads(_small(tar, _MANIFEST))
            keys = _small(tar, _KEYS).decode() if _KEYS in tar.getnames() else None
            found = tar.extractfile(_DUMP)
            if found is None:
                raise KeyError(_DUMP)
            with found, open(folder / _DUMP, "wb") as dump:
                while part := found.read(_SMALL):
                    dump.write(part)
    except FileNotFoundError:
        raise Failure(f"there is no file {archive}", code=Exit.NOT_FOUND) from None
    except (OSError, tarfile.TarError, KeyError, ValueError, EOFError) as error:
        said = " ".join(str(error).split())
        raise Failure(f"{archive} is no backup of Tocsin, or not whole: {said}") from None
    return Backup(_manifest(manifest, archive), keys, folder / _DUMP)


def _manifest(document: Any, archive: Path) -> Manifest:
    try:
        given = Manifest(**{**document, "keys": tuple(document["keys"])})
    except (TypeError, KeyError):
        raise Failure(f"{archive} is no backup of Tocsin, or a newer one wrote it") from None
    if given.format != FORMAT:
        raise Failure(f"{archive} was written by Tocsin {given.version}, which is newer than this")
    return given


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    with found:
        return found.read(_SMALL)


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(body), 0o600
    tar.addfile(member, io.BytesIO(body))


def _for_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid = 0o600, 0, 0
    member.uname = member.gname = ""
    return member
