"""Checkmk, by a notification script of the site that posts the variables of our page
(docs/sources/checkmk.md). What they mean is read in `kit/host_service.py`."""

from __future__ import annotations

from typing import ClassVar

from tocsin.ingest.sources.kit.host_service import HostServiceSource


class Checkmk(HostServiceSource):
    type: ClassVar[str] = "checkmk"
    title: ClassVar[str] = "Checkmk"
    page: ClassVar[str] = "docs/sources/checkmk.md"
