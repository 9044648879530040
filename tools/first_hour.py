"""How long a newcomer's first hour takes, step by step, in a fresh clone of what is committed here.

    python tools/first_hour.py [--rounds 3] [--write]

Prints the table of docs/first-hour.md; `--write` puts it there. What it makes is in a folder of its own,
and is gone at the end. The phone is a server on this machine that takes what ntfy takes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "first-hour.md"
PATIENCE_SECONDS: Final = 900.0
_TABLE = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.DOTALL)

DEMO: Final = "`make demo` until its link"
RINGS: Final = "phone: three commands until it rings"
UNTIL_IT_RINGS: Final = (
    "clone",
    "`make install`",
    "`tocsin serve` until it is ready",
    "own alert: two commands",
    RINGS,
)
SUMS: Final = {
    "**from the clone until the phone rings**": UNTIL_IT_RINGS,
    "**… with the demo before it**": (*UNTIL_IT_RINGS, DEMO),
}


@dataclass(frozen=True)
class Step:
    name: str
    seconds: float
    load: float


@dataclass
class Phone:
    """Takes what ntfy takes, and rings."""

    port: int = 0
    rang: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def phone() -> Iterator[Phone]:
    phone = Phone()

    class Ntfy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"id": "1", "event": "message", "topic": message["topic"]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            phone.rang.set()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ntfy) as server:
        phone.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield phone
        finally:
            server.shutdown()
            thread.join(10)


@dataclass
class Newcomer:
    """Types what the pages say, and looks at the clock."""

    place: Path
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clone = self.place / "tocsin"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")},
            "PATH": f"{self.clone}/.venv/bin{os.pathsep}{os.environ['PATH']}",
            "TOCSIN_DATA_DIR": str(self.place / "data"),
            "TOCSIN_PORT": str(_free_port()),
            "TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8",
        }
        self.environment.pop("VIRTUAL_ENV", None)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        step = Step(name, time.monotonic() - begin, os.getloadavg()[0])
        self.steps.append(step)
        print(f"  {name:<45} {step.seconds:7.1f} s   load {step.load:.2f}", file=sys.stderr)

    def type(self, *words: str | Path, cwd: Path | None = None, **settings: str) -> None:
        """Runs it to its end; what it says is shown only if it fails."""
        done = subprocess.run(  # noqa: S603 - what is written here
            [str(word) for word in words],
            cwd=cwd or self.place,
            env=self.environment | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            print(done.stdout.decode(errors="replace")[-4_000:], file=sys.stderr)
            raise SystemExit(f"{' '.join(map(str, words))}: ended with {done.returncode}")

    @contextlib.contextmanager
    def in_background(self, ready: str, *words: str | Path) -> Iterator[Callable[[], None]]:
        """It has said so that it is ready; the answer waits for its end."""
        said = self.place / f"said-{len(self.steps)}"
        with said.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - what is written here
                [str(word) for word in words],
                cwd=self.clone,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

        def end() -> None:
            process.send_signal(signal.SIGTERM)
            process.wait(120)

        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while ready not in said.read_text(errors="replace"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{words[0]}: {said.read_text(errors='replace')[-2_000:]}")
                time.sleep(0.05)
            yield end
        finally:
            if process.poll() is None:
                end()

    def send(self, **alert: str) -> None:
        (self.place / "alert.json").write_text(json.dumps(alert))
        self.type("tocsin", "send", "--integration", "shop", "alert.json")


def first_hour(place: Path, phone: Phone) -> list[Step]:
    me = Newcomer(place)
    with me.timed("clone"):
        me.type("git", "clone", "--quiet", ROOT, me.clone)
    with me.timed("`make install`"):
        me.type("make", "install", cwd=me.clone)
    with contextlib.ExitStack() as running, me.timed(DEMO):
        running.enter_context(
            me.in_background("/enter/", "tocsin", "demo", "--port", str(_free_port()))
        )
    with contextlib.ExitStack() as running:
        with me.timed("`tocsin serve` until it is ready"):
            stop = running.enter_context(me.in_background("is ready at", "tocsin", "serve"))
        with me.timed("own alert: two commands"):
            me.type("tocsin", "integration", "create", "shop", "--type", "generic")
            me.send(title="Disk full on db-1", severity="critical", id="disk-db-1")
        with me.timed(RINGS):
            topic = {"service": "ntfy", "url": f"http://127.0.0.1:{phone.port}/tocsin-7f3b9c2e81d4"}
            (place / "my-phone.json").write_text(json.dumps(topic))
            create = ("tocsin", "destination", "create", "my-phone", "--type", "push")
            me.type(*create, "--config", "my-phone.json")
            me.type(
                *("tocsin", "rule", "create", "what matters"),
                *("--to", "my-phone", "--min-severity", "high"),
            )
            phone.rang.clear()
            me.send(title="Checkout is down", severity="critical", id="checkout")
            if not phone.rang.wait(120):
                raise SystemExit("the phone did not ring")
        with me.timed("any command: `tocsin alerts`"):
            me.type("tocsin", "alerts")
        with me.timed("backup, while it runs"):
            me.type("tocsin", "backup", "before.tar")
        with me.timed("restore into an empty folder"):
            restored = str(place / "restored")
            me.type("tocsin", "restore", "before.tar", TOCSIN_DATA_DIR=restored)
        with me.timed("stop"):
            stop()
    with me.timed("upgrade: `make dist`"):
        me.type("make", "dist", cwd=me.clone)
    with me.timed("upgrade: install the wheel"):
        (wheel,) = (me.clone / "dist").glob("*.whl")
        me.type(sys.executable, "-m", "venv", place / "installed")
        uv = me.clone / ".venv" / "bin" / "uv"
        python = place / "installed" / "bin" / "python"
        me.type(uv, "pip", "install", "--quiet", "--python", python, wheel)
    with contextlib.ExitStack() as running, me.timed("upgrade: start on the old data"):
        tocsin = place / "installed" / "bin" / "tocsin"
        running.enter_context(me.in_background("is ready at", tocsin, "serve"))
    return me.steps


def table(rounds: Sequence[Sequence[Step]]) -> str:
    """For the page: a row for each step, a column for each round, with the load at its end."""
    lines = [
        f"| step{' |' * len(rounds)} |",
        f"|---{'|---:' * len(rounds)}|",
    ]
    for place, first in enumerate(rounds[0]):
        cells = (f"{one[place].seconds:.1f} s ({one[place].load:.2f})" for one in rounds)
        lines.append(f"| {first.name} | {' | '.join(cells)} |")
    for name, of in SUMS.items():
        sums = (sum(each.seconds for each in one if each.name in of) for one in rounds)
        lines.append(f"| {name} | {' | '.join(f'**{each:.0f} s**' for each in sums)} |")
    return "\n".join(lines) + "\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    options = argparse.ArgumentParser(description="Take the times of docs/first-hour.md.")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true", help="put the table into the page")
    asked = options.parse_args()
    rounds = []
    with phone() as ringing:
        for number in range(1, asked.rounds + 1):
            print(f"round {number} of {asked.rounds}", file=sys.stderr)
            place = Path(tempfile.mkdtemp(prefix="tocsin-first-hour-"))
            try:
                rounds.append(first_hour(place, ringing))
            finally:
                shutil.rmtree(place, ignore_errors=True)
    made = table(rounds)
    if asked.write:
        PAGE.write_text(_TABLE.sub(lambda _: made, PAGE.read_text(encoding="utf-8")))
    print(made, end="")


if __name__ == "__main__":
    main()
