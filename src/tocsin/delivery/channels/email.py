"""Email: one mail per recipient, through the operator's mail server."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import idna
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ONE_OR_MORE, ChannelConfig, LinksFor, Parts, Rate
from tocsin.delivery.channels.kit import mail, smtp
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.kit.receivers import (
    behind_earlier,
    now_to_try,
    standing_of,
    with_waiting,
)
from tocsin.delivery.outcome import (
    Failed,
    Outcome,
    Progress,
    Retry,
    Sent,
    Standing,
)
from tocsin.message import Message

RECIPIENTS_LIMIT = 50
DEFERRED_WAITS = (60.0, 300.0, 900.0, 1_800.0, 3_600.0)
"""Seconds by attempt: greylisting wants five minutes, and most of it is over by the second try."""

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\Z")


def mail_address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    try:
        domain = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        domain = ""
    if not (_LOCAL.match(local) and len(local) <= 64 and _DOMAIN.match(domain)):
        raise PydanticCustomError(
            "mail-address", "is not a mail address; it must read somebody@example.com"
        )
    return f"{local}@{domain}"


def _all_different(addresses: list[str]) -> list[str]:
    if len({address.lower() for address in addresses}) < len(addresses):
        raise PydanticCustomError("duplicate", "names one address twice")
    return addresses


class EmailConfig(ChannelConfig):
    recipients: Annotated[
        list[Annotated[str, AfterValidator(mail_address)]],
        Field(min_length=1, max_length=RECIPIENTS_LIMIT),
        AfterValidator(_all_different),
        ONE_OR_MORE,
    ]


class EmailChannel:
    kind: ClassVar[str] = "email"
    config_model: ClassVar[type[ChannelConfig]] = EmailConfig
    secret_fields: ClassVar[frozenset[str]] = frozenset()
    rate: ClassVar = Rate(per_second=10.0, burst=20, concurrency=4)

    def __init__(self, parts: Parts) -> None:
        self._server = parts.smtp
        self._sender = mail.FromAddress.of(parts.mail_from) if parts.mail_from else None
        self._seconds = parts.outbound.timeout
        self._tls = parts.tls

    @staticmethod
    def masked(config: EmailConfig) -> dict[str, Any]:
        return {}

    @staticmethod
    def bucket(config: EmailConfig) -> str:
        # One mail server takes all mail, whatever the destination.
        return "email"

    async def send(
        self, message: Message, config: EmailConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        if self._server is None or self._sender is None:
            return Retry(
                "mail-not-set-up",
                f"{message.destination_name} gets no mail: TOCSIN_SMTP_URL and TOCSIN_MAIL_FROM "
                "are not set on this installation.",
                standing=Standing.MISCONFIGURED,
            )
        sender = self._sender
        known: dict[str, Any] = dict(progress.get("recipients", {}))
        pending = [each for each in config.recipients if not _is_final(known.get(each))]
        now = now_to_try(pending, progress, message.attempt)
        if not now:
            return behind_earlier(message.destination_name)

        def build(recipient: str) -> bytes:
            words = describe(message, config.zone, links_for(recipient))
            return mail.build(message, words, recipient, sender)

        try:
            handover = await smtp.hand_over(
                self._server,
                sender.address,
                {each: lambda each=each: build(each) for each in now},  # type: ignore[misc]
                seconds=self._seconds,
                hostname=sender.domain,
                tls=self._tls,
            )
        except mail.UnsafeMail:
            return Failed(
                "mail-unsafe",
                f"A mail to {message.destination_name} would have had headers that are not ours.",
            )
        known |= {each: receipt.document() for each, receipt in handover.receipts.items()}
        return _outcome(message, config, known, now, handover.trouble)


def _is_final(receipt: Any) -> bool:
    return bool(receipt) and receipt["state"] in (smtp.State.SENT, smtp.State.REFUSED)


def _outcome(
    message: Message,
    config: EmailConfig,
    known: dict[str, Any],
    tried: list[str],
    trouble: smtp.Trouble | None,
) -> Outcome:
    """One outcome for all recipients; what each of them got is in its progress."""
    waiting = [each for each in config.recipients if not _is_final(known.get(each))]
    progress = with_waiting({"recipients": known}, waiting, len(config.recipients))
    by_state: dict[str, list[str]] = {state: [] for state in smtp.State}
    for each in config.recipients:
        if receipt := known.get(each):
            by_state[receipt["state"]].append(each)
    sent, refused = by_state[smtp.State.SENT], by_state[smtp.State.REFUSED]
    total = len(config.recipients)
    name = message.destination_name
    tally = f"{len(sent)} of {total} recipients have it."
    if waiting:
        reached_now = any(each in sent for each in tried)
        if trouble is not None:
            return Retry(
                trouble.code,
                f"{name}: the mail server {trouble.message}; {tally}",
                standing=_standing(trouble, reached_now),
                progress=progress,
            )
        deferred = by_state[smtp.State.DEFERRED]
        if not any(each in deferred for each in tried):
            standing = standing_of(reached_now=reached_now, reached_ever=bool(sent))
            return replace(behind_earlier(name), progress=progress, standing=standing)
        step = min(max(message.attempt, 1), len(DEFERRED_WAITS)) - 1
        return Retry(
            "recipient-deferred",
            f"{name}: not taken yet: {_said(deferred, known)}; {tally}",
            retry_after=DEFERRED_WAITS[step],
            standing=standing_of(reached_now=reached_now, reached_ever=bool(sent)),
            progress=progress,
        )
    if not sent:
        text = f"{name}: the mail server refused {_said(refused, known)}."
        return Failed("recipient-refused", text, progress=progress)
    if refused:
        return Sent(
            message=f"{name}: {tally} Refused for good: {_said(refused, known)}.",
            code="some-recipients-refused",
            progress=progress,
        )
    return Sent(message=f"{name}: taken by the mail server; {tally}", progress=progress)


def _standing(trouble: smtp.Trouble, reached_now: bool) -> Standing:
    if trouble.everyone:
        return Standing.DOWN
    return Standing.WORKING if reached_now else Standing.FAILING


def _said(recipients: list[str], known: dict[str, Any]) -> str:
    shown = [f"{each} ({known[each]['code']} {known[each]['text']})" for each in recipients[:3]]
    more = [f"{len(recipients) - 3} more"] if len(recipients) > 3 else []
    return ", ".join(shown + more)
