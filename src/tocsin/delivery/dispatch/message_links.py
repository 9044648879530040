"""The links that a message carries: one token per recipient and action."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from tocsin.access.links import LIFETIME, LinkAction, LinkSigner, Token
from tocsin.delivery.channels.base import LinksFor
from tocsin.delivery.dispatch.targets import Target
from tocsin.message import Links
from tocsin.model import AlertStatus, utc_now
from tocsin.store.delivery_queue import Claimed


class DeliveryLinks:
    """The links of a message, for the dispatcher and the channels."""

    def __init__(
        self, signer: LinkSigner, base_url: str, now: Callable[[], datetime] = utc_now
    ) -> None:
        """`base_url` is how readers reach this installation, without a slash at its end."""
        self._signer = signer
        self._base_url = base_url
        self._now = now

    def _overview(self, claimed: Claimed) -> Links:
        """The link that only shows. It needs no code, and opens this one alert to nobody else."""
        if claimed.alert_id is None:
            return Links(alert=self._base_url + "/")
        token = self._signer.sign(
            Token(
                claimed.alert_id, LinkAction.VIEW, claimed.alert_destination_id, "", self._expiry()
            )
        )
        return Links(alert=f"{self._base_url}/alerts/{claimed.alert_id}?view={token}")

    def acting(self, claimed: Claimed, target: Target) -> LinksFor:
        def links_for(recipient: str) -> Links:
            return self._links(claimed, target.id, recipient)

        return links_for

    def _links(self, claimed: Claimed, destination_id: UUID, recipient: str) -> Links:
        overview = self._overview(claimed)
        actions = _actions(claimed)
        if claimed.alert_id is None or not actions:
            return overview
        tokens = {
            action: self._signer.sign(
                Token(claimed.alert_id, action, destination_id, recipient, self._expiry())
            )
            for action in actions
        }
        urls = {action: f"{self._base_url}/a/{token}" for action, token in tokens.items()}
        return Links(
            alert=overview.alert,
            acknowledge=urls.get(LinkAction.ACKNOWLEDGE),
            resolve=urls.get(LinkAction.RESOLVE),
            code=self._signer.code(next(iter(tokens.values()))),
        )

    def _expiry(self) -> datetime:
        """On the hour, so that attempts soon after one another carry the same links."""
        end = (self._now() + LIFETIME).timestamp()
        return datetime.fromtimestamp(math.ceil(end / 3600) * 3600, UTC)


def _actions(claimed: Claimed) -> list[LinkAction]:
    """What can still be done to the alert as the message shows it."""
    status = (claimed.payload.get("alert") or {}).get("status")
    if status == AlertStatus.OPEN:
        return [LinkAction.ACKNOWLEDGE, LinkAction.RESOLVE]
    if status == AlertStatus.ACKNOWLEDGED:
        return [LinkAction.RESOLVE]
    return []
