"""The unit for systemd that the docs give to paste."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.cli.program import TOCSIN
from tests.support.paths import DOCS
from tests.support.programs import program_of


def test_systemd_finds_no_fault_in_it(tmp_path: Path) -> None:
    analyze = program_of("systemd-analyze")
    text = (DOCS / "operations" / "install.md").read_text()
    found = re.search(r"^```ini\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    unit = tmp_path / "tocsin.service"
    unit.write_text(found[1].replace("/opt/tocsin/bin/tocsin", str(TOCSIN)))
    done = subprocess.run(
        [analyze, "verify", "--recursive-errors=no", unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if "tocsin" in line]
    assert (done.returncode, ours) == (0, [])
