"""The built scripts, styles and icons of the console: where they are, under which names.

They are built by `make install` and carried by a wheel. Without them the pages are plain, and work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import msgspec

PREFIX = "/static/"


@dataclass(frozen=True, slots=True)
class Assets:
    """Addresses; None or empty where nothing is built."""

    script: str | None = None
    styles: tuple[str, ...] = ()
    icons: str | None = None
    font: str | None = None
    worker: str | None = None
    app_icon: str | None = None
    big_app_icon: str | None = None
    maskable_app_icon: str | None = None


def folder() -> Traversable:
    return resources.files("tocsin.console").joinpath("assets", "dist")


@cache
def find_assets() -> Assets:
    """By the manifest that the build leaves; none if there is no such file."""
    manifest = folder().joinpath("manifest.json")
    if not manifest.is_file():
        return Assets()
    entries = msgspec.json.decode(manifest.read_bytes())
    main = entries["src/console.ts"]
    files = [each["file"] for each in entries.values()]
    return Assets(
        script=PREFIX + main["file"],
        styles=tuple(PREFIX + each for each in main.get("css", ())),
        icons=_first(files, "icons-"),
        font=_first(files, "inter-latin-opsz"),
        worker=PREFIX + entries["worker/worker.ts"]["file"],
        app_icon=_first(files, "app-192"),
        big_app_icon=_first(files, "app-512"),
        maskable_app_icon=_first(files, "app-maskable-512"),
    )


def _first(files: list[str], beginning: str) -> str | None:
    return next((PREFIX + each for each in files if each.startswith(beginning)), None)
