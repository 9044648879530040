"""Where a reader of a message can go, and what each of these links is called."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.message import AlertView, Links, Message
from tocsin.model import AlertStatus, EventType
from tocsin.model.sender_links import LinkKind, sender_links

SENDER_LINKS = 3
"""With ours, six: what Teams shows at most."""
ACKNOWLEDGE, RESOLVE, SILENCE, OPEN = "Acknowledge", "Resolve", "Silence", "Open in Tocsin"


@dataclass(frozen=True, slots=True)
class ActionLink:
    """`asks_code`: it acts, and takes the code of the message."""

    name: str
    url: str
    asks_code: bool = False

    @property
    def is_ours(self) -> bool:
        """It leads to this installation."""
        return self.asks_code or self.name == OPEN


def actions_of(message: Message, links: Links) -> tuple[ActionLink, ...]:
    """Only what still makes sense: nobody acknowledges what is resolved. What a person needs first
    stands first: take it on, read what to do, look, be left alone; then end it, or see all of it."""
    actions = []
    notes = message.event_type in (EventType.FLAPPING, EventType.SETTLED)
    opens = message.event_type in (EventType.TRIGGERED, EventType.REMINDER) or (
        notes and message.alert is not None and message.alert.status is AlertStatus.OPEN
    )
    if opens and links.acknowledge:
        actions.append(ActionLink(ACKNOWLEDGE, links.acknowledge, asks_code=True))
    if message.alert is not None:
        actions += _looking(message.alert, links)
    if (opens or message.event_type is EventType.ACKNOWLEDGED) and links.resolve:
        actions.append(ActionLink(RESOLVE, links.resolve, asks_code=True))
    return (*actions, *_open(links))


def group_actions(message: Message, links: Links) -> tuple[ActionLink, ...]:
    """Of several, where all of them say to look in the same place, that place, too."""
    actions = []
    if links.acknowledge:
        actions.append(ActionLink(f"{ACKNOWLEDGE} these", links.acknowledge, asks_code=True))
    found = [sender_links(alert.labels, alert.metadata) for alert in message.alerts]
    actions += [
        ActionLink(link.kind.value, link.address)
        for link in (found[0] if found else ())
        if link.kind is not LinkKind.SILENCE and all(link in each for each in found)
    ][:SENDER_LINKS]
    if links.resolve:
        actions.append(ActionLink(f"{RESOLVE} these", links.resolve, asks_code=True))
    return (*actions, *_open(links))


def _looking(alert: AlertView, links: Links) -> list[ActionLink]:
    """Where its sender says to look, and, while it lasts, where it is silenced: there, or else here."""
    found = sender_links(alert.labels, alert.metadata)
    silences = [link.address for link in found if link.kind is LinkKind.SILENCE]
    others = [link for link in found if link.kind is not LinkKind.SILENCE]
    silence = next(iter(silences), links.silence) if alert.status.is_live else None
    room = SENDER_LINKS - (1 if silence else 0)
    actions = [ActionLink(link.kind.value, link.address) for link in others[:room]]
    return [*actions, ActionLink(SILENCE, silence)] if silence else actions


def _open(links: Links) -> tuple[ActionLink, ...]:
    # Without a public URL there is only a path, which leads nowhere from a chat.
    is_reachable = links.alert.startswith(("http://", "https://"))
    return (ActionLink(OPEN, links.alert),) if is_reachable else ()
