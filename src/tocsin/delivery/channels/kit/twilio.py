"""Twilio: what text messages and calls share. Whose account, the request, what its answer means, and
the signature of what it calls back with.

Facts: twilio.com/docs/messaging/api/message-resource, /docs/voice/api/call-resource,
/docs/usage/webhooks/webhooks-security, and /docs/api/errors for the numbers of errors. An error is
`{"code": 21211, "message": …, "status": 400}`; 201 means queued, not arrived: that is said later, to
the address given as `StatusCallback`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode, urlsplit

import msgspec
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, Parts, Url
from tocsin.delivery.channels.kit.http import digest, judge
from tocsin.delivery.outbound import Answer
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.message import Message
from tocsin.model import REDACTED, Secret
from tocsin.settings import TwilioAccount

BASE_URL = "https://api.twilio.com"
_VERSION = "2010-04-01"
CALLBACKS = "/callbacks/twilio"
"""Where Twilio finds this installation, below its public URL."""

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_SID = re.compile(r"AC[0-9a-zA-Z]{32}\Z")
_SENDER = re.compile(
    r"(\+[1-9][0-9]{6,14}|MG[0-9a-zA-Z]{32}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})\Z"
)

# Errors of Twilio that are about the receiver: no attempt will ever succeed.
_UNREACHABLE = {
    21211: "is not a phone number that Twilio knows",
    21214: "has a number that cannot be called",
    21217: "is not a phone number that Twilio knows",
    21612: "cannot be reached from the sender's number",
    21614: "has a number that takes no text messages",
    13223: "has a number that cannot be called",
    13224: "has a number that cannot be called",
}
_STOPPED = 21610
"""The receiver answered STOP to this sender."""
# Those that somebody with the Twilio account can fix: until then, messages wait.
_TO_MEND = {
    20003: "Twilio does not accept the account or its token",
    20005: "the Twilio account is not active",
    21212: "the sender's number is not one of the Twilio account",
    21408: "the Twilio account may not send to this country (Messaging → Settings → Geo permissions)",
    21210: "the sender's number is not verified at Twilio",
    21215: "the Twilio account may not call this country (Voice → Settings → Geo permissions)",
    21606: "the sender's number is not one that may send text messages",
    21608: "a trial account of Twilio sends to verified numbers only",
    21219: "a trial account of Twilio calls verified numbers only",
    21609: "Twilio cannot reach TOCSIN_PUBLIC_URL",
    21603: "Twilio was given no sender",
    21659: "the sender's number is not one of the Twilio account",
    21660: "the sender's number is of another Twilio account",
    21703: "the messaging service has no number",
}


def _is_number(text: str) -> str:
    number = re.sub(r"[ ().\-/]", "", text)
    if not _NUMBER.match(number):
        raise PydanticCustomError(
            "phone-number",
            "must be a phone number with its country's code, such as +43 660 1234567",
        )
    return number


def _is_sid(text: str) -> str:
    if not _SID.match(text):
        raise PydanticCustomError("account-sid", "must be AC and 32 letters and digits")
    return text


def _is_sender(text: str) -> str:
    sender = re.sub(r"[ ().\-/]", "", text) if text.startswith("+") else text
    if not _SENDER.match(sender):
        raise PydanticCustomError(
            "sender", "must be a phone number such as +15550100000, or a messaging service (MG…)"
        )
    return sender


PhoneNumber = Annotated[str, AfterValidator(_is_number)]


class TwilioConfig(ChannelConfig):
    """To one phone. With no account of its own, the installation's is used (`TOCSIN_TWILIO_URL`)."""

    to: PhoneNumber = Field(description="The phone, with its country's code")
    account_sid: Annotated[str, AfterValidator(_is_sid)] | None = None
    auth_token: Annotated[str, Field(min_length=8, max_length=200)] | None = Field(
        default=None, repr=False
    )
    sender: Annotated[str, AfterValidator(_is_sender)] | None = Field(
        default=None, description="A number of the account, or its messaging service (MG…)"
    )
    base_url: Url | None = Field(default=None, description="Of a service with Twilio's interface")

    bound_secrets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "auth_token": ("base_url", "account_sid")
    }

    @model_validator(mode="after")
    def _is_whole_account(self) -> TwilioConfig:
        own = (self.account_sid, self.auth_token)
        if any(own) and not all(own):
            raise PydanticCustomError(
                "twilio-account", "needs account_sid and auth_token together, or neither"
            )
        if self.account_sid and not self.sender:
            raise PydanticCustomError("twilio-account", "needs the sender of its own account")
        if self.base_url and not self.account_sid:
            # The installation's token must never go to an address that somebody entered here.
            raise PydanticCustomError(
                "twilio-account", "takes a base_url with an account of its own only"
            )
        return self


def masked(config: TwilioConfig) -> dict[str, Any]:
    return {"auth_token": REDACTED if config.auth_token else None}


