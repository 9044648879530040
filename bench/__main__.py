"""`python -m bench [ingest|delivery|alerts|heartbeats|holds|storm|firing|escalation|console|retention]…`

Results go to bench/results."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import (
    alerts,
    console,
    delivery,
    escalation,
    firing,
    heartbeats,
    holds,
    ingest,
    retention,
    schedules,
    storm,
)

RESULTS = Path("bench/results")
BENCHES: dict[str, Any] = {
    "ingest": ingest,
    "delivery": delivery,
    "alerts": alerts,
    "heartbeats": heartbeats,
    "holds": holds,
    "storm": storm,
    "schedules": schedules,
    "firing": firing,
    "escalation": escalation,
    "console": console,
    "retention": retention,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*BENCHES, []], metavar="bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of load in each measurement")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--stored", type=int, default=5_000_000, help="past deliveries; 0: skip")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    options = parser.parse_args()
    sizes = {name: getattr(options, name) for name in ("rounds", "seconds", "workers", "stored")}
    suffix = "-quick" if options.quick else ""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in options.what or BENCHES:
        bench = BENCHES[name]
        chosen = (
            replace(bench.Options.quick(), workers=options.workers)
            if options.quick
            else bench.Options(**sizes)
        )
        bench.run(chosen).write(RESULTS, f"{name}{suffix}")


if __name__ == "__main__":
    main()
