"""`tocsin webhook … curl`: the line that sends a webhook to an integration."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import note, print_json, print_plain
from tocsin.cli.kit.runtime import open_installation
from tocsin.cli.kit.senders import find_sender, read_body, server_of
from tocsin.model import REDACTED

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.cli.kit.signing import SignedSender

_EVENT = re.compile(r"^x-.*(event|resource|topic)$")
_PATH = "/webhook-deliveries"
_JSON = {"Content-Type": "application/json"}


def print_curl(
    which: str, workspace: str, body_file: str | None, url: str | None, as_json: bool
) -> None:
    """`which`: an integration by name or id, or a webhook delivery to send again."""
    from tocsin.cli.curl_line import NoLineError, curl_line
    from tocsin.model import utc_now, uuid7

    kept = None if _is_integration(workspace, which) else _delivery(workspace, which)
    with open_installation(only_reads=True) as installation:
        base = server_of(installation.settings, url)
        named = which if kept is None else kept["integration_id"]
        sender = find_sender(installation, workspace, named)
    now = utc_now()
    headers, body = _content(sender, kept, body_file, now)
    file = None if body_file in (None, "-") else Path(body_file or "").absolute()
    try:
        line = curl_line(base, sender, headers, body, now, str(uuid7()), file=file)
    except NoLineError as error:
        raise Failure(f"{sender.name}: {error}") from None
    until = None if line.good_until is None else line.good_until.isoformat(timespec="seconds")
    if as_json:
        print_json({"line": line.text, "needs_secret": line.needs_secret, "good_until": until})
        return
    print_plain(line.text)
    if line.needs_secret:
        note("It takes its secret, which is not printed. First, in the same shell: read -rs SECRET")
    elif line.good_until is not None:
        note(f"Good until {line.good_until:%H:%M:%S} UTC: the time is signed, too.")
    else:
        note("Good for as long as the secret is. Sent twice, it is taken for a duplicate.")


def _is_integration(workspace: str, said: str) -> bool:
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items("/integrations", 10_000)
    return any(said in (each["id"], each["name"]) for each in found)


def _delivery(workspace: str, said: str) -> Any:
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace, only_reads=True) as api:
        try:
            return api.get(f"{_PATH}/{one_id(api, _PATH, 'webhook delivery', said)}")
        except Failure as failure:
            if failure.code is not Exit.NOT_FOUND:
                raise
            names = sorted(each["name"] for each in api.items("/integrations", 10_000))
            raise Failure(
                f"there is no integration and no webhook delivery {said!r} in this workspace; "
                f"integrations: {', '.join(names[:10]) or 'none yet'}",
                code=Exit.NOT_FOUND,
            ) from None


def _content(
    sender: SignedSender, kept: Any, body_file: str | None, now: datetime
) -> tuple[dict[str, str], bytes]:
    if body_file is not None:
        return _JSON, read_body(body_file)
    if kept is not None:
        payload = kept["raw_payload"]
        text = payload if isinstance(payload, str) else _compact(payload)
        return _JSON | _events(kept["headers"]), text.encode("utf-8", "replace")
    from tocsin.ingest.sources.samples import kinds, sample

    # Another alert each time: a line that is made again is to show something new.
    return sample(sender.type, kinds(sender.type)[0], n=now.microsecond, now=now)


def _events(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by which tools name what they send, as GitHub's X-GitHub-Event does."""
    return {
        name: value
        for name, value in headers.items()
        if _EVENT.search(name.lower()) and value != REDACTED
    }


def _compact(payload: Any) -> str:
    return json_module.dumps(payload, ensure_ascii=False, separators=(",", ":"))
