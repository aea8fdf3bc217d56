"""X-TIMESTAMP: of another moment, or written another way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kki.drafting.drafts import Draft
from kki.drafting.mutations.base import Mutation, before
from kki.snap import timestamps
from kki.snap.canonical import Malformed


def moved(seconds: float) -> Callable[[Draft], Draft]:
    """X-TIMESTAMP so many seconds later, in the form it had."""

    def apply(draft: Draft) -> Draft:
        old = timestamps.parse(draft.request.headers.get("X-TIMESTAMP") or "")
        if isinstance(old, Malformed):
            return draft
        return draft.with_header("X-TIMESTAMP", timestamps.format_offset(old.moment + timedelta(seconds=seconds)))

    return apply


def moment_of(draft: Draft) -> datetime | None:
    old = timestamps.parse(draft.request.headers.get("X-TIMESTAMP") or "")
    return None if isinstance(old, Malformed) else old.moment


def rewritten(form: Callable[[datetime], str]) -> Callable[[Draft], Draft]:
    """X-TIMESTAMP of the same moment, written another way."""

    def apply(draft: Draft) -> Draft:
        moment = moment_of(draft)
        return draft if moment is None else draft.with_header("X-TIMESTAMP", form(moment))

    return apply


def _of(name: str, form: Callable[[datetime], str], breaks: str, tries: str, *operations: str) -> Mutation:
    return before(name, rewritten(form), breaks, tries, operations)


# Each on one or two operations: what reads the time of one reads that of another, but for the page's two forms.
MORE_TIMES: tuple[Mutation, ...] = (
    _of("X-TIMESTAMP with offset +0700", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+0700", "HDR-012", "HDR-112 RSN-150",
        "payment"),
    _of("X-TIMESTAMP with offset +0700 (binding, unbinding)", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+0700", "HDR-014",
        "HDR-114 RSN-150", "unbind"),
    _of("X-TIMESTAMP with text behind it", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+07:00 WIB", "HDR-012", "HDR-112 RSN-150",
        "refund"),
    _of("X-TIMESTAMP with text behind it (binding, unbinding)", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+07:00 WIB",
        "HDR-014", "HDR-114 RSN-150", "bind"),
    _of("X-TIMESTAMP with milliseconds and an offset (binding, unbinding)",
        lambda m: f"{m:%Y-%m-%dT%H:%M:%S}.000+07:00", "HDR-014", "HDR-114 RSN-150", "bind"),
    _of("X-TIMESTAMP in UTC without milliseconds (binding, unbinding)",
        lambda m: f"{m.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z", "HDR-014", "HDR-114 RSN-150", "unbind"),
    _of("X-TIMESTAMP of minute 75", lambda m: f"{m:%Y-%m-%dT%H}:75{m::%S}+07:00", "HDR-016", "HDR-116 RSN-150",
        "payment"),
    _of("X-TIMESTAMP of second 61", lambda m: f"{m:%Y-%m-%dT%H:%M}:61+07:00", "HDR-016", "HDR-116 RSN-150", "bind"),
    _of("X-TIMESTAMP of 30 February", lambda m: f"{m:%Y}-02-30{m:T%H:%M:%S}+07:00", "HDR-016", "HDR-116 RSN-150",
        "refund", "unbind"),
    _of("X-TIMESTAMP with offset +00:00", lambda m: f"{m.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00", "", "", "payment",
        "refund"),
    before("X-TIMESTAMP 26 hours old", moved(-26 * 3600), "HDR-018", "HDR-118 RSN-250", ("payment", "unbind")),
    before("X-TIMESTAMP 26 hours ahead", moved(26 * 3600), "HDR-018", "HDR-118 RSN-250", ("bind", "refund")),
)  # fmt: skip

# What ISO 8601 and the time types of Java take, and the documented forms do not have.
STRANGE_TIMES: tuple[Mutation, ...] = (
    _of("X-TIMESTAMP without seconds", lambda m: f"{m:%Y-%m-%dT%H:%M}+07:00", "HDR-012", "HDR-112 RSN-150", "payment"),
    _of("X-TIMESTAMP without seconds (binding, unbinding)", lambda m: f"{m:%Y-%m-%dT%H:%M}+07:00", "HDR-014",
        "HDR-114 RSN-150", "unbind"),
    _of("X-TIMESTAMP with a zone's name", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+07:00[Asia/Jakarta]", "HDR-012",
        "HDR-112 RSN-150", "refund"),
    _of("X-TIMESTAMP with a zone's name (binding, unbinding)",
        lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+07:00[Asia/Jakarta]", "HDR-014", "HDR-114 RSN-150", "bind"),
)  # fmt: skip

TIMESTAMP_FORMS = (
    ("X-TIMESTAMP without zone", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}"),
    ("X-TIMESTAMP with a blank", lambda m: f"{m:%Y-%m-%d %H:%M:%S}+07:00"),
    ("X-TIMESTAMP as a date alone", lambda m: f"{m:%Y-%m-%d}"),
    ("X-TIMESTAMP as epoch seconds", lambda m: str(int(m.timestamp()))),
    ("X-TIMESTAMP of words", lambda _: "yesterday"),
)
