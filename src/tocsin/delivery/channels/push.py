"""Notifications on a phone or in a browser: ntfy, Pushover and Web Push.

What is open and CRITICAL or HIGH wakes; what is over, or taken care of, never makes a sound. Facts: see
`kit/push_services.py` and `kit/web_push.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate, Url
from tocsin.delivery.channels.kit import push_services, web_push
from tocsin.delivery.channels.kit.http import digest, judge, unanswered
from tocsin.delivery.channels.kit.loudness import Loudness
from tocsin.delivery.channels.kit.mail import FromAddress
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.kit.push_notice import PushNotice, notice
from tocsin.delivery.channels.kit.push_services import Posting, PushoverAccount
from tocsin.delivery.outbound import Answer, NoAnswer, parse_url, shown
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent, Standing
from tocsin.message import Message
from tocsin.model import REDACTED

CALLBACK = "/callbacks/pushover"
RINGING = "ringing"
"""In the progress of a message: the receipt by which it can be called off."""

_Token = Annotated[str, Field(min_length=8, max_length=200, pattern=r"^[A-Za-z0-9_.\-]+$")]
_TOPIC = "must end in the topic, such as https://ntfy.sh/your-secret-topic"


class PushConfig(ChannelConfig):
    service: Literal["ntfy", "pushover", "web"]
    url: Url | None = Field(
        default=None,
        repr=False,
        description="ntfy: the topic's address. web: the subscription's `endpoint`. pushover: left "
        "out, unless another server has its interface",
    )
    token: _Token | None = Field(
        default=None,
        repr=False,
        description="ntfy: an access token, where the topic asks for one. pushover: the application's",
    )
    user: _Token | None = Field(
        default=None, repr=False, description="pushover: the key of a user or a group"
    )
    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,25}$")] | None = Field(
        default=None, description="pushover: one of the user's devices; left out, all"
    )
    expire_seconds: int = Field(
        default=3_600, ge=60, le=10_800, description="pushover: how long it rings at most"
    )
    p256dh: str | None = Field(default=None, description="web: the subscription's `keys.p256dh`")
    auth: str | None = Field(
        default=None, repr=False, description="web: the subscription's `keys.auth`"
    )

    bound_secrets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("url", "service"),
        "user": ("url", "service"),
    }

    @model_validator(mode="after")
    def _is_complete(self) -> PushConfig:
        needed = {"ntfy": ["url"], "pushover": ["token", "user"], "web": ["url", "p256dh", "auth"]}
        taken = {
            "ntfy": {"url", "token"},
            "pushover": {"url", "token", "user", "device"},
            "web": {"url", "p256dh", "auth"},
        }
        given = {
            name
            for name in ("url", "token", "user", "device", "p256dh", "auth")
            if getattr(self, name) is not None
        }
        if missing := [name for name in needed[self.service] if name not in given]:
            raise PydanticCustomError(
                "push-incomplete",
                "needs {names} for the service {service}",
                {"names": ", ".join(missing), "service": self.service},
            )
        if foreign := sorted(given - taken[self.service]):
            raise PydanticCustomError(
                "push-other-service",
                "has {names}, which the service {service} does not take",
                {"names": ", ".join(foreign), "service": self.service},
            )
        if self.service == "ntfy":
            assert self.url is not None
            path = parse_url(self.url).path.rstrip("/")
            if path.count("/") != 1 or not 1 <= len(path) - 1 <= 64 or "?" in self.url:
                raise PydanticCustomError("ntfy-topic", _TOPIC)
        if self.service == "web":
            try:
                self.browser()
            except web_push.BadKeyError:
                raise PydanticCustomError(
                    "web-push-keys", "needs p256dh and auth as the browser gave them"
                ) from None
        return self

    def browser(self) -> web_push.Browser:
        return web_push.Browser.of(self.p256dh or "", self.auth or "")

    def pushover(self) -> PushoverAccount:
        return PushoverAccount(
            (self.url or push_services.PUSHOVER).rstrip("/"),
            self.token or "",
            self.user or "",
            self.device,
            self.expire_seconds,
        )


class PushChannel:
    kind: ClassVar[str] = "push"
    config_model: ClassVar[type[ChannelConfig]] = PushConfig
    secret_fields: ClassVar = frozenset({"url", "token", "user", "auth"})
    # ntfy.sh lets 60 through at once, then one in five seconds; Pushover counts by the month.
    rate: ClassVar = Rate(per_second=1.0, burst=10, concurrency=1)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._vapid: web_push.VapidKey | None = None

    @staticmethod
    def masked(config: PushConfig) -> dict[str, Any]:
        secrets = {name: getattr(config, name) for name in ("token", "user", "auth")}
        return {
            "url": None if config.url is None else shown(config.url),
            **{name: REDACTED if secret else None for name, secret in secrets.items()},
        }

    @staticmethod
    def bucket(config: PushConfig) -> str:
        return digest("push", config.url or "", config.user or "")

    async def send(
        self, message: Message, config: PushConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        links = links_for(message.destination_name)
        said = notice(message, describe(message, config.zone, links), links)
        posting = await self._posting(message, config, said)
        if isinstance(posting, Retry):
            return posting
        answer = await self._parts.outbound.post(posting.url, posting.body, posting.headers)
        if isinstance(answer, NoAnswer):
            return unanswered(message.destination_name, answer)
        match config.service:
            case "ntfy":
                return _of_ntfy(message, answer)
            case "pushover":
                return _of_pushover(message, answer, said)
            case "web":
                return _of_push_service(message, answer)

    async def call_off(self, config: PushConfig, progress: Progress) -> bool:
        """Stop what rings; True if there is nothing left to stop."""
        receipt = progress.get(RINGING)
        if config.service != "pushover" or not isinstance(receipt, str):
            return True
        posting = push_services.pushover_silence(config.pushover(), receipt)
        answer = await self._parts.outbound.post(posting.url, posting.body, posting.headers)
        # What it does not know, or has ended by itself, is refused for good.
        return isinstance(answer, Answer) and (answer.status < 500 and answer.status != 429)

    async def _key(self) -> web_push.VapidKey | None:
        if self._vapid is None and self._parts.vapid is not None:
            self._vapid = await self._parts.vapid()
        return self._vapid

    async def _posting(
        self, message: Message, config: PushConfig, said: PushNotice
    ) -> Posting | Retry:
        match config.service:
            case "ntfy":
                return push_services.ntfy(config.url or "", config.token, said)
            case "pushover":
                callback = _callback(self._parts.callbacks, said)
                return push_services.pushover(config.pushover(), said, message.at, callback)
            case "web":
                vapid = await self._key()
                if vapid is None:
                    return Retry(
                        "web-push-not-set-up",
                        f"{message.destination_name}: the key for Web Push cannot be read with the "
                        "keys in TOCSIN_SECRET_KEY.",
                        standing=Standing.MISCONFIGURED,
                    )
                return push_services.to_browser(
                    config.url or "",
                    config.browser(),
                    vapid,
                    _subject(self._parts),
                    said,
                    message.at,
                )


def _callback(callbacks: str | None, said: PushNotice) -> str | None:
    """Where Pushover says that somebody has acknowledged: the link's token and its code, which only who
    has the message knows."""
    if callbacks is None or said.acknowledge is None or said.code is None:
        return None
    token = said.acknowledge.rpartition("/")[2]
    return f"{callbacks}{CALLBACK}/{said.id}/{quote(token)}/{said.code}"


def _subject(parts: Parts) -> str:
    """How a push service finds whoever runs this installation."""
    if parts.mail_from:
        return f"mailto:{FromAddress.of(parts.mail_from).address}"
    url = parts.callbacks or parts.public_url or ""
    return url if url.startswith("https://") else "mailto:nobody@tocsin.invalid"


def _of_ntfy(message: Message, answer: Answer) -> Outcome:
    if push_services.is_published(answer):
        return Sent(200, f"Published to {message.destination_name}.")
    return _unexpected(message, answer, "ntfy")


def _of_pushover(message: Message, answer: Answer, said: PushNotice) -> Outcome:
    name = message.destination_name
    if push_services.is_taken(answer):
        receipt = push_services.receipt_of(answer)
        rings = said.loudness is Loudness.WAKES and receipt is not None
        return Sent(
            200, f"Taken by Pushover for {name}.", progress={RINGING: receipt} if rings else None
        )
    if 400 <= answer.status < 429:
        why = push_services.pushover_refusal(answer)
        return Failed("refused", f"{name}: Pushover refused it ({why}).", answer.status)
    return _unexpected(message, answer, "Pushover")


def _of_push_service(message: Message, answer: Answer) -> Outcome:
    name = message.destination_name
    if answer.status in (404, 410):
        return Failed(
            "gone",
            f"{name}: the browser's subscription has ended; allow notifications in it again.",
            answer.status,
            disables_destination=True,
        )
    outcome = judge(name, answer, message.at)
    if isinstance(outcome, Sent):
        return replace(
            outcome,
            message=f"Taken by the push service of {name}; the browser may be away.",
            confirmed=False,
        )
    return outcome


def _unexpected(message: Message, answer: Answer, service: str) -> Outcome:
    name = message.destination_name
    if 200 <= answer.status < 300:
        return Retry(
            "answer-unexpected",
            f"{name}: answered {answer.status}, but not as {service} does.",
            answer.status,
        )
    return judge(name, answer, message.at)
