"""Every product whose API is answered here; `base.py` says how the next one is added."""

from __future__ import annotations

from typing import Final

from tocsin.ingest.inbound.alertmanager.product import AlertmanagerApi
from tocsin.ingest.inbound.base import Product
from tocsin.ingest.inbound.opsgenie.product import OpsgenieApi
from tocsin.ingest.inbound.pagerduty_events import PagerDutyEventsApi

PRODUCTS: Final[tuple[Product, ...]] = (
    PagerDutyEventsApi(),
    AlertmanagerApi(),
    OpsgenieApi(),
)
