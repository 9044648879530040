"""Messages as their readers see them, in a real Chromium."""

from __future__ import annotations

from tests.support.chromium import chromium, playwright

__all__ = ["chromium", "playwright"]
