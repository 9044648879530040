"""Figures as a table for people and JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass
class Figure:
    """One line: what was measured, its samples in rounds, and what it is held against."""

    name: str
    unit: str
    samples: list[float]
    target: str = ""
    reached: bool | None = None
    note: str = ""

    @property
    def median(self) -> float:
        return median(self.samples)


@dataclass
class Report:
    title: str
    command: str
    machine: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(f"  {figure.name}: {_number(figure.median)} {figure.unit} {figure.note}", flush=True)

    def ratio(self, name: str, ours: list[float], theirs: list[float], target: float) -> None:
        """Ours over theirs, round by round, so that a slow minute hits both."""
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        self.add(Figure(name, "×", ratios, f"≥ {target:g} ×", median(ratios) >= target))

    def markdown(self) -> str:
        lines = [
            f"## {self.title}",
            "",
            "| what | median | rounds | to reach | reached |",
            "|---|---:|---|---:|---|",
        ]
        for figure in self.figures:
            rounds = " · ".join(_number(sample) for sample in figure.samples)
            reached = "" if figure.reached is None else ("yes" if figure.reached else "**no**")
            name = figure.name + (f" ({figure.note})" if figure.note else "")
            lines.append(
                f"| {name} | {_number(figure.median)} {figure.unit} | {rounds} | "
                f"{figure.target} | {reached} |"
            )
        lines += ["", *(f"- {note}" for note in self.notes), ""]
        machine = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        lines += [f"Machine: {machine}.", "", f"Made by `{self.command}`.", ""]
        return "\n".join(lines)

    def write(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {
            **asdict(self),
            "medians": {f.name: f.median for f in self.figures},
        }
        (folder / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False))
        (folder / f"{name}.md").write_text(self.markdown())
        print(self.markdown())


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
