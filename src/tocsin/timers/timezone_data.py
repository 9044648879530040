"""Which rules of time zones are in force here: governments change them a few times a year."""

from __future__ import annotations

import zoneinfo
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_NAMED_IN: Final = ("tzdata.zi", "+VERSION")
"""Files of the system's data that begin with its version."""


def timezone_data() -> str:
    """The name of their version, as precisely as it can be had."""
    for folder in zoneinfo.TZPATH:
        for name in _NAMED_IN:
            with suppress(OSError, UnicodeDecodeError), (Path(folder) / name).open() as file:
                return file.readline().removeprefix("#").strip()[:100]
        if Path(folder).is_dir():
            return f"of {Path(folder).stat().st_mtime_ns}"
    with suppress(PackageNotFoundError):
        return f"tzdata {version('tzdata')}"
    return "unknown"
