"""Headers that are more than a text of some length: times, the partner, addresses, lines that stand twice."""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from kki.model.verdict import Unknown
from kki.rules.faults import ANY_REFUSAL, FORMAT, NOBODY, Detection, Fault, Force, cases, detector
from kki.rules.registry import EVERY, SYMMETRIC, TOKENS, Scene
from kki.rules.words import masked, shown
from kki.snap.canonical import Malformed
from kki.snap.timestamps import Timestamp

TIME = "header X-TIMESTAMP"
FORM = cases("400/01", "401/00")
EMPTY = FORM | cases("400/02")
# Some look the partner up, some compare it with the token's.
UNKNOWN_PARTNER = cases("401/00", "401/01", "401/03", "404/16", "404/08")
STALE = cases("401/00", "400/01", "403/00")
QUARTER = timedelta(minutes=15)  # beyond which a client's clock is plainly wrong
DAY, FIVE_MINUTES = timedelta(days=1), timedelta(minutes=5)
_ISO = "yyyy-MM-ddTHH:mm:ss with an offset such as +07:00, or Z"


@detector(
    client="KKI-HDR-012", server="KKI-HDR-112", reason="KKI-RSN-150", fitting=FORM, operations=("payment", "refund")
)
def timestamp_form(scene: Scene) -> Detection:
    """X-TIMESTAMP of a payment or refund is ISO 8601 with seconds and a zone."""
    return _form(scene)


@detector(
    client="KKI-TOK-022", server="KKI-TOK-122", reason="KKI-RSN-150", fitting=FORM | cases("400/02"), operations=TOKENS
)
def token_timestamp_form(scene: Scene) -> Detection:
    """X-TIMESTAMP of a token request is ISO 8601 with seconds and a zone, and names a moment that exists."""
    found = _form(scene)
    return found if found or found is None else _moment(scene)


def _form(scene: Scene) -> Detection:
    stamp, text = scene.view.timestamp, scene.view.header("X-TIMESTAMP")
    if stamp is None or text is None:
        return None
    if isinstance(stamp, Malformed):
        if stamp.step != "form":
            return ()
        if not text:
            return (
                Fault(
                    where=TIME,
                    expected=_ISO,
                    actual="an empty text",
                    reason="KKI-RSN-140",
                    fitting=EMPTY,
                    field="X-TIMESTAMP",
                ),
            )
        return (Fault(where=TIME, expected=_ISO, actual=shown(text), diagnosis=stamp.why, field="X-TIMESTAMP"),)
    if stamp.negative_zero:
        # ISO 8601 forbids it, RFC 3339 gives it a meaning of its own: nobody need refuse it.
        why = "ISO 8601 has no offset -00:00; write +00:00 or Z."
        return (
            Fault(where=TIME, expected=_ISO, actual=shown(text), diagnosis=why, force=Force.MAY_REFUSE, server=NOBODY),
        )
    if not (stamp.zulu or stamp.milliseconds):
        return ()
    expected = "yyyy-MM-ddTHH:mm:ss with a numeric offset, without parts of a second"
    # Which of the page's two forms counts is open: a server may insist on either.
    fault = Fault(where=TIME, expected=expected, actual=shown(text), field="X-TIMESTAMP")
    if scene.knowledge.choice("timestamp-form") != "offset-only":
        fault = replace(fault, client=NOBODY, server=NOBODY, reason=NOBODY, force=Force.MAY_REFUSE)
    return (fault,)


@detector(client="KKI-HDR-016", server="KKI-HDR-116", reason="KKI-RSN-150", fitting=FORM, operations=SYMMETRIC)
def timestamp_exists(scene: Scene) -> Detection:
    """X-TIMESTAMP names a moment that exists."""
    return _moment(scene)


def _moment(scene: Scene) -> Detection:
    stamp = scene.view.timestamp
    if stamp is None or (isinstance(stamp, Malformed) and stamp.step == "form"):
        return None
    if isinstance(stamp, Timestamp):
        return ()
    actual = shown(scene.view.header("X-TIMESTAMP"))
    expected = "a day, time and offset that exist"
    return (Fault(where=TIME, expected=expected, actual=actual, diagnosis=stamp.why, field="X-TIMESTAMP"),)


@detector(client="KKI-HDR-018", server="KKI-HDR-118", reason="KKI-RSN-250", fitting=STALE, operations=SYMMETRIC)
def timestamp_current(scene: Scene) -> Detection:
    """X-TIMESTAMP is the client's current time."""
    return _current(scene)


@detector(
    client="KKI-TOK-024", server="KKI-TOK-124", reason="KKI-RSN-250", fitting=STALE | cases("400/02"), operations=TOKENS
)
def token_timestamp_current(scene: Scene) -> Detection:
    """X-TIMESTAMP of a token request is the current time."""
    return _current(scene)


