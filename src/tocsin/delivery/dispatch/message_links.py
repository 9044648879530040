"""The links that a message carries: one token per recipient and action."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from tocsin.access.links import LIFETIME, LinkAction, LinkSigner, Token
from tocsin.delivery.channels.base import LinksFor
from tocsin.delivery.dispatch.targets import Target
from tocsin.message import SHOWN_ALERTS, Links
from tocsin.model import AlertStatus, utc_now
from tocsin.store.delivery_queue import Claimed

_ACKNOWLEDGING = (LinkAction.ACKNOWLEDGE, LinkAction.ACKNOWLEDGE_LISTED)
_RESOLVING = (LinkAction.RESOLVE, LinkAction.RESOLVE_LISTED)


class DeliveryLinks:
    """The links of a message, for the dispatcher and the channels."""

    def __init__(
        self, signer: LinkSigner, base_url: str, now: Callable[[], datetime] = utc_now
    ) -> None:
        """`base_url` is how readers reach this installation, without a slash at its end."""
        self._signer = signer
        self._base_url = base_url
        self._now = now

    def _overview(self, claimed: Claimed, destination_id: UUID, recipient: str) -> Links:
        """The link that only shows. It needs no code, and opens what it is about, and nothing else. It
        has a code all the same, that of the links that act: the page offers what these do."""
        subject = _subject(claimed)
        if subject is None:
            return Links(alert=self._base_url + "/")
        action = LinkAction.VIEW_LISTED if claimed.carries_others else LinkAction.VIEW
        token = self._signer.sign(Token(subject, action, destination_id, recipient, self._expiry()))
        place = "listed/" if claimed.carries_others else ""
        has_silence = not claimed.carries_others and self._base_url.startswith("http")
        return Links(
            alert=f"{self._base_url}/alerts/{place}{subject}?view={token}",
            silence=f"{self._base_url}/silences/new?alert={subject}" if has_silence else None,
        )

    def acting(self, claimed: Claimed, target: Target) -> LinksFor:
        def links_for(recipient: str) -> Links:
            # Who acts through it stands on the timeline, where all can read it.
            return self._links(claimed, target.id, target.person or recipient)

        return links_for

    def _links(self, claimed: Claimed, destination_id: UUID, recipient: str) -> Links:
        overview = self._overview(claimed, destination_id, recipient)
        actions = _actions(claimed)
        subject = _subject(claimed)
        if subject is None or not actions:
            return overview
        tokens = {
            action: self._signer.sign(
                Token(subject, action, destination_id, recipient, self._expiry())
            )
            for action in actions
        }
        urls = {action: f"{self._base_url}/a/{token}" for action, token in tokens.items()}
        return replace(
            overview,
            acknowledge=next((urls[each] for each in _ACKNOWLEDGING if each in urls), None),
            resolve=next((urls[each] for each in _RESOLVING if each in urls), None),
            code=self._signer.code(next(iter(tokens.values()))),
            reply_code=self._signer.reply_code(subject, destination_id),
        )

    def _expiry(self) -> datetime:
        """On the hour, so that attempts soon after one another carry the same links."""
        end = (self._now() + LIFETIME).timestamp()
        return datetime.fromtimestamp(math.ceil(end / 3600) * 3600, UTC)


def _subject(claimed: Claimed) -> UUID | None:
    """What its links are about: the alert, or of several the message that lists them."""
    return claimed.id if claimed.carries_others else claimed.alert_id


def _actions(claimed: Claimed) -> list[LinkAction]:
    """What can still be done to the alerts as the message shows them."""
    if claimed.carries_others:
        shown = claimed.payload.get("alerts", ())[:SHOWN_ALERTS]
        statuses = {alert.get("status") for alert in shown}
        if AlertStatus.OPEN in statuses:
            return [LinkAction.ACKNOWLEDGE_LISTED, LinkAction.RESOLVE_LISTED]
        return [LinkAction.RESOLVE_LISTED] if AlertStatus.ACKNOWLEDGED in statuses else []
    status = (claimed.payload.get("alert") or {}).get("status")
    if status == AlertStatus.OPEN:
        return [LinkAction.ACKNOWLEDGE, LinkAction.RESOLVE]
    if status == AlertStatus.ACKNOWLEDGED:
        return [LinkAction.RESOLVE]
    return []
