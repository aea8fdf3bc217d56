"""The headers of an operation: missing, malformed, twice, of another moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kki.drafting.drafts import Draft
from kki.drafting.mutations.base import SYMMETRIC, Mutation, after, another, before, header, lacking, twice
from kki.drafting.mutations.times import MORE_TIMES, STRANGE_TIMES, TIMESTAMP_FORMS, moved, rewritten
from kki.model.http import Headers, Request
from kki.snap import timestamps


def _partner(change: Callable[[str], str]) -> Callable[[Draft], Draft]:
    return lambda d: d.with_header("X-PARTNER-ID", change(d.request.headers.get("X-PARTNER-ID") or "A"))


def _digits(length: int) -> Callable[[Draft], Draft]:
    """Its own digits at the end, so that it stays unlike any other."""
    return lambda d: d.with_header(
        "X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "").rjust(length, "9")[-length:]
    )


def _in_lower_case(request: Request) -> Request:
    return replace(request, headers=Headers.of([(name.lower(), value) for name, value in request.headers.pairs]))


JAVA_ACCEPTS = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"  # HttpURLConnection, where nothing else is said
_R, _T1 = "RSN-110", "RSN-120"
_ABSENT = "RSN-140"
HEADERS: tuple[Mutation, ...] = (
    before("no X-TIMESTAMP", lacking("X-TIMESTAMP"), "HDR-010", f"HDR-110 {_ABSENT}"),
    after("no X-SIGNATURE", lambda r: r.without_header("X-SIGNATURE"), "HDR-020", f"HDR-120 {_R}"),
    after("empty X-SIGNATURE", lambda r: r.with_header("X-SIGNATURE", ""), "HDR-020", f"HDR-120 {_R}"),
    before("no X-PARTNER-ID", lacking("X-PARTNER-ID"), "HDR-022", f"HDR-122 {_ABSENT}"),
    before("no X-EXTERNAL-ID", lacking("X-EXTERNAL-ID"), "HDR-030", f"HDR-130 {_ABSENT}"),
    before("no Authorization", lacking("Authorization"), "HDR-050", f"HDR-150 {_T1}"),
    before("unknown X-PARTNER-ID", header("X-PARTNER-ID", "BRN-9999-0000000000009"), "HDR-026", "HDR-126 RSN-240"),
    before(
        "X-PARTNER-ID with another last character",
        _partner(lambda s: s[:-1] + another(s[-1:])),
        "HDR-026",
        "HDR-126 RSN-240",
        ("payment", "unbind"),
    ),
    before("X-PARTNER-ID in other case", _partner(str.swapcase), "HDR-026", "HDR-126 RSN-240", ("bind", "refund")),
    before("X-TIMESTAMP two days old", moved(-2 * 86400), "HDR-018", "HDR-118 RSN-250"),
    before("X-TIMESTAMP two days ahead", moved(2 * 86400), "HDR-018", "HDR-118 RSN-250"),
    before(
        "X-TIMESTAMP of month 13",
        rewritten(lambda m: f"{m:%Y}-13{m:-%dT%H:%M:%S}+07:00"),
        "HDR-016",
        "HDR-116 RSN-150",
    ),
    before(
        "X-TIMESTAMP of hour 25",
        rewritten(lambda m: f"{m:%Y-%m-%d}T25{m::%M:%S}+07:00"),
        "HDR-016",
        "HDR-116 RSN-150",
    ),
    before(
        "X-TIMESTAMP with offset +99:99",
        rewritten(lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+99:99"),
        "HDR-016",
        "HDR-116 RSN-150",
    ),
)


HEADERS += tuple(
    before(name, rewritten(form), "HDR-012", "HDR-112 RSN-150", ("payment", "refund")) for name, form in TIMESTAMP_FORMS
) + tuple(
    before(f"{name} (binding, unbinding)", rewritten(form), "HDR-014", "HDR-114 RSN-150", ("bind", "unbind"))
    for name, form in (*TIMESTAMP_FORMS, ("X-TIMESTAMP with milliseconds and Z", timestamps.format_zulu_ms))
)
HEADERS += MORE_TIMES
HEADERS += (
    before(
        "X-TIMESTAMP with milliseconds and Z, as the page's example",
        rewritten(timestamps.format_zulu_ms),
        "",
        "",
        ("payment", "refund"),
    ),
    before(
        "no Authorization-customer",
        lacking("Authorization-customer"),
        "HDR-060",
        "HDR-160 RSN-130",
        ("payment", "refund"),
    ),
    before(
        "empty Authorization-customer",
        header("Authorization-customer", ""),
        "HDR-062 TOK-050",
        "RSN-130",
        ("payment", "refund"),
    ),
    before(
        "letters in X-EXTERNAL-ID",
        lambda d: d.with_header("X-EXTERNAL-ID", "EXT" + (d.request.headers.get("X-EXTERNAL-ID") or "")),
        "HDR-032",
        "HDR-132 RSN-150",
        ("payment", "refund"),
    ),
    before(
        "letters and hyphens in X-EXTERNAL-ID",
        lambda d: d.with_header("X-EXTERNAL-ID", "ext-" + (d.request.headers.get("X-EXTERNAL-ID") or "")),
        "",
        "",
        ("bind", "unbind"),
    ),
    before(
        "X-EXTERNAL-ID with a sign",
        lambda d: d.with_header("X-EXTERNAL-ID", "-" + (d.request.headers.get("X-EXTERNAL-ID") or "1")),
        "HDR-032",
        "HDR-132 RSN-150",
        ("payment",),
    ),
    before("X-EXTERNAL-ID of 36 digits", _digits(36), "", "", ("payment", "bind")),
    before("X-EXTERNAL-ID of 20 digits", _digits(20), "", "", ("refund", "unbind")),
    before("no Content-Type", lacking("Content-Type"), "HDR-090", "HDR-190", ("payment", "bind")),
    before(
        "X-IP-ADDRESS with an octet of 281",
        header("X-IP-ADDRESS", "192.168.1.281"),
        "HDR-074",
        "HDR-174 RSN-150",
        ("refund",),
    ),
    before(
        "X-EXTERNAL-ID of 37 characters",
        lambda d: d.with_header("X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "").rjust(37, "9")),
        "HDR-034",
        "HDR-134 RSN-150",
        ("bind", "unbind"),
    ),
    before(
        "X-EXTERNAL-ID of 37 digits",
        lambda d: d.with_header("X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "").rjust(37, "9")),
        "HDR-036",
        "HDR-136",
        ("payment", "refund"),
    ),
    before(
        "X-PARTNER-ID of 33 characters",
        header("X-PARTNER-ID", "P" * 33),
        "HDR-024 HDR-026",
        "HDR-124",
        ("bind", "unbind"),
    ),
    before("no X-IP-ADDRESS", lacking("X-IP-ADDRESS"), "HDR-070", f"HDR-170 {_ABSENT}", ("refund",)),
    before(
        "X-IP-ADDRESS of 9 characters", header("X-IP-ADDRESS", "10.1.1.10"), "HDR-072", "HDR-172 RSN-150", ("refund",)
    ),
    before(
        "X-IP-ADDRESS of 16 characters",
        header("X-IP-ADDRESS", "2001:db8:0:1::10"),
        "HDR-072",
        "HDR-172 RSN-150",
        ("refund",),
    ),
    before("X-IP-ADDRESS of 10 characters", header("X-IP-ADDRESS", "10.1.1.100"), "", "", ("refund",)),
    before("X-IP-ADDRESS of 15 characters", header("X-IP-ADDRESS", "192.168.100.100"), "", "", ("refund",)),
    before("X-IP-ADDRESS that is none", header("X-IP-ADDRESS", "not-an-address"), "HDR-074", "HDR-174", ("refund",)),
    before("CHANNEL-ID of another value", header("CHANNEL-ID", "XX"), "HDR-080", "HDR-180 RSN-150", ("bind", "unbind")),
    before("CHANNEL-ID in lower case", header("CHANNEL-ID", "dh"), "HDR-080", "HDR-180 RSN-150", ("bind", "unbind")),
    before("no CHANNEL-ID", lacking("CHANNEL-ID"), "", "", ("unbind",)),
    before("Content-Type of a form", header("Content-Type", "application/x-www-form-urlencoded"), "HDR-090", "HDR-190"),
    before("Content-Type of text", header("Content-Type", "text/plain"), "HDR-090", "HDR-190"),
    # RFC 9110, section 5.1: header names are the same in any case. Proxies and HTTP/2 gateways send small letters.
    after("header names in lower case", _in_lower_case, "", "", ("payment", "b2b")),
    after(
        "X-SIGNATURE twice, the right one first",
        twice("X-SIGNATURE", lambda _: "AAAA"),
        "HDR-092",
        "HDR-192",
        exact=True,
    ),
    after(
        "X-PARTNER-ID twice",
        twice("X-PARTNER-ID", lambda _: "BRN-9999-0000000000009"),
        "HDR-092",
        "HDR-192",
        exact=True,
    ),
)

# Each on one operation: what reads the header of one reads that of another.
MORE_HEADERS: tuple[Mutation, ...] = (
    before(
        "X-EXTERNAL-ID with letters behind",
        lambda d: d.with_header("X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "1") + "a"),
        "HDR-032",
        "HDR-132 RSN-150",
        ("refund",),
    ),
    before(
        "X-EXTERNAL-ID with a decimal point",
        lambda d: d.with_header("X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "1") + ".5"),
        "HDR-032",
        "HDR-132 RSN-150",
        ("payment",),
    ),
    before("Accept as Java's own client has it", header("Accept", JAVA_ACCEPTS), "", "", ("payment",)),
    *STRANGE_TIMES,
)
CHARSET = before(
    "Content-Type with a charset", header("Content-Type", "application/json; charset=utf-8"), "", "",
    (*SYMMETRIC, "b2b"),
)  # fmt: skip