def _current(scene: Scene) -> Detection:
    stamp, window = scene.view.timestamp, scene.knowledge.choice("timestamp-window")
    if not isinstance(stamp, Timestamp):
        return None
    gap = abs(stamp.moment - scene.view.exchange.sent_at)
    if gap <= FIVE_MINUTES:
        return None if window == "none" else ()
    hours, minutes = divmod(int(gap.total_seconds()) // 60, 60)
    actual = f"{hours} h {minutes} min away from the time of sending"
    limit = "five minutes" if window == "five-minutes" else "a day"
    fault = Fault(where=TIME, expected=f"within {limit} of the current time", actual=actual, field="X-TIMESTAMP")
    if window == "five-minutes" or (window == "day" and gap > DAY):
        return (fault,)
    if window == "day" and gap > QUARTER:
        # "Current" it is not; that nothing says how far a clock may be off keeps it from being a violation.
        weak = replace(fault, force=Force.MAY_REFUSE, server=NOBODY, reason=NOBODY)
        return (replace(weak, permitted="timestamp-window=none"),)
    # Some window is common practice, but no document gives one: refusing and accepting are both right.
    return (
        Fault(
            where=TIME, expected=fault.expected, actual=actual, force=Force.MAY_REFUSE, client=NOBODY, server=NOBODY,
            reason=NOBODY,
        ),
    )  # fmt: skip


@detector(
    client="KKI-HDR-026", server="KKI-HDR-126", reason="KKI-RSN-240", fitting=UNKNOWN_PARTNER, operations=SYMMETRIC,
)  # fmt: skip
def partner_is_known(scene: Scene) -> Detection:
    """X-PARTNER-ID is the client id that DOKU issued, and the one to which the token was issued."""
    found, given = _client(scene, "X-PARTNER-ID"), scene.view.header("X-PARTNER-ID")
    issued = scene.trail.token(scene.view.token, "b2b")
    if found != () or issued is None or not issued.client or issued.client == given:
        return found
    if given == scene.knowledge.credentials.client_id:
        return ()  # our name on another's token: the row on such tokens speaks of it
    expected = "the partner to whom the token was issued"
    return (Fault(where="header X-PARTNER-ID", expected=expected, actual="another partner", field="X-PARTNER-ID"),)


@detector(
    client="KKI-TOK-020", server="KKI-TOK-120", reason="KKI-RSN-220", fitting=cases("401/00", "404/16"),
    operations=TOKENS,
)  # fmt: skip
def client_is_known(scene: Scene) -> Detection:
    """X-CLIENT-KEY is the client id that DOKU issued."""
    return _client(scene, "X-CLIENT-KEY")


def _client(scene: Scene, name: str) -> Detection:
    given = scene.view.header(name)
    if not given:
        return None
    if scene.knowledge.credentials.client_id is None or masked(given):
        return Unknown("the client id that was issued to the partner")
    if scene.knowledge.knows_client(given):
        return ()
    return (Fault(where=f"header {name}", expected="the client id that was issued", actual=shown(given), field=name),)


@detector(
    client="KKI-HDR-074", server="KKI-HDR-174", reason="KKI-RSN-150", fitting=FORMAT, operations=("refund", "unbind")
)
def address_is_an_address(scene: Scene) -> Detection:
    """X-IP-ADDRESS is an IP address."""
    given = scene.view.header("X-IP-ADDRESS")
    if not given:
        return None
    if masked(given):
        return Unknown("X-IP-ADDRESS, which was hidden when the recording was made")
    try:
        ipaddress.ip_address(given)
    except ValueError:
        where = "header X-IP-ADDRESS"
        return (Fault(where=where, expected="an IPv4 or IPv6 address", actual=shown(given), field="X-IP-ADDRESS"),)
    return ()


@detector(client="KKI-HDR-090", server="KKI-HDR-190", fitting=ANY_REFUSAL, operations=EVERY)
def content_type_is_json(scene: Scene) -> Detection:
    """A request with a body says Content-Type: application/json."""
    if not scene.view.body.octets:
        return None
    given = scene.view.header("Content-Type")
    media = (given or "").split(";", 1)[0].strip().lower()
    if media == "application/json":
        return ()
    actual = "missing" if given is None else shown(given)
    return (Fault(where="header Content-Type", expected="application/json", actual=actual, force=Force.EITHER),)


@detector(client="KKI-HDR-092", server="KKI-HDR-192", fitting=ANY_REFUSAL, operations=EVERY)
def headers_stand_once(scene: Scene) -> Detection:
    """No header of the API stands twice in one request."""
    operation = scene.view.operation
    names = {fact.name.lower() for fact in operation.headers} if operation else set()
    lines: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for name, value in scene.view.exchange.request.headers.pairs:
        if name.lower() in names:
            lines[name.lower()] += 1
            values.setdefault(name.lower(), set()).add(value)
    twice = sorted(name for name, count in lines.items() if count > 1)
    return tuple(
        Fault(
            where=f"header {name.upper()}", expected="a header that stands once",
            actual=f"there {lines[name]} times, with {'different values' if len(values[name]) > 1 else 'one value'}",
            force=Force.MUST_REFUSE if len(values[name]) > 1 else Force.MAY_REFUSE,
        )
        for name in twice
    )  # fmt: skip
