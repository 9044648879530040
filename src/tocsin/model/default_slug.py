"""What the first start makes is called `default`, and so is every workspace's first tenant."""

from __future__ import annotations

DEFAULT_SLUG = "default"
