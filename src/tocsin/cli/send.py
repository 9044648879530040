"""`tocsin send`: sign a file as an integration demands, and post it to the running server."""

from __future__ import annotations

import json as json_module
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, print_json, show, status_text
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.senders import find_sender, read_body, server_of

if TYPE_CHECKING:
    from tocsin.cli.kit.signing import SignedSender

_TIMEOUT_SECONDS = 30.0


def send(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The body, as it is to be sent; - is standard input."),
    ],
    integration: Annotated[
        str, typer.Option("--integration", "-i", metavar="NAME", help="Name or id.")
    ],
    workspace: Workspace = DEFAULT_WORKSPACE,
    url: Annotated[
        str | None, typer.Option(help="The server; else the one running on the data folder.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME=VALUE")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The delivery's own name: sent as Idempotency-Key.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often to send it.")] = 1,
    json: Json = False,
) -> None:
    """Sign a file as an integration demands, post it, and show the answer.

    Exit code 0 if every answer was 2xx, 4 if there was none.
    """
    from tocsin.cli.kit.runtime import open_installation

    body = read_body(file)
    headers = dict(_header(each) for each in header or [])
    with open_installation(only_reads=True) as installation:
        base = server_of(installation.settings, url)
        sender = find_sender(installation, workspace, integration)
    answers = [_post(base, sender, body, headers, key, json) for _ in range(repeat)]
    if json:
        print_json(answers[0] if repeat == 1 else answers)
    if not all(200 <= each["status_code"] < 300 for each in answers):
        raise typer.Exit(Exit.FAILED)


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise Failure(f"--header {text!r} must read NAME=VALUE", code=Exit.USAGE)
    if not (text.isascii() and text.isprintable()):
        raise Failure(f"--header {text!r} holds what no header can carry", code=Exit.USAGE)
    return name.strip(), value.strip()


def _post(
    base: str,
    sender: SignedSender,
    body: bytes,
    headers: dict[str, str],
    key: str | None,
    as_json: bool,
) -> dict[str, Any]:
    from tocsin.cli.kit.one_request import NoServer, request
    from tocsin.model import utc_now, uuid7

    path, signed = sender.request(body, utc_now(), key or str(uuid7()))
    named = {} if key is None else {"Idempotency-Key": key}
    started = time.monotonic()
    try:
        status, answer = request(
            "POST",
            base + path,
            body,
            {"Content-Type": "application/json", **named, **signed, **headers},
            timeout=_TIMEOUT_SECONDS,
        )
    except NoServer as error:
        # Not the whole URL: it may end in a secret.
        raise Failure(f"no answer from {base}: {error}", code=Exit.UNREACHABLE) from None
    taken = round((time.monotonic() - started) * 1_000, 1)
    try:
        document = json_module.loads(answer)
    except ValueError:
        raise Failure(f"{base} answered {status}, and not as Tocsin does; is it one?") from None
    if not as_json:
        show(_answer(status, document, taken))
    return {"status_code": status, "milliseconds": taken, "answer": document}


def _answer(status: int, document: Any, taken: float) -> Text:
    dim = "bright_black"
    if 200 <= status < 300:
        line = Text.assemble(
            (str(status), "green"), " ", status_text(document["status"]), (f"  {taken} ms", dim)
        )
        for each in document["alerts"]:
            line.append("\n  ")
            line.append_text(status_text(each["status"]))
            line.append(f"  alert {each['alert_id']}")
        line.append(f"\n  delivery {document['delivery_id']}", style=dim)
        return line
    line = Text.assemble(
        (str(status), "bold red"), " ", document.get("title", ""), (f"  {taken} ms", dim)
    )
    line.append(f"\n  {document.get('detail', '')}")
    for fault in document.get("errors") or []:
        line.append(f"\n  {fault['pointer'] or '/'}: {fault['message']}")
    return line
