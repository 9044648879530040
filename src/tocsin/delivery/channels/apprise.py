"""Apprise: everything that has no channel of its own, by its Apprise URLs. An extra."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import (
    ONE_OR_MORE,
    ChannelConfig,
    LinksFor,
    Parts,
    Rate,
    is_entering,
)
from tocsin.delivery.channels.kit import apprise_library as library
from tocsin.delivery.channels.kit.escape import inert
from tocsin.delivery.channels.kit.http import digest
from tocsin.delivery.channels.kit.message_words import MessageWords, describe
from tocsin.delivery.channels.kit.receivers import (
    behind_earlier,
    now_to_try,
    standing_of,
    with_waiting,
)
from tocsin.delivery.channels.kit.stalls import SLOW_SECONDS, Stalls
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent, Standing
from tocsin.message import Message
from tocsin.model import EventType, Severity

URLS_LIMIT = 10
NOT_INSTALLED = "needs the extra that is not installed here: pip install 'tocsin[apprise]'"

_KINDS = {
    Severity.CRITICAL: "failure",
    Severity.HIGH: "failure",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFO: "info",
}
_SENT, _REFUSED = "sent", "refused"


def _apprise_url(url: str, info: ValidationInfo) -> str:
    schema = url.partition("://")[0].lower() if "://" in url else ""
    if not schema:
        raise PydanticCustomError("apprise-url", "is not an Apprise URL; it must read schema://…")
    if (own := library.OWN_CHANNELS.get(schema)) is not None:
        raise PydanticCustomError(
            "apprise-own-channel", "has a type of its own: use {type}", {"type": own}
        )
    if not library.is_allowed(schema):
        raise PydanticCustomError(
            "apprise-schema",
            "names a service that is unknown, acts on this machine, or cannot be guarded; "
            "docs/channels/apprise.md lists what can be used",
        )
    if is_entering(info):
        if not library.is_installed():
            raise PydanticCustomError("apprise-not-installed", NOT_INSTALLED)
        try:
            is_valid = library.is_valid(url)
        except library.UnsafeUrlError as unsafe:
            raise PydanticCustomError(
                "apprise-option", "must not use the option {option}", {"option": unsafe.option}
            ) from None
        if not is_valid:
            raise PydanticCustomError(
                "apprise-url", "is not complete for {schema}://", {"schema": schema}
            )
    return url


class AppriseConfig(ChannelConfig):
    urls: Annotated[
        list[Annotated[str, AfterValidator(_apprise_url)]],
        Field(min_length=1, max_length=URLS_LIMIT, repr=False),
        ONE_OR_MORE,
    ]


class AppriseChannel:
    kind: ClassVar[str] = "apprise"
    config_model: ClassVar[type[ChannelConfig]] = AppriseConfig
    secret_fields: ClassVar = frozenset({"urls"})
    rate: ClassVar = Rate(per_second=1.0, burst=5, concurrency=1)

    def __init__(self, parts: Parts) -> None:
        self._policy = parts.outbound.policy
        self._seconds = parts.outbound.timeout
        self._stalls = Stalls()

    @staticmethod
    def masked(config: AppriseConfig) -> dict[str, Any]:
        # What follows the schema may be a host or a token, only the service knows; the end
        # distinguishes two of one kind.
        return {
            "urls": [
                f"{url.partition(':')[0].lower()}://…{digest('apprise', url)[:6]}"
                for url in config.urls
            ]
        }

    @staticmethod
    def bucket(config: AppriseConfig) -> str:
        return digest("apprise", *sorted(config.urls))

    async def send(
        self, message: Message, config: AppriseConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        if not library.is_installed():
            return Retry(
                "apprise-not-installed",
                f"{message.destination_name} {NOT_INSTALLED}.",
                standing=Standing.MISCONFIGURED,
            )
        words = describe(message, config.zone, links_for(message.destination_name))
        known: dict[str, str] = dict(progress.get("urls", {}))
        urls = {_key(url): url for url in config.urls}
        pending = [key for key in urls if known.get(key) not in (_SENT, _REFUSED)]
        now = now_to_try(pending, progress, message.attempt)
        if not now:
            return behind_earlier(message.destination_name)

        async def send_to(key: str) -> library.Notified:
            began = time.monotonic()
            result = await library.notify(
                urls[key],
                title=inert(words.summary),
                body=body(words),
                kind=_kind(words),
                policy=self._policy,
                seconds=self._seconds,
            )
            is_slow = time.monotonic() - began > SLOW_SECONDS
            self._stalls.note(key, stalled=result.timed_out or (is_slow and not result.sent))
            return result

        # All at once: one that stalls keeps none of the others waiting for this message. Nor for the
        # next ones, since it is left out of them for a while.
        has_others = len(urls) > 1 and message.event_type is not EventType.TEST
        stalling = [key for key in now if has_others and self._stalls.lasts(key)]
        now = [key for key in now if key not in stalling]
        results = await asyncio.gather(*(send_to(key) for key in now))
        faults: list[Retry | Failed] = [
            Retry("timeout", f"{_name(message, config, urls[key])} did not answer a moment ago.")
            for key in stalling
        ]
        for key, result in zip(now, results, strict=True):
            if result.sent:
                known[key] = _SENT
                continue
            fault = _fault(_name(message, config, urls[key]), result)
            faults.append(fault)
            if isinstance(fault, Failed):
                known[key] = _REFUSED
        return _outcome(message.destination_name, config, known, now, faults)


def body(words: MessageWords) -> str:
    """The message as plain text, for whatever shows it."""
    parts = [words.change, *(f"{moment.name}: {moment.aged}" for moment in words.moments)]
    if words.lead:
        parts += ["", inert(words.lead)]
    if words.actions:
        parts += ["", *(f"{action.name}: {action.url}" for action in words.actions)]
    if words.code_hint:
        parts.append(words.code_hint)
    if words.rest:
        parts += ["", inert(words.rest)]
    if words.rows:
        parts += ["", *(f"{inert(fact.name)}: {inert(fact.value)}" for fact in words.rows)]
    if words.more_labels:
        parts.append(f"and {words.more_labels} more labels")
    parts += ["", words.footer]
    return "\n".join(parts)


def _kind(words: MessageWords) -> str:
    if words.is_over:
        return "success"
    return _KINDS[words.severity] if words.severity else "info"


def _key(url: str) -> str:
    return digest("apprise", url)[:16]


def _name(message: Message, config: AppriseConfig, url: str) -> str:
    place = f", URL {config.urls.index(url) + 1}" if len(config.urls) > 1 else ""
    return f"{message.destination_name} ({library.service_name(url)}{place})"


def _fault(name: str, result: library.Notified) -> Retry | Failed:
    status = result.status
    if result.blocked:
        return Retry(
            "address-blocked",
            f"{name} points to an address that may not be reached; an operator can allow its "
            "network with TOCSIN_OUTBOUND_ALLOW.",
            standing=Standing.MISCONFIGURED,
        )
    if result.unsafe_option is not None:
        return Retry(
            "apprise-option",
            f"{name} has a URL with the option {result.unsafe_option}, which must not be used; save "
            "it without.",
            standing=Standing.MISCONFIGURED,
        )
    if result.timed_out:
        return Retry("timeout", f"{name} did not answer in time.")
    if status is None:
        return Retry("unreachable", f"{name} could not be reached, or did not say why it refused.")
    if status == 429:
        return Retry(
            "throttled", f"{name} asked to be sent less (429).", 429, standing=Standing.THROTTLED
        )
    if status in (408, 409, 425) or status >= 500:
        return Retry("server-error", f"{name} answered {status}; it will be tried again.", status)
    if 300 <= status < 400:
        return Failed("redirected", f"{name} answered with a redirect ({status}).", status)
    return Failed("refused", f"{name} refused the message ({status}).", status)


def _outcome(
    name: str,
    config: AppriseConfig,
    known: dict[str, str],
    tried: list[str],
    faults: list[Retry | Failed],
) -> Outcome:
    """One outcome for all URLs: what is still pending decides, then what was refused."""
    states = [known.get(_key(url)) for url in config.urls]
    waiting = [_key(url) for url in config.urls if known.get(_key(url)) is None]
    progress = with_waiting({"urls": known}, waiting, len(states))
    tally = f"{states.count(_SENT)} of {len(states)} have it."
    text = " ".join(fault.message for fault in faults)
    retries = [fault for fault in faults if isinstance(fault, Retry)]
    reached_now = any(known.get(key) == _SENT for key in tried)
    if retries:
        retry = retries[0]
        return Retry(
            retry.code,
            f"{text} {tally}",
            retry.http_status,
            standing=_standing(retries, reached_now, _SENT in states),
            progress=progress,
        )
    if waiting:
        standing = standing_of(reached_now=reached_now, reached_ever=_SENT in states)
        return replace(behind_earlier(name), progress=progress, standing=standing)
    if _SENT not in states:
        failed = faults[-1] if faults else Failed("refused", "All URLs refused the message.")
        return Failed(failed.code, text or failed.message, failed.http_status, progress=progress)
    if _REFUSED in states:
        return Sent(message=f"{text} {tally}".strip(), code="some-urls-refused", progress=progress)
    return Sent(message=tally, progress=progress)


def _standing(retries: list[Retry], reached_now: bool, reached_ever: bool) -> Standing:
    if reached_ever:
        return standing_of(reached_now=reached_now, reached_ever=True)
    standings = {retry.standing for retry in retries}
    return standings.pop() if len(standings) == 1 else Standing.FAILING
