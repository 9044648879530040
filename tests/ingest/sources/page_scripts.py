"""Running the scripts that our pages ask people to paste, with a `curl` that only writes down what it
was asked for."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from tests.support.paths import DOCS

FORM = "application/x-www-form-urlencoded"
_SYSTEM = "/usr/bin:/bin"
_CURL = """#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in
    --data-urlencode) printf '%s\\0' "$2" >> "$OUT.fields"; shift ;;
    --config) cat >> "$OUT.config" ;;
  esac
  printf '%s\\0' "$1" >> "$OUT.arguments"; shift
done
"""


@dataclass(frozen=True)
class Asked:
    """What a script asked its curl for: a form, the other arguments, and a configuration."""

    form: bytes
    arguments: list[str]
    config: str


def script_of(type_: str) -> str:
    page = (DOCS / "sources" / f"{type_}.md").read_text("utf-8")
    (script,) = re.findall(r"```sh script\n(.*?)```", page, re.DOTALL)
    return str(script)


def run(
    script: str,
    folder: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    shell: str = "sh",
) -> Asked:
    (folder / "script").write_text(script, "utf-8")
    (folder / "curl").write_text(_CURL, "utf-8")
    (folder / "curl").chmod(0o755)
    found = shutil.which(shell, path=_SYSTEM)
    assert found is not None
    out = folder / "out"
    subprocess.run(
        [found, "-eu", str(folder / "script"), *arguments],
        env={"PATH": f"{folder}:{_SYSTEM}", "OUT": str(out), **(environment or {})},
        check=True,
        timeout=60,
    )
    return Asked(
        b"&".join(_encoded(field) for field in _parts(folder / "out.fields")),
        [part.decode() for part in _parts(folder / "out.arguments")],
        b"".join(_parts(folder / "out.config")).decode(),
    )


def _parts(path: Path) -> list[bytes]:
    return [part for part in path.read_bytes().split(b"\0") if part] if path.exists() else []


def _encoded(field: bytes) -> bytes:
    name, value = field.split(b"=", 1)
    return name + b"=" + quote_plus(value).encode()
