"""The keys that secrets are encrypted with: from the settings, else `secret.key` in the data folder.

The file is made once, on the embedded default only. It appears whole or not at all, and of two
processes that make it at once both use the one that was first.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.model import Secret
from tocsin.settings import Settings, SettingsError, parse_secret_keys

if TYPE_CHECKING:
    from tocsin.store.installation import Sealed

FILE = "secret.key"


def configured(settings: Settings) -> tuple[Secret, ...] | None:
    """The keys there are; None if there is no file yet to hold one.

    Raises:
        Failure: if the file is there and cannot be used.
    """
    if settings.secret_keys:
        return settings.secret_keys
    path = settings.data_dir / FILE
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise Failure(
            f"cannot read the key of this installation, {path}: {reason}; run tocsin as the "
            "folder's owner, or restore the file from a backup",
            code=Exit.FAILED,
        ) from None
    try:
        return parse_secret_keys(text)
    except ValueError as error:
        raise Failure(f"{path} {error}; restore it from a backup") from None


def make(data_dir: Path) -> tuple[Secret, ...]:
    """Makes the file unless somebody else just did; answers the keys in it.

    Raises:
        SettingsError: if the folder does not let us.
    """
    from tocsin.access.vault import Vault

    keep(data_dir, Vault.new_key().reveal_text() + "\n")
    keys = configured(Settings(data_dir=data_dir))
    assert keys is not None
    return keys


def keep(data_dir: Path, text: str) -> None:
    """Makes the file of this text unless there is one.

    Raises:
        SettingsError: if the folder does not let us.
    """
    path = data_dir / FILE
    draft = data_dir / f".{FILE}.{secrets.token_hex(8)}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                if os.geteuid() == 0:
                    # Root beside a user's own hub: the user must be able to read it as well.
                    owner = data_dir.stat()
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                os.fsync(file.fileno())
            # Unlike a rename, a link does not replace what another process put there meanwhile.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync(data_dir)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError([f"cannot keep a key in {path}: {reason}"]) from None


def closed(sealed: Sequence[Sealed], keys: Sequence[Secret]) -> list[Sealed]:
    """Those that none of the keys opens."""
    from tocsin.access.vault import Vault, VaultError

    vault, found = Vault(keys), []
    for each in sealed:
        try:
            vault.open(each.value)
        except VaultError:
            found.append(each)
    return found


def _sync(folder: Path) -> None:
    """The name of a new file outlives a power cut only once its folder is on disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
