"""`tocsin`, whose PagerDuty is the test's own: that channel's address is a constant, and no setting."""

from __future__ import annotations

import os

from tocsin.cli import main
from tocsin.delivery.channels import pagerduty

assert isinstance(pagerduty.ENDPOINTS, dict)
pagerduty.ENDPOINTS["us"] = os.environ["TOCSIN_TEST_PAGERDUTY"]

if __name__ == "__main__":
    main()
