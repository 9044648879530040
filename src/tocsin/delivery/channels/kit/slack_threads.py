"""Slack with a bot: one message for each group, edited as the group changes. Pure.

An edit makes no sound, so what is worth one is said in the message's thread, too: that it is worse than
before, that something of it is open again, that all is over, and every tenth new alert. What may need
somebody at once is shown in the channel as well; the rest only to those who follow the thread.

What the next message has to know is kept in the progress of this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.delivery.channels.kit.change_words import changes_words
from tocsin.delivery.channels.kit.escape import one_line
from tocsin.delivery.channels.kit.message_words import TITLE
from tocsin.message import Group, Message
from tocsin.model import EventType, Severity

CHANNEL, TS = "channel", "ts"
"""In the progress of a message: where it stands."""

EVERY = 10
"""Of so many new alerts, one reply."""

_THREAD, _WORST, _NEW = "thread", "worst", "new"


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """What is said in the thread. `is_loud`: it is shown in the channel, too."""

    text: str
    is_loud: bool


@dataclass(frozen=True, slots=True)
class GroupThread:
    """A group's message so far: the `worst` that it showed as open, None if all was over, and how many
    alerts were `new` in all."""

    worst: Severity | None
    new: int

    def reply(self, message: Message, group: Group) -> ThreadReply | None:
        """What of the message that takes its place is worth a sound."""
        changes = group.changes
        words = changes_words(changes)
        top = one_line(message.alerts[0].title, TITLE) if message.alerts else group.title
        if not changes.open:
            return (
                None if self.worst is None else ThreadReply(f"{words[0].upper()}{words[1:]}", False)
            )
        if self.worst is None:
            return ThreadReply(f"{group.severity}, open again: {top} ({words})", True)
        if group.severity.rank > self.worst.rank:
            return ThreadReply(f"{group.severity}, worse than before: {top} ({words})", True)
        whole = self.new + changes.new
        if whole // EVERY > self.new // EVERY:
            return ThreadReply(f"{whole} so far ({words})", False)
        return None


def is_kept_up(message: Message) -> bool:
    """Whether it is about a group that one message stands for. Digests of storms are messages of their
    own: each says only what is new."""
    return message.group is not None and message.event_type is EventType.GROUP


def thread_before(kept: Mapping[str, Any], group: Group) -> GroupThread | None:
    """As the last message's progress has it; None if that was another thread's."""
    if kept.get(_THREAD) != str(group.id):
        return None
    worst = kept.get(_WORST)
    return GroupThread(None if worst is None else Severity(worst), int(kept.get(_NEW) or 0))


def remembered(before: GroupThread | None, group: Group) -> dict[str, Any]:
    """What the next message has to know."""
    changes = group.changes
    return {
        _THREAD: str(group.id),
        _WORST: group.severity.value if changes.open else None,
        _NEW: changes.new + (0 if before is None else before.new),
    }
