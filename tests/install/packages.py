"""The packages of this checkout, and the programs that build and install them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT

UV = Path(sys.executable).parent / "uv"


@dataclass(frozen=True)
class Packages:
    wheel: Path
    source: Path


def run(*words: str | Path) -> str:
    """What the program printed; the test fails with its last words if it does."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{words[0]}: {done.stderr[-3_000:]}"
    return done.stdout


def build(folder: Path) -> Packages:
    """The wheel is built from the source distribution, so that one proves the other."""
    run(UV, "build", "--quiet", "--out-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    return Packages(wheel, source)
