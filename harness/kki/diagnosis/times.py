"""The wrong ways to write the time: other forms and zones of the header's moment, and other moments near it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

from kki.diagnosis.choices import Choice, distinct, named, wrong
from kki.snap.timestamps import Timestamp, parse

FARTHEST = 120  # seconds between two readings of the clock: more is no accident of one request
_NEAR = 5  # seconds: as far as pairs look
_COMMON_OFFSETS = (7, 8, 9, 0)  # the three zones of Indonesia, and UTC


def times(text: str) -> tuple[Choice[str], ...]:
    """X-TIMESTAMP's text first. An unreadable one leaves only changes to the text itself."""
    seen = parse(text)
    others = [*_changed_text(text)]
    if isinstance(seen, Timestamp):
        others += [*_zulu(seen), *_zones(seen), *_labels(seen), *_fractions(seen), *_other_forms(seen)]
        others += [*_shifted(seen), *_shifted_thousandths(seen)]
    elif isinstance(parse(text + "Z"), Timestamp):
        others += [wrong("timestamp-other-label", text + zone, zone) for zone in ("Z", "+07:00", "+00:00")]
    return distinct(Choice(text), others)


def each_microsecond(text: str) -> Iterator[Choice[str]]:
    """As Python's isoformat() writes the clock, with the header's zone and without; () where the header shows them."""
    seen = parse(text)
    if not isinstance(seen, Timestamp) or seen.milliseconds:
        return
    head, added, bare = _bare(_local(seen)), named("milliseconds-added"), named("timestamp-without-zone")
    for millionth in range(1_000_000):
        yield Choice(f"{head}.{millionth:06d}{seen.zone}", added)
        yield Choice(f"{head}.{millionth:06d}", bare)


def _changed_text(text: str) -> Iterator[Choice[str]]:
    yield wrong("timestamp-empty", "")
    yield wrong("timestamp-other-form", text.lower(), "in lower case", paired=False)
    yield wrong("timestamp-other-form", text.replace("T", " "), "a blank instead of the T")
    yield wrong("timestamp-other-form", text.replace(":", "%3A").replace("+", "%2B"), "percent-encoded", paired=False)
    yield wrong("timestamp-other-form", text.replace("+", " "), "a blank instead of the +")
    yield wrong("timestamp-other-form", text + "\n", "with a line end", paired=False)
    yield wrong("timestamp-other-form", f'"{text}"', "in quotation marks", paired=False)


def _in(moment: datetime, hours: float) -> datetime:
    return moment.astimezone(timezone(timedelta(hours=hours)))


def _iso(moment: datetime, spec: str = "seconds") -> str:
    return moment.isoformat(timespec=spec)


def _bare(moment: datetime, spec: str = "seconds") -> str:
    return moment.replace(tzinfo=None).isoformat(timespec=spec)


def _local(seen: Timestamp) -> datetime:
    """The moment with the clock face that the header shows, and its offset."""
    return seen.moment


def _zulu(seen: Timestamp) -> Iterator[Choice[str]]:
    utc = seen.moment.astimezone(UTC)
    if not seen.zulu:
        for spec in ("seconds", "milliseconds", "microseconds"):
            yield wrong("timestamp-z-form", _bare(utc, spec) + "Z")
    if not seen.milliseconds:  # the clock's own milliseconds were cut from the header, but not from what was signed
        name = "milliseconds-added" if seen.zulu else "timestamp-z-form"
        yield from _each_thousandth(name, _bare(utc) + ".", "Z")


def _each_thousandth(name: str, before: str, after: str) -> Iterator[Choice[str]]:
    deviation = named(name)
    for thousandth in range(1, 1000):
        yield Choice(f"{before}{thousandth:03d}{after}", deviation, None, False)


def _zones(seen: Timestamp) -> Iterator[Choice[str]]:
    for hours in (*_COMMON_OFFSETS, *range(-12, 15), 5.5, 6.5, -3.5):
        there = _in(seen.moment, hours)
        if not seen.zulu and there.utcoffset() == seen.moment.utcoffset():
            continue  # what differs then is the fraction
        common = hours in _COMMON_OFFSETS
        for spec in ("seconds", "milliseconds") if common else ("seconds",):
            text = _iso(there, spec)
            yield wrong("timestamp-other-zone", text, text[-6:], paired=common)


def _labels(seen: Timestamp) -> Iterator[Choice[str]]:
    """Local time that calls itself UTC, and the like: the most frequent slip of SimpleDateFormat and strftime."""
    for spec in ("seconds", "milliseconds"):
        face = _bare(_local(seen), spec)
        for zone in ("Z", "+07:00", "+00:00", "-00:00", "+08:00", "+09:00"):
            if zone != seen.zone:
                yield wrong("timestamp-other-label", face + zone, zone)
        for moment in (_local(seen), seen.moment.astimezone(UTC), _in(seen.moment, 7)):
            yield wrong("timestamp-without-zone", _bare(moment, spec))