def bucket(kind: str, config: TwilioConfig) -> str:
    """One phone is not flooded by two destinations that name it."""
    return digest(kind, config.to)


def account_of(config: TwilioConfig, installation: TwilioAccount | None) -> TwilioAccount | None:
    """The account to send with: the destination's own, or the installation's; None without any."""
    if config.account_sid and config.auth_token and config.sender:
        return TwilioAccount(
            config.base_url or BASE_URL,
            config.account_sid,
            Secret(config.auth_token),
            config.sender,
        )
    if installation is None or not config.sender:
        return installation
    return TwilioAccount(
        installation.base_url, installation.account_sid, installation.auth_token, config.sender
    )


def not_set_up(name: str) -> Retry:
    return Retry(
        "twilio-not-set-up",
        f"{name} has no Twilio account: TOCSIN_TWILIO_URL and TOCSIN_TWILIO_FROM are not set, and "
        "it has none of its own.",
        standing=Standing.MISCONFIGURED,
    )


async def create(
    parts: Parts, account: TwilioAccount, resource: str, form: Mapping[str, str]
) -> Any:
    """POST one message or call; what came back, or that nothing did."""
    login = f"{account.account_sid}:{account.auth_token.reveal_text()}".encode()
    url = (
        f"{account.base_url.rstrip('/')}/{_VERSION}/Accounts/{account.account_sid}/{resource}.json"
    )
    return await parts.outbound.post(
        url,
        urlencode(form, errors="replace").encode(),
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "Basic " + base64.b64encode(login).decode(),
        },
    )


class _Said(msgspec.Struct):
    """What we know of an answer: of a resource its sid, of an error its number."""

    sid: str = ""
    code: int = 0


def outcome_of(message: Message, answer: Answer, sent: str, *, reports: bool) -> Outcome:
    """What an answer means. `sent` says what Twilio took; `reports`: it says later what became of it."""
    name = message.destination_name
    said = _read(answer)
    if answer.status in (200, 201) and said.sid:
        return Sent(
            answer.status,
            f"{sent} for {name}; whether it arrived is reported later."
            if reports
            else f"{sent} for {name}; whether it arrived is not known without TOCSIN_PUBLIC_URL.",
            confirmed=False,
            progress={"sid": said.sid[:64]},
        )
    if 200 <= answer.status < 300:
        # Sent again it would ring again; but nobody knows whether it rang at all.
        return Retry(
            "answer-unexpected",
            f"{name}: answered {answer.status}, but not as Twilio does.",
            answer.status,
        )
    if said.code == _STOPPED:
        return Failed(
            "stopped",
            f"{name} has answered STOP; only START, sent from that phone, lets messages through.",
            answer.status,
            disables_destination=True,
        )
    if said.code in _UNREACHABLE:
        return Failed("refused", f"{name} {_UNREACHABLE[said.code]}.", answer.status)
    if said.code in _TO_MEND:
        return Retry(
            "twilio-refused",
            f"{name}: {_TO_MEND[said.code]} (error {said.code}).",
            answer.status,
            standing=Standing.MISCONFIGURED,
        )
    outcome = judge(name, answer, message.at)
    if isinstance(outcome, Failed) and said.code:
        return Failed(
            outcome.code, f"{name}: Twilio refused it (error {said.code}).", answer.status
        )
    return outcome


def _read(answer: Answer) -> _Said:
    try:
        return msgspec.json.decode(answer.body, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Said()


# What it calls back with


def signature(auth_token: Secret, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """HMAC-SHA1 over the URL and, sorted by name, every field and its value, in base64. A field that
    comes several times counts once per value."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    tag = hmac.digest(auth_token.reveal(), text.encode("utf-8", "replace"), hashlib.sha1)
    return base64.b64encode(tag).decode()


@dataclass(frozen=True, slots=True)
class SignedForm:
    """A request as it came: the whole URL as Twilio called it, and the fields of its form."""

    url: str
    fields: tuple[tuple[str, str], ...]
    signature: str

    def get(self, name: str) -> str:
        return next((value for known, value in self.fields if known == name), "")

    def is_signed_with(self, auth_token: Secret) -> bool:
        """In constant time. Twilio signs the URL with or without a port that goes without saying."""
        given = self.signature.encode("utf-8", "replace")
        matches = [
            hmac.compare_digest(signature(auth_token, url, self.fields).encode(), given)
            for url in _ways_to_write(self.url)
        ]
        return any(matches)


def _ways_to_write(url: str) -> list[str]:
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if parts.port is None:
        return [url, parts._replace(netloc=f"{parts.netloc}:{default}").geturl()]
    without = parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()
    return [url, without]


def is_account(account: TwilioAccount, account_sid: str) -> bool:
    return hmac.compare_digest(account.account_sid.encode(), account_sid.encode("utf-8", "replace"))
