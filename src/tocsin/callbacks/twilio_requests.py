"""A request of Twilio: read whole, and signed with the token of the account that it is about.

Facts: twilio.com/docs/usage/webhooks/webhooks-security, /docs/messaging/guides/webhook-request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from tocsin.access.vault import Vault
from tocsin.callbacks.reading import TooMuch, config_of, fields_of, read_body
from tocsin.delivery.channels.kit.twilio import (
    CALLBACKS,
    SignedForm,
    TwilioConfig,
    account_of,
    is_account,
)
from tocsin.settings import TwilioAccount
from tocsin.store.database import Engine, reading
from tocsin.store.queries.callbacks import (
    CallingDestination,
    SentMessage,
    destinations_of_phone,
    find_sent,
)

_MOST_DESTINATIONS = 50
_PHONE = re.compile(r"\+[0-9]{3,15}\Z")


@dataclass(frozen=True, slots=True)
class About:
    """A signed request about one message that was sent."""

    form: SignedForm
    destination: CallingDestination
    message: SentMessage


class TwilioRequests:
    def __init__(
        self, engine: Engine, vault: Vault, installation: TwilioAccount | None, public_url: str
    ) -> None:
        """`public_url` is what Twilio calls: it signs the address as it was given."""
        self._engine = engine
        self._vault = vault
        self._installation = installation
        self._public_url = public_url
        self.alerts_url = f"{public_url}/alerts"
        """Where whoever can sign in finds all of them."""

    async def form(self, request: Request, place: str) -> SignedForm | None:
        """The form, its signature yet to be checked; None for what is none. `place` is where it came
        to, below that of all of Twilio."""
        body = await read_body(request)
        fields = body if isinstance(body, TooMuch) else fields_of(body)
        if isinstance(fields, TooMuch):
            return None
        query = f"?{request.url.query}" if request.url.query else ""
        return SignedForm(
            f"{self._public_url}{CALLBACKS}{place}{query}",
            fields,
            request.headers.get("X-Twilio-Signature", ""),
        )

    async def about_message(self, request: Request, kind: str, place: str) -> About | None:
        """A request about the message that its path names; None unless the account of the message's
        destination has signed it."""
        form = await self.form(request, place)
        try:
            delivery_id = UUID(request.path_params["delivery_id"])
        except ValueError:
            return None
        if form is None or not form.signature:
            return None
        async with reading(self._engine) as session:
            found = await find_sent(session, delivery_id)
        if found is None or found[0].type != kind or not self._is_signed(form, found[0]):
            return None
        return About(form, *found)

    async def from_phone(self, request: Request, kind: str, place: str) -> Spoken | None:
        """A request from a phone: every destination that reaches it through the account that signed;
        None if none has."""
        form = await self.form(request, place)
        if form is None or not form.signature or not _PHONE.match(form.get("From")):
            return None
        async with reading(self._engine) as session:
            found = await destinations_of_phone(session, kind, form.get("From"), _MOST_DESTINATIONS)
        theirs = [each for each in found if self._is_signed(form, each)]
        return Spoken(form, theirs) if theirs else None

    def _is_signed(self, form: SignedForm, destination: CallingDestination) -> bool:
        config = config_of(destination, self._vault)
        if not isinstance(config, TwilioConfig):
            return False
        account = account_of(config, self._installation)
        return (
            account is not None
            and is_account(account, form.get("AccountSid"))
            and form.is_signed_with(account.auth_token)
        )


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came from a phone, signed, and whose that phone is: at least one destination."""

    form: SignedForm
    destinations: list[CallingDestination]


def refused() -> Response:
    """Nothing in it helps who guesses."""
    return Response("The request is not signed by the account that it is about.\n", 403)


def xml(text: str) -> Response:
    return Response(text, media_type="text/xml")
