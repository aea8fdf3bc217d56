"""Times as texts: the forms that the page, its examples and the SDKs use for X-TIMESTAMP and its kin.

One reader for all of them, which reports what it saw (milliseconds, Z, -00:00): the page contradicts itself on each
(18–22), so that acceptance is a rule's reading. What no reading admits is Malformed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone, tzinfo

from kki.snap.canonical import Malformed

JAKARTA = timezone(timedelta(hours=7))  # bind and unbind ask for +07:00 in words
_WIDEST = timedelta(hours=14)  # the largest offset in civil use, UTC+14
_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,9})?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """`text` as it came; `moment` aware, to the microsecond; `milliseconds`: has a fraction; `zulu`: ends in Z."""

    text: str
    moment: datetime
    milliseconds: bool
    zulu: bool

    @property
    def zone(self) -> str:
        """ "Z" or the six characters of the offset, as written."""
        return "Z" if self.zulu else self.text[-6:]

    @property
    def negative_zero(self) -> bool:
        """Ends in -00:00: ISO 8601 forbids it, RFC 3339 gives it another meaning, the Node SDK sends it from UTC."""
        return self.zone == "-00:00"


def parse(text: str) -> Timestamp | Malformed:
    """yyyy-MM-ddTHH:mm:ss, a fraction of 1–9 digits at will, then Z or ±hh:mm up to 14:00.

    Malformed("form") for another shape: blanks, lower-case t or z, no zone, other digits. Malformed("calendar") for
    month 99, 24:00:00, second 60, or the years 0000, 0001 and 9999, whose moments cannot all be shown in every zone.
    Malformed("offset") beyond ±14:00, which the page's own pattern would admit (contradiction 21).
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return Malformed("form", "Expected yyyy-MM-ddTHH:mm:ss and then Z or an offset such as +07:00.")
    zone = _zone(match["zone"])
    if isinstance(zone, Malformed):
        return zone
    moment = _moment([int(digits) for digits in match.groups()[:6]], match["fraction"] or "", zone)
    if isinstance(moment, Malformed):
        return moment
    return Timestamp(text, moment, match["fraction"] is not None, match["zone"] == "Z")


def _zone(text: str) -> timezone | Malformed:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _WIDEST:
        return Malformed("offset", f"Expected an offset from -14:00 to +14:00, but got {text}.")
    return timezone(-offset if text[0] == "-" else offset)


def _moment(numbers: list[int], fraction: str, zone: timezone) -> datetime | Malformed:
    year, month, day, hour, minute, second = numbers
    microsecond = int(fraction[1:7].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond, zone)
    except ValueError:
        return Malformed("calendar", "Expected a day and time that exist, but this one does not.")
    if not MINYEAR < year < MAXYEAR:
        return Malformed("calendar", "Expected a year of this age, but got one at the rim of the calendar.")
    return moment


def format_offset(moment: datetime, offset_hours: int = 7) -> str:
    """2026-05-26T10:00:00+07:00, 25 characters; parts of a second are dropped. ValueError for a naive moment."""
    return _aware(moment).astimezone(timezone(timedelta(hours=offset_hours))).isoformat(timespec="seconds")


def format_zulu_ms(moment: datetime) -> str:
    """2026-05-26T03:00:00.000Z, 24 characters; microseconds are dropped. ValueError for a naive moment."""
    plain = _aware(moment).astimezone(UTC).replace(tzinfo=None)
    return plain.isoformat(timespec="milliseconds") + "Z"


def same_day(a: datetime, b: datetime, tz: tzinfo = JAKARTA) -> bool:
    """Whether two moments fall on one calendar day there: X-EXTERNAL-ID must be unique "in the same day"."""
    return _aware(a).astimezone(tz).date() == _aware(b).astimezone(tz).date()


def _aware(moment: datetime) -> datetime:
    # astimezone would read a naive moment in the zone of this machine: chance, not protocol.
    if moment.tzinfo is None:
        raise ValueError("Expected a moment with a time zone, but got a naive one.")
    return moment
