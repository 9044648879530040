"""Test messages: waited for, and what became of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import ago, note, print_json, progress, show

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

_LOOK_SECONDS = 0.3
_STYLES = {"Sent": "green", "Failed": "bold red", "Pending": "yellow", "Never": "bright_black"}


Wait = Annotated[
    float, typer.Option(min=0, help="How many seconds to wait for what becomes of it.")
]


def run_test(api: ApiClient, path: str, seconds: float) -> Any:
    """Has a test message sent to what is at `path`, and waits for what becomes of it."""
    api.post(f"{path}/test")
    with progress("Waiting for it to be sent…"):
        return _await_test(api, path, seconds)


def _await_test(api: ApiClient, path: str, seconds: float) -> Any:
    """How the last test of what is at `path` stands, as soon as that is known, or after so long."""
    deadline = time.monotonic() + seconds
    while True:
        result = api.get(path)["last_test"]
        if result["status"] != "Pending" or time.monotonic() >= deadline:
            return result
        time.sleep(_LOOK_SECONDS)


def say_test(result: Any, *, json: bool) -> None:
    """Shows what became of a test, and ends the command by it.

    Raises:
        Failure: nobody has sent it.
    """
    if json:
        print_json(result)
    else:
        show(last_test(result))
        if result["status"] == "Sent" and result["confirmed"] is False:
            note("The service accepted it; look there whether it was posted, too.")
    if result["status"] == "Pending":
        raise Failure(
            "it is still to be sent; is a server running (`tocsin serve`)?", code=Exit.UNREACHABLE
        )
    if result["status"] == "Failed":
        raise typer.Exit(Exit.FAILED)


def last_test(result: Any) -> Text:
    """A last test in one line."""
    line = Text(result["status"], style=_STYLES.get(result["status"], ""))
    if result["at"] is not None:
        line.append(f"  {ago(result['at'])}", style="bright_black")
    if result["error_message"]:
        line.append(f"  {result['error_message']}", style="")
    return line
