"""What the options of `tocsin policy` ask for, as the API has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tocsin.cli.kit.arguments import minutes, read_json, span
from tocsin.cli.kit.exits import Exit, Failure

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

TARGETS = {
    "schedule": "/schedules",
    "user": "/users",
    "destination": "/alert-destinations",
}
"""Where each kind of target is found."""

_MEMBERS = ("name", "steps", "repeat", "on_exhausted_destination_id", "ack_timeout_minutes")
_WAIT = "5m"


def policy_body(
    api: ApiClient,
    steps: list[str] | None,
    waits: list[str] | None,
    round_robin: list[int] | None,
    repeat: int | None,
    then: str | None,
    ack_timeout: str | None,
    file: str | None,
) -> dict[str, Any]:
    """What the options ask for, as the API has it."""
    from tocsin.cli.kit.lookup import by_name

    body: dict[str, Any] = {}
    if file is not None:
        read = read_json(file)
        if not isinstance(read, dict):
            raise Failure(f"{file} must hold a JSON object", code=Exit.USAGE)
        body = {each: read[each] for each in _MEMBERS if each in read}
    if steps:
        body["steps"] = _steps(api, steps, waits or [], round_robin or [])
    elif waits or round_robin:
        raise Failure("--wait and --round-robin are about --step", code=Exit.USAGE)
    if repeat is not None:
        body["repeat"] = repeat
    if then is not None:
        found = None if then == "-" else by_name(api, TARGETS["destination"], "destination", then)
        body["on_exhausted_destination_id"] = found and found["id"]
    if ack_timeout is not None:
        never, default = ack_timeout == "never", ack_timeout == "default"
        given = None if never or default else minutes(ack_timeout, "--ack-timeout")
        body["ack_timeout_minutes"] = 0 if never else given
    return body


def _steps(
    api: ApiClient, steps: list[str], waits: list[str], round_robin: list[int]
) -> list[dict[str, Any]]:
    count = len(steps)
    given = waits * count if len(waits) == 1 else [*waits]
    # Of the last step it may be left out: nobody comes after it.
    if given and not count - 1 <= len(given) <= count:
        raise Failure("say --wait once for all steps, or once for each", code=Exit.USAGE)
    given += [_WAIT] * (count - len(given))
    if any(not 1 <= each <= count for each in round_robin):
        raise Failure(f"--round-robin names a step, 1 to {count}", code=Exit.USAGE)
    return [
        {
            "targets": [
                _target(api, each.replace("\0", ","))
                for each in step.replace(",,", "\0").split(",")
            ],
            "wait_seconds": int(span(wait, "--wait").total_seconds()),
            "mode": "round_robin" if place in round_robin else "everyone",
        }
        for place, (step, wait) in enumerate(zip(steps, given, strict=True), 1)
    ]


def _target(api: ApiClient, text: str) -> dict[str, str]:
    """`schedule:primary`, `user:ben@example.org`.

    Raises:
        Failure: it is neither, or not there.
    """
    from tocsin.cli.kit.lookup import by_name

    kind, separator, said = text.strip().partition(":")
    if not separator or not said or kind not in TARGETS:
        raise Failure(
            f"--step {text!r} must read schedule:NAME, user:EMAIL or destination:NAME",
            code=Exit.USAGE,
        )
    return {"type": kind, "id": by_name(api, TARGETS[kind], kind, said)["id"]}
