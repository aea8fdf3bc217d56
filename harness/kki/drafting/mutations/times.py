"""X-TIMESTAMP: of another moment, or written another way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from kki.drafting.drafts import Draft
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


TIMESTAMP_FORMS = (
    ("X-TIMESTAMP without zone", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}"),
    ("X-TIMESTAMP with a blank", lambda m: f"{m:%Y-%m-%d %H:%M:%S}+07:00"),
    ("X-TIMESTAMP as a date alone", lambda m: f"{m:%Y-%m-%d}"),
    ("X-TIMESTAMP as epoch seconds", lambda m: str(int(m.timestamp()))),
    ("X-TIMESTAMP of words", lambda _: "yesterday"),
)