def _fractions(seen: Timestamp) -> Iterator[Choice[str]]:
    head, zone = _bare(_local(seen)), seen.zone
    fraction = f"{seen.moment.microsecond:06d}"
    if seen.milliseconds:
        yield wrong("milliseconds-dropped", head + zone)
    for digits in (1, 2, 3, 6):
        name = "milliseconds-other" if seen.milliseconds else "milliseconds-added"
        yield wrong(name, f"{head}.{fraction[:digits]}{zone}", paired=digits == 3)
    yield wrong("milliseconds-other", f"{head}.{fraction}000{zone}", paired=False)
    if not seen.milliseconds:
        yield from _each_thousandth("milliseconds-added", f"{head}.", zone)
    elif not seen.moment.microsecond % 1000:  # the clock's microseconds, as Python's isoformat() writes them
        yield from _each_thousandth("milliseconds-other", f"{head}.{fraction[:3]}", zone)


def _other_forms(seen: Timestamp) -> Iterator[Choice[str]]:
    seconds = (seen.moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    thousandths = (seen.moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    yield wrong("timestamp-epoch", str(seconds), "seconds")
    yield wrong("timestamp-epoch", str(thousandths), "milliseconds")
    for moment in (_local(seen), seen.moment.astimezone(UTC), _in(seen.moment, 7)):
        text = _iso(moment)
        yield wrong("timestamp-other-form", text[:-3] + text[-2:], "an offset without colon")
        short = moment.isoformat(timespec="minutes")  # as Java prints a full minute
        for zone in (short[-6:], "Z") if moment.utcoffset() == timedelta(0) else (short[-6:],):
            yield wrong("timestamp-other-form", short[:-6] + zone, "without seconds", paired=False)
        yield wrong("timestamp-other-form", _bare(moment).replace("T", " "), "a blank instead of the T, no zone")
        yield wrong("timestamp-other-form", moment.strftime("%Y%m%d%H%M%S"), "digits only")
        yield wrong("timestamp-other-form", moment.strftime("%Y-%m-%d"), "the date alone", paired=False)
        yield wrong("timestamp-other-form", moment.strftime("%Y-%m-%dT%H:%M"), "without seconds", paired=False)
        yield wrong("timestamp-other-form", moment.strftime("%Y%m%dT%H%M%SZ"), "ISO 8601 basic", paired=False)
    dated = seen.moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    yield wrong("timestamp-other-form", dated, "as HTTP writes a date", paired=False)
    for region in ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "UTC", "Z"):
        yield wrong("timestamp-other-form", f"{seen.text}[{region}]", "as Java prints it, with a region", paired=False)


def _shifted(seen: Timestamp) -> Iterator[Choice[str]]:
    """The clock read twice, up to two minutes apart, in the very form of the header."""
    ending = _ending(seen)(seen.moment.microsecond // 1000)
    for seconds in range(1, FARTHEST + 1):
        for sign, word in ((1, "later"), (-1, "earlier")):
            text = _bare(seen.moment + timedelta(seconds=sign * seconds)) + ending
            yield wrong("timestamp-shifted", text, f"{seconds} s {word}", paired=seconds <= _NEAR)


def _shifted_thousandths(seen: Timestamp) -> Iterator[Choice[str]]:
    """Likewise a few milliseconds apart, where the form shows them."""
    first = seen.moment.microsecond // 1000
    ending = _ending(seen)
    heads = {carried: _bare(seen.moment + timedelta(seconds=carried)) for carried in (-1, 0, 1)}
    for thousandths in range(1, 1000) if seen.milliseconds else ():
        for sign, word in ((1, "later"), (-1, "earlier")):
            carried, left = divmod(first + sign * thousandths, 1000)
            text = heads[carried] + ending(left)
            yield wrong("timestamp-shifted", text, f"{thousandths} ms {word}", paired=thousandths <= _NEAR)


def _ending(seen: Timestamp) -> Callable[[int], str]:
    """From thousandths to what stands behind the second, with as many digits as the header has."""
    digits = len(seen.text) - len(_bare(_local(seen))) - len(seen.zone) - 1 if seen.milliseconds else 0
    finer = f"{seen.moment.microsecond % 1000:03d}000"[: max(0, digits - 3)] + seen.zone
    return lambda thousandths: f".{thousandths:03d}"[: digits + 1 if digits else 0] + finer
