"""`tocsin demo`: what is started, in which order, and how it all ends."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.kit.output import err, out, print_plain, progress

if TYPE_CHECKING:
    from tocsin.cli.demo.board import Board
    from tocsin.cli.demo.view import DemoAddress
    from tocsin.cli.server.serving import Listener

_PORT = 8480
_PORTS_TRIED = 20
_FRAME_SECONDS = 0.2
_IMPATIENT_SECONDS = 0.5


def demo(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            readable=False, help="Keep everything in this folder; else it is removed at the end."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The next free one is taken.")
    ] = _PORT,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after this time; else at Ctrl-C.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(hidden=True, help="Save what is on show at the end, as SVG.")
    ] = None,
) -> None:
    """Watch a running hub: alerts of seven tools arrive, and the people concerned are notified.

    Everything is of this machine: its own data folder, its own receivers, no setting of yours.
    """
    # The operator's settings are for the operator's hub.
    for name in [each for each in os.environ if each.startswith("TOCSIN_")]:
        del os.environ[name]
    stop = threading.Event()
    with _signals(stop), _folder(data_dir) as folder, contextlib.suppress(BrokenPipeError):
        _play(folder, port, seconds, stop, picture, is_kept=data_dir is not None)


def _play(
    folder: Path,
    port: int,
    seconds: float | None,
    stop: threading.Event,
    picture: Path | None,
    *,
    is_kept: bool,
) -> None:
    with progress("Starting the demo…"):
        # Slow to import, all of it; the spinner is for that, too.
        from tocsin.cli.calling.in_process import api_of, workspace_id_of
        from tocsin.cli.calling.socket_server import owner_socket
        from tocsin.cli.checkup.checks import answers
        from tocsin.cli.demo import inboxes, people, stage
        from tocsin.cli.demo.board import Board
        from tocsin.cli.demo.traffic import Traffic
        from tocsin.cli.demo.view import DemoAddress, save
        from tocsin.cli.kit.runtime import open_installation
        from tocsin.cli.kit.signing import load_signed_senders
        from tocsin.cli.server.control import answering
        from tocsin.cli.server.server_file import announced
        from tocsin.cli.server.sign_in_links import demo_link
        from tocsin.logs import configure_logs

    import asyncio

    board = Board()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listen(port))
        receivers = stack.enter_context(inboxes.listening(board))
        settings = stage.settings(folder, listener.getsockname()[1], receivers)
        configure_logs(settings)
        installation = stack.enter_context(open_installation(settings))
        with progress("Setting up seven tools, three receivers and their rules…"):
            with api_of(installation, "default") as api:
                scenery = stage.set_up(api, receivers)
                if receivers.mail_port is not None:
                    people.set_up_people(api, installation)
            senders = asyncio.run(
                load_signed_senders(installation, workspace_id_of(installation, "default"))
            )
            assert settings.public_url is not None
            owner_listener = None
            if stack.enter_context(announced(folder, settings.public_url)):
                stack.enter_context(answering(folder, answers(settings, installation.url)))
                owner_listener = stack.enter_context(owner_socket(folder))
            stack.enter_context(stage.serving_hub(installation, listener, owner_listener))
        scene = DemoAddress(
            url=settings.public_url,
            data_dir=folder,
            api_key=scenery.api_key.reveal_text(),
            program=_program(),
            console_url=demo_link(
                installation, settings.public_url, email="you@example.com", name="You"
            ),
        )
        traffic = Traffic(senders, "127.0.0.1", settings.port, scene.api_key, board, stop)
        thread = threading.Thread(target=traffic.run, name="traffic", daemon=True)
        thread.start()
        try:
            _show(board, scene, seconds, stop)
            if picture is not None:
                save(board, scene, picture, seconds or 0)
        finally:
            stop.set()
            thread.join(2)
    _farewell(board, folder, is_kept=is_kept)


def _show(board: Board, scene: DemoAddress, seconds: float | None, stop: threading.Event) -> None:
    began = time.monotonic()

    def goes_on() -> bool:
        if seconds is not None and time.monotonic() - began >= seconds:
            return False
        return not stop.wait(_FRAME_SECONDS)

    if out().is_terminal:
        from tocsin.cli.demo.view import watch

        watch(board, scene, goes_on)
        return
    from tocsin.cli.demo.lines import Lines

    lines = Lines(board)
    for line in scene.hints():
        print_plain(line)
    print_plain("", flush=True)
    running = True
    while running:
        running = goes_on()
        for line in lines.news(last=not running):
            print_plain(line, flush=True)


def _farewell(board: Board, folder: Path, *, is_kept: bool) -> None:
    now = board.snapshot()
    delivered = sum(now.channels.values())
    err().print(
        f"{now.webhooks} webhooks of {len(now.tools)} tools became {now.alerts} alerts; "
        f"{delivered} messages were delivered."
    )
    if is_kept:
        err().print(f"All of it is kept: TOCSIN_DATA_DIR={shlex.quote(str(folder))} tocsin serve")


def _listen(port: int) -> Listener:
    """The port, or the next free one above it; in the end any."""
    from tocsin.cli.server import serving

    for candidate in range(port, min(port + _PORTS_TRIED, 65_536)):
        with contextlib.suppress(serving.PortTaken):
            return serving.listen("127.0.0.1", candidate)
    return serving.listen("127.0.0.1", 0)


@contextlib.contextmanager
def _folder(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is not None:
        yield data_dir.expanduser().absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """The first of them ends the demo in good order, a later one at once."""
    first_at: float | None = None

    def handler(sig: int, frame: object) -> None:
        nonlocal first_at
        now = time.monotonic()
        if first_at is None:
            first_at = now
            stop.set()
        elif now - first_at > _IMPATIENT_SECONDS:
            if sys.stdout.isatty():
                # Out of the alternate screen, cursor back.
                os.write(1, b"\x1b[?1049l\x1b[?25h")
            os._exit(128 + sig)

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.signal(kind, handler) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler_before in before.items():
            signal.signal(kind, handler_before)


def _program() -> str:
    """How this program is called from the same folder."""
    called = sys.argv[0]
    if shutil.which("tocsin") is not None and Path(called).name == "tocsin":
        found = shutil.which("tocsin")
        if found is not None and Path(found).resolve() == Path(called).resolve():
            return "tocsin"
    with contextlib.suppress(ValueError):
        return str(Path(called).resolve().relative_to(Path.cwd()))
    return called
