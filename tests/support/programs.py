"""Programs that tests use and that are no part of the project. Where one is missing a test skips; where
they must be there (`PROGRAMS_REQUIRED`), as in continuous integration, it fails."""

from __future__ import annotations

import os
import shutil

import pytest


def program_of(*names: str) -> str:
    """The first of these that is on the PATH, or where Debian has what only root calls."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None and os.environ.get("PROGRAMS_REQUIRED"):
        pytest.fail(f"{names[0]} is not installed")
    if found is None:
        pytest.skip(f"{names[0]} is not installed")
    return found
