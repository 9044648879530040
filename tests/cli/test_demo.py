"""The demo: alerts of seven tools arrive, the people concerned are notified, and nothing stays."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.program import PATIENCE, Program, processes_in
from tocsin.cli.demo.stage import TOOLS


def test_seven_tools_are_seen_and_three_channels_notified(tmp_path: Path) -> None:
    with Program({"TMPDIR": str(tmp_path)}).running("demo", "--port", "0", "--seconds", "9") as run:
        assert run.process.wait(PATIENCE) == 0
        farewell = run.errors[-1]
        lines = "\n".join(run.lines)
    assert f"webhooks of {len(TOOLS)} tools became" in farewell
    for source in TOOLS:
        name = {"standard_webhooks": "std-webhooks"}.get(source, source)
        assert re.search(rf"in   {name} +201 created", lines), (name, lines)
    for channel in ("webhook", "email", "teams"):
        assert re.search(rf"out  {channel} .*ms after its webhook", lines), (channel, lines)
    assert re.search(r"out  email +to nora@example.com +CRITICAL", lines), lines
    assert "explain last" in lines
    assert list(tmp_path.glob("tocsin-demo-*")) == []
    assert processes_in(tmp_path) == []


def test_it_knows_how_it_is_and_ctrl_c_ends_it_and_nothing_stays(tmp_path: Path) -> None:
    with Program({"TMPDIR": str(tmp_path)}).running("demo", "--port", "0") as run:
        run.await_line(r"in   \S+ +201 created")
        (folder,) = tmp_path.glob("tocsin-demo-*")
        doctor = Program({"TOCSIN_DATA_DIR": str(folder)}).run("doctor")
        assert run.stop() == 0
    assert doctor.err.startswith("As the server running at http://127.0.0.1:"), doctor.err
    assert "does not answer" not in doctor.out
    assert "Traceback" not in "\n".join(run.errors)
    assert list(tmp_path.glob("tocsin-demo-*")) == []
    assert processes_in(tmp_path) == []
