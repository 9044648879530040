"""Messages as Amazon SNS signs them, with a key of our own."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b.pem"
SIGNED = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Subject",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
ALARM = {
    "AlarmName": "db-7 disk",
    "NewStateValue": "ALARM",
    "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:db-7 disk",
}


@cache
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@cache
def certificate() -> bytes:
    """That of the private key, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=private_key().public_key(),
        serial_number=1,
        not_valid_before=begin,
        not_valid_after=begin + timedelta(days=365),
    )
    return builder.sign(private_key(), hashes.SHA256()).public_bytes(Encoding.PEM)


def message(now: datetime, *, version: str = "1", **changed: Any) -> dict[str, Any]:
    """A notification, or what `changed` makes of it; signed over all that it then says."""
    document = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:alerts",
        "Subject": 'ALARM: "db-7 disk"',
        "Message": json.dumps(ALARM),
        "Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **changed,
    }
    document = {name: value for name, value in document.items() if value is not None}
    text = "".join(f"{name}\n{document[name]}\n" for name in SIGNED if name in document)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = private_key().sign(text.encode(), PKCS1v15(), algorithm)
    return {**document, "Signature": base64.b64encode(signature).decode()}
