"""`python -m bench [ingest|delivery]…`: measure, and write table and JSON to bench/results."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import ingest

RESULTS = Path("bench/results")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=["ingest"], choices=["ingest"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of load in each measurement")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--stored", type=int, default=5_000_000, help="past deliveries; 0: skip")
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    if "ingest" in options.what:
        report = ingest.run(
            ingest.Options(options.rounds, options.seconds, options.workers, options.stored)
        )
        report.write(RESULTS, "ingest")


if __name__ == "__main__":
    main()
