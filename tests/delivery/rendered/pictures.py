"""Pictures of what the tests show, for a person to look at: in the folder that `PICTURES` names."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page


def keep_picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
