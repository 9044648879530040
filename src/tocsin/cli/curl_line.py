"""A webhook as a line for a shell: `curl` with the body, and the signature that it takes.

A signature is no secret, and it is written out. What proves itself by its secret alone (a token, a
password, an address) has a place for it instead: the line reads it from `SECRET`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.cli.kit.terminal import visible

if TYPE_CHECKING:
    from tocsin.cli.kit.signing import SignedSender
    from tocsin.ingest.proof.scheme import Profile

_PLACE = "${SECRET:?put the secret of the integration into it}"
"""A shell that has none says so, and sends nothing."""
_LINE_END = " \\\n  "


class NoLineError(Exception):
    """There is no such line; the text says why, and what else to do."""


@dataclass(frozen=True, slots=True)
class CurlLine:
    """`good_until` None: for as long as the secret is."""

    text: str
    needs_secret: bool
    good_until: datetime | None


def curl_line(
    base: str,
    sender: SignedSender,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    delivery_id: str,
    *,
    file: Path | None = None,
) -> CurlLine:
    """`file`: where the body is, if it is to be read from there.

    Raises:
        NoLineError: nobody but its maker can sign, or the body is none for a line.
    """
    from tocsin.ingest.replies import PREFIX
    from tocsin.model import AuthScheme

    profile = sender.profile
    if profile is None:
        raise NoLineError(sender.problem or "its secret cannot be read")
    scheme = profile.auth_scheme
    if scheme is AuthScheme.SNS:
        raise NoLineError("only Amazon SNS can sign for this integration: publish to its topic")
    address = shlex.quote(f"{base}{PREFIX}{sender.id}")
    if scheme is AuthScheme.URL:
        address = f'{address}/"{_PLACE}"'
    parts = [f"curl --silent --show-error {address}"]
    parts += _headers(headers)
    if scheme is AuthScheme.HMAC:
        _, signed = sender.request(body, now, delivery_id)
        parts += _headers(signed)
    elif scheme is AuthScheme.TOKEN:
        name = shlex.quote(f"{profile.signature_header}: {profile.signature_prefix or ''}")
        parts.append(f'-H {name}"{_PLACE}"')
    elif scheme is AuthScheme.BASIC:
        user = shlex.quote(f"{profile.username or 'tocsin'}:")
        parts.append(f'-u {user}"{_PLACE}"')
    parts.append(_data(body, file))
    return CurlLine(
        text=_LINE_END.join(parts),
        needs_secret=scheme is not AuthScheme.HMAC,
        good_until=_good_until(profile, now),
    )


def _headers(headers: Mapping[str, str]) -> list[str]:
    whole = (f"{name}: {value}" for name, value in headers.items())
    return [f"-H {shlex.quote(each)}" for each in whole]


def _data(body: bytes, file: Path | None) -> str:
    if file is not None:
        return "--data-binary " + shlex.quote(f"@{file}")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if visible(text) != text:
        raise NoLineError("the body has characters that no line can hold; give it as a file")
    return f"--data-raw {shlex.quote(text)}"


def _good_until(profile: Profile, now: datetime) -> datetime | None:
    if not profile.timestamp_is_signed:
        return None
    return now + timedelta(seconds=profile.timestamp_tolerance_seconds)
