# ruff: noqa: ARG005 - a hook is handed everything, and most look at one thing
"""Headers: merchants that get them wrong in one way each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from . import small_client as right
from .faulty import by_operation, lines, rewritten, shelf

MERCHANTS, merchant = shelf("header")
FORM = {"timestamp-form": "any"}

ALL = ("payment", "refund", "bind", "unbind")
merchant("no-timestamp", "Sends no X-TIMESTAMP.", "HDR-010", lines=lines(drop="X-TIMESTAMP"))
merchant(
    "payment-stamp-no-zone",
    "Writes the time of a payment without a zone.",
    "HDR-012",
    pins=FORM,
    stamp=by_operation(lambda at: at[:19], "payment"),
)
merchant(
    "bind-stamp-millis",
    "Writes the time of a binding with milliseconds and Z.",
    "HDR-014",
    stamp=by_operation(lambda at: f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z", "bind"),
)
merchant(
    "unbind-stamp-no-colon",
    "Writes the offset of an unbinding without its colon.",
    "HDR-014",
    stamp=by_operation(lambda at: at[:-3] + at[-2:], "unbind"),
)
merchant(
    "stamp-month-13",
    "Writes a thirteenth month.",
    "HDR-016",
    stamp=lambda operation, now: right.stamp("", now)[:5] + "13" + right.stamp("", now)[7:],
)
merchant(
    "stamp-old",
    "Writes the time of two days ago.",
    "HDR-018",
    stamp=lambda operation, now: right.stamp("", now - timedelta(days=2)),
)
merchant(
    "stamp-tomorrow",
    "Writes the time of the day after tomorrow.",
    "HDR-018",
    stamp=lambda operation, now: right.stamp("", now + timedelta(days=2)),
)
merchant("no-signature", "Sends no X-SIGNATURE.", "HDR-020", late=lines(drop="X-SIGNATURE"))
merchant("signature-empty", "Sends an empty X-SIGNATURE.", "HDR-020", late=lines(X_SIGNATURE=""))
merchant("no-partner", "Sends no X-PARTNER-ID.", "HDR-022", lines=lines(drop="X-PARTNER-ID"))
merchant(
    "partner-long",
    "Sends an X-PARTNER-ID of 40 characters with bindings.",
    "HDR-024",
    "HDR-026",
    lines=lines("bind", X_PARTNER_ID="P" * 40),
)
merchant(
    "partner-other", "Sends another X-PARTNER-ID than its own.", "HDR-026", lines=lines(X_PARTNER_ID="821508239190")
)
merchant("no-external-id", "Sends no X-EXTERNAL-ID.", "HDR-030", lines=lines(drop="X-EXTERNAL-ID"))
merchant(
    "external-id-letters",
    "Sends UUIDs as X-EXTERNAL-ID of payments.",
    "HDR-032",
    pins={"external-id-form": "by-operation"},
    external_id=lambda operation, count: ("PAY-" if operation == "payment" else "") + right.external_id("", count),
)
merchant(
    "external-id-long-bind",
    "Sends an X-EXTERNAL-ID of 37 characters with bindings.",
    "HDR-034",
    external_id=lambda operation, count: right.external_id("", count).ljust(37 if operation == "bind" else 18, "0"),
)
merchant(
    "external-id-long-payment",
    "Sends an X-EXTERNAL-ID of 37 digits with payments.",
    "HDR-036",
    external_id=lambda operation, count: right.external_id("", count).ljust(37 if operation == "payment" else 18, "0"),
)
merchant("no-ip-address", "Refunds without X-IP-ADDRESS.", "HDR-070", lines=lines("refund", drop="X-IP-ADDRESS"))
merchant(
    "ip-address-short",
    "Refunds with an X-IP-ADDRESS of 7 characters.",
    "HDR-072",
    pins={"ip-address-length": "limits"},
    lines=lines("refund", X_IP_ADDRESS="1.1.1.1"),
)
merchant(
    "ip-address-none",
    "Refunds with an X-IP-ADDRESS that is no address.",
    "HDR-074",
    lines=lines("refund", X_IP_ADDRESS="999.999.999.1"),
)
merchant("channel-unknown", "Sends CHANNEL-ID: WEB.", "HDR-080", lines=lines("bind", CHANNEL_ID="WEB"))
merchant(
    "channel-lower",
    "Writes CHANNEL-ID in lower case.",
    "HDR-080",
    lines=rewritten("CHANNEL-ID", str.lower),
)
merchant("content-type-text", "Says Content-Type: text/plain.", "HDR-090", lines=lines(Content_Type="text/plain"))
merchant(
    "header-twice", "Sends X-EXTERNAL-ID twice.", "HDR-092", lines=lambda operation, old: [*old, ("X-EXTERNAL-ID", "1")]
)
