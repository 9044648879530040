"""`python -m bench [ingest|delivery]…`: measure, and write table and JSON to bench/results."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from bench import delivery, ingest

RESULTS = Path("bench/results")
BENCHES = ("ingest", "delivery")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*BENCHES, []], metavar="bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of load in each measurement")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--stored", type=int, default=5_000_000, help="past deliveries; 0: skip")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    options = parser.parse_args()
    wanted = options.what or BENCHES
    RESULTS.mkdir(parents=True, exist_ok=True)
    suffix = "-quick" if options.quick else ""
    if "ingest" in wanted:
        chosen = ingest.Options(options.rounds, options.seconds, options.workers, options.stored)
        if options.quick:
            chosen = ingest.Options(rounds=1, seconds=2, workers=options.workers, stored=100_000)
        ingest.run(chosen).write(RESULTS, f"ingest{suffix}")
    if "delivery" in wanted:
        owed = (
            delivery.Options.quick()
            if options.quick
            else delivery.Options(options.rounds, options.seconds, stored=options.stored)
        )
        report = delivery.run(replace(owed, workers=options.workers))
        report.write(RESULTS, f"delivery{suffix}")


if __name__ == "__main__":
    main()
