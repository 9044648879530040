"""What `tocsin doctor` says of escalation policies: those that would not wake everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tocsin.cli.checkup.findings import Finding, Health
from tocsin.cli.kit.exits import Failure, readable


def policy_findings(url: str) -> Iterator[Finding]:
    """Nothing where no rule names a policy."""
    from tocsin.explain.unready_policies import check_policies

    try:
        checked = readable(lambda: asyncio.run(check_policies(url)))
    except Failure as failure:
        yield Finding("escalation", Health.WRONG, failure.lines[0])
        return
    unready = [each for each in checked if each.warnings]
    for each in unready:
        yield Finding(
            "escalation",
            Health.NOTE,
            f"{each.name} in {each.workspace}: {' '.join(each.warnings)}",
            f"tocsin policy readiness {each.name!r} says who is concerned",
        )
    if checked and not unready:
        count = len(checked)
        policies = "1 policy" if count == 1 else f"all {count} policies"
        yield Finding("escalation", Health.OK, f"{policies} in use would wake somebody")
