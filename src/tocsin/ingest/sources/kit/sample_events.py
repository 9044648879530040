"""What goes wrong in the samples: a handful of scenes, and one event of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from tocsin.model import SignalKind

TRIGGER: Final = SignalKind.TRIGGER.value
ACKNOWLEDGE: Final = SignalKind.ACKNOWLEDGE.value
RESOLVE: Final = SignalKind.RESOLVE.value


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that goes wrong; each tool puts it in its own words."""

    name: str
    service: str
    team: str
    severity: str
    summary: str
    detail: str


SCENES: Final = (
    Scene(
        "DiskAlmostFull",
        "postgres",
        "storage",
        "critical",
        "Disk almost full on {host}",
        "/var/lib/postgresql is at 94 % and grows by two gigabytes an hour.",
    ),
    Scene(
        "CheckoutErrors",
        "checkout",
        "payments",
        "critical",
        "Checkout answers 5xx on {host}",
        "7.2 % of requests failed in the last five minutes; the objective is 0.1 %.",
    ),
    Scene(
        "HighMemory",
        "search",
        "search",
        "warning",
        "Memory above 90 % on {host}",
        "The search node swaps; queries take twice as long as an hour ago.",
    ),
    Scene(
        "CertificateExpires",
        "edge",
        "platform",
        "low",
        "Certificate of {host} expires in 13 days",
        "The ACME client has failed since Monday: DNS challenge not found.",
    ),
    Scene(
        "QueueBacklog",
        "mailer",
        "growth",
        "warning",
        "Mail queue on {host} holds 18,400 messages",
        "Workers are alive, the provider throttles with 421.",
    ),
    Scene(
        "ReplicationLag",
        "postgres",
        "storage",
        "high",
        "Replica {host} is 240 s behind",
        "A long-running report blocks the replay of WAL.",
    ),
    Scene(
        "NodeUnreachable",
        "kubernetes",
        "platform",
        "critical",
        "Node {host} is not ready",
        "The kubelet stopped posting its status; 41 pods are being evicted.",
    ),
    Scene(
        "BackupOverdue",
        "backup",
        "storage",
        "info",
        "No backup of {host} for 26 hours",
        "The last run ended with exit status 75: the bucket was locked.",
    ),
)

_REGIONS: Final = ("eu-central-1", "us-east-1", "ap-south-1")


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """What a sample is asked for."""

    kind: str
    n: int
    now: datetime
    started_at: datetime

    @property
    def scene(self) -> Scene:
        return SCENES[self.n % len(SCENES)]

    @property
    def host(self) -> str:
        return f"{self.scene.service}-{self.n // len(SCENES) % 90 + 10}"

    @property
    def region(self) -> str:
        return _REGIONS[self.n % len(_REGIONS)]

    @property
    def summary(self) -> str:
        return self.scene.summary.format(host=self.host)

    def number(self, what: str) -> int:
        return uuid5(NAMESPACE_URL, f"tocsin:{what}:{self.n}").int

    def uuid(self, what: str) -> str:
        """An id of this very message."""
        return str(uuid5(NAMESPACE_URL, f"tocsin:{what}:{self.kind}:{self.n}:{self.now}"))
