"""The pages of the documentation, and the blocks of them that are run.

A block marked `console` is typed into a shell, command by command, against a running hub:

    $ tocsin send --integration shop alert.json
    201 created  … ms

Each command must succeed, and each line below it must be found in what it printed, in that order; `…`
stands for anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.program import TOCSIN, Ended, Program
from tests.support.paths import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass
class Command:
    text: str
    expected: list[str] = field(default_factory=list)

    def missing_from(self, output: str) -> str | None:
        """The first expected line that is not there."""
        lines = iter(output.splitlines())
        for wanted in self.expected:
            words = r"\s+".join(_word(word) for word in wanted.split())
            if not any(re.search(words, line) for line in lines):
                return wanted
        return None


def _word(word: str) -> str:
    return ".*" if word == "…" else re.escape(word).replace("…", ".*")


def commands(page: Path) -> list[Command]:
    found: list[Command] = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif line.strip():
                found[-1].expected.append(line)
    return found


def run(command: Command, folder: Path, program: Program) -> None:
    """Types it, with `folder` as the current one."""
    if command.text.startswith("tocsin ") and not set(command.text) & set("$|<>;&"):
        # A shell would do no more with it, and importing the program takes it seconds.
        with contextlib.chdir(folder):
            ended = program.call(*shlex.split(command.text)[1:])
    else:
        path = f"{TOCSIN.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command.text],
            cwd=folder,
            env={**program.environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
    assert ended.code == 0, f"{command.text}\n{ended.out}{ended.err}"
    missing = command.missing_from(ended.out)
    assert missing is None, f"{command.text}\nno {missing!r} in:\n{ended.out}"
