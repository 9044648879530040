"""Nagios Core, Nagios XI, Naemon and Shinken, by a notification command that posts the variables of
our page (docs/sources/nagios.md). What they mean is read in `kit/host_service.py`."""

from __future__ import annotations

from typing import ClassVar

from tocsin.ingest.sources.kit.host_service import HostServiceSource


class Nagios(HostServiceSource):
    type: ClassVar[str] = "nagios"
    title: ClassVar[str] = "Nagios"
    page: ClassVar[str] = "docs/sources/nagios.md"
