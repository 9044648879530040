"""Icinga 2 (and Icinga 1), by a notification command that posts the variables of our page
(docs/sources/icinga.md). What they mean is read in `kit/host_service.py`."""

from __future__ import annotations

from typing import ClassVar

from tocsin.ingest.sources.kit.host_service import HostServiceSource


class Icinga(HostServiceSource):
    type: ClassVar[str] = "icinga"
    title: ClassVar[str] = "Icinga"
    page: ClassVar[str] = "docs/sources/icinga.md"
