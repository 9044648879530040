"""The garbage collector, out of the way of what stays: modules, routes, compiled templates."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """While modules are imported: with Python's own numbers it walks 500 times through them, which is a
    fifth of the time that this takes."""
    gc.set_threshold(50_000, 50, 100)


def settle() -> None:
    """What start-up made stays for good: take it out of the collector's rounds. What requests leave
    behind is collected in steps of a few milliseconds: at 50,000 objects a step held every request
    up for 20 to 50, and with Python's own number, 700, the rounds of the older generations, which
    come after so many steps, cost a tenth of the throughput."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 250, 100)
