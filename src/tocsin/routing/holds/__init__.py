"""What keeps a notification back, one file per hold (checklist: docs/concepts/adding-a-hold.md).

The order is that of explanations: of several holds that apply, the first gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.model import Reason
from tocsin.routing.holds import (
    cooldown,
    flapping,
    inhibited,
    inhibition_wait,
    maintenance,
    quiet_hours,
    silence,
    snooze,
)
from tocsin.routing.holds.base import AlertHold, RuleHold

OF_ALERT: tuple[AlertHold, ...] = (
    snooze.HOLD,
    maintenance.HOLD,
    silence.HOLD,
    inhibited.HOLD,
    inhibition_wait.HOLD,
    flapping.HOLD,
)
"""These hold an alert from every destination, whichever rule names it."""

OF_RULE: tuple[RuleHold, ...] = (quiet_hours.HOLD, cooldown.HOLD)
"""These hold what one rule sends: another rule may send all the same."""

_ALL: tuple[AlertHold | RuleHold, ...] = (*OF_ALERT, *OF_RULE)

HOLDS: Mapping[Reason, AlertHold | RuleHold] = {hold.reason: hold for hold in _ALL}
