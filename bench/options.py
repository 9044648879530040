"""What every bench can be asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Options:
    rounds: int = 3
    seconds: float = 8
    """Of load in each measurement."""
    workers: int = 1
    stored: int = 5_000_000
    """Past deliveries in the database of one more measurement; 0: it is left out."""
