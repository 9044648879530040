"""`tocsin.toml`: the settings that the server and every command share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from tocsin.settings.names import CONFIG, NAMED, PREFIX

FILE_NAME: Final = "tocsin.toml"
_DATA_DIR: Final = "data_dir"


@dataclass(frozen=True)
class SettingsFile:
    """What was found where the file may be: its settings by their names in the environment, as
    text, and a line for each fault. A file that is not there holds nothing."""

    path: Path
    exists: bool = False
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: tuple[str, ...] = ()


def read_file(environ: Mapping[str, str], data_dir: Path) -> SettingsFile:
    """The file that `TOCSIN_CONFIG` names, else that in the data folder.

    Only the one that is named must exist.
    """
    named = environ.get(CONFIG)
    path = Path(named).expanduser().absolute() if named else data_dir / FILE_NAME
    try:
        with open(path, "rb") as opened:
            body = opened.read()
    except OSError as error:
        # That a folder is closed, or is none, is said by whoever needs it.
        is_closed = not os.access(path.parent, os.X_OK)
        if not named and (is_closed or isinstance(error, FileNotFoundError)):
            return SettingsFile(path)
        return SettingsFile(path, faults=(f"{path}: cannot be read: {error.strerror}",))
    # Imported only where there is a file: commands are to be quick.
    import tomllib

    try:
        document = tomllib.loads(body.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return SettingsFile(path, True, faults=(f"{path}: is not TOML: {error}",))
    given: dict[str, str] = {}
    faults: list[str] = []
    for key, value in document.items():
        try:
            name = _name(key, is_in_data_dir=not named)
            given[name] = _text(value)
        except ValueError as error:
            faults.append(f"{path}: {key}: {error}")
    return SettingsFile(path, True, given, tuple(faults))


def _name(key: str, *, is_in_data_dir: bool) -> str:
    known = {named.in_file for named in NAMED}
    known |= {f"{named.in_file}_file" for named in NAMED if named.is_secret}
    if key == _DATA_DIR and is_in_data_dir:
        raise ValueError(
            f"says where this file is looked for, so it cannot stand in it; set {PREFIX}DATA_DIR, or "
            f"keep the file elsewhere and name it in {CONFIG}"
        )
    if key not in known:
        near = get_close_matches(key.lower().removeprefix(PREFIX.lower()), known, 1)
        hint = f"; did you mean {near[0]}?" if near else "; see docs/operations/settings.md"
        raise ValueError(f"is not a setting of Tocsin{hint}")
    return f"{PREFIX}{key.upper()}"


def _text(value: object) -> str:
    """As it would stand in the environment."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    raise ValueError("must be text, a number, true or false, or a list of texts")


def holds_secrets(file: SettingsFile) -> bool:
    """Whether a secret stands in the file itself."""
    return any(named.is_secret and named.name in file.given for named in NAMED)
