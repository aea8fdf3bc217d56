"""cardData: opened as a server would, with the shared key. Findings never quote it, opened or sealed."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from kki.model.verdict import Broken, Finding, Holds, Judgement, Unknown
from kki.rules.faults import NOBODY, Cases, Detection, Fault, Force, cases, detector, fits
from kki.rules.knowledge import Knowledge
from kki.rules.registry import Scene, rule, rule_at_end
from kki.rules.trail import (
    SECRET_STEPS,
    Timing,
    Trail,
    card_failure_of,
    card_sent,
    card_vector,
    card_words,
    where_failed,
)
from kki.rules.view import Standing
from kki.rules.words import length, masked
from kki.snap import carddata
from kki.snap.canonical import Malformed
from kki.snap.carddata import Container

WHERE = "body /cardData"
REFUSED: Cases = cases("400/00", "400/01", "404/11", "403/*")
UNKNOWN_TO_THE_NETWORK: Cases = cases("404/11", "404/03", "404/09", "404/05")
_KEY = "the shared key, without which cardData cannot be opened"
_MEMBERS = ("bankCardNo", "bankCardType", "expiryDate")
_EXPIRY = re.compile(r"(0[1-9]|1[0-2])[0-9]{2}")
_DIGITS = re.compile(r"[0-9]{12,19}")
BIND = ("bind",)


@dataclass(frozen=True, slots=True)
class Opened:
    """`container`: what it was found in, None if no way leads in; `step`: at which step that failed."""

    container: Container | None
    step: str = ""
    why: str = ""
    plain: bool = False  # not encrypted at all
    payload: dict[str, Any] | None = field(default=None, repr=False)


def opened(scene: Scene) -> Opened | Unknown | None:
    """None where there is no text to open. Computed once a request."""
    view = scene.view
    if "card" not in view.cache:
        view.cache["card"] = _opened(scene)
    found: Opened | Unknown | None = view.cache["card"]
    return found


def _opened(scene: Scene) -> Opened | Unknown | None:
    text = scene.view.text("cardData") if scene.view.name == "bind" else None
    if text is None:
        return None
    if masked(text):
        return Unknown("cardData, which was hidden when the recording was made")
    if _in_clear(text):
        return Opened(None, "container", "it is not encrypted", plain=True)
    key = scene.knowledge.held_by(scene.view.header("X-PARTNER-ID")).shared_key
    if key is None:
        return Unknown(_KEY)
    result = _open_in_force(text, key, scene)
    if isinstance(result, Malformed):
        return Opened(None, result.step, result.why)
    container, octets = result
    if not _is_text(octets):  # the padding of random octets fits once in some 256 times
        return Opened(None, "payload", "what comes out is no UTF-8, as under another key whose padding fits by chance")
    payload = carddata.card_payload(octets)
    if isinstance(payload, Malformed):
        return Opened(container, "payload", payload.why)
    return Opened(container, payload=payload)


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _open_in_force(text: str, key: str, scene: Scene) -> tuple[Container, bytes] | Malformed:
    """By the container in force first: whatever opens under it needs no other explanation."""
    wanted = in_force(scene)
    octets = carddata.open_sealed(text, shared_key=key, container=wanted)
    if isinstance(octets, bytes) and not isinstance(carddata.card_payload(octets), Malformed):
        return wanted, octets
    found = carddata.open_any(text, shared_key=key)
    if isinstance(found, Malformed) or isinstance(carddata.card_payload(found[1]), Malformed):
        return (wanted, octets) if isinstance(octets, bytes) else _beheaded(found)
    return found


def _beheaded(found: tuple[Container, bytes] | Malformed) -> tuple[Container, bytes] | Malformed:
    """Of a text sent without its IV, the first block is no IV, however well the rest opens: nothing marks that form."""
    if isinstance(found, Malformed) or found[0] is not Container.IV_PREFIXED:
        return found
    return Malformed("iv", "Expected an IV, but got none: with the first block as the IV no JSON object comes out.")


def in_force(scene: Scene) -> Container:
    return Container(scene.knowledge.choice("card-data-container"))


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _in_clear(text: str) -> bool:
    """JSON as it is, JSON behind Base64 or hexadecimal, or a card number: encrypted by nobody."""
    if _is_object(text) or _DIGITS.fullmatch(text):
        return True
    for decode in (_from_base64, bytes.fromhex):
        try:
            if _is_object(decode(text).decode("utf-8")):
                return True
        except ValueError:
            continue
    return False


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


@detector(
    client="KKI-CRD-010", server=("KKI-CRD-110", "KKI-CRD-120"), reason="KKI-RSN-230", fitting=REFUSED, operations=BIND
)
def card_data_opens(scene: Scene) -> Detection:
    """cardData opens with AES-CBC under the merchant's shared key."""
    found = opened(scene)
    if not isinstance(found, Opened):
        return found
    if found.container is not None:
        return ()
    expected = "encrypted with AES-CBC under the merchant's shared key"
    actual = "not encrypted at all" if found.plain else "a text that this key does not open"
    server = "KKI-CRD-120" if found.plain else "KKI-CRD-110"
    return (Fault(where=WHERE, expected=expected, actual=actual, diagnosis=found.why, server=server, field="cardData"),)


@detector(client="KKI-CRD-012", server="KKI-CRD-122", reason="KKI-RSN-230", fitting=REFUSED, operations=BIND)
def container_in_force(scene: Scene) -> Detection:
    """cardData stands in the container in force."""
    found = opened(scene)
    if not isinstance(found, Opened):
        return found
    if found.container is None:
        return None
    wanted = in_force(scene)
    if found.container is wanted:
        return ()
    expected, actual = f"in the container {wanted.value}", f"in the container {found.container.value}"
    return (Fault(where=WHERE, expected=expected, actual=actual, field="cardData"),)


@detector(client="KKI-CRD-014", server="KKI-CRD-114", reason="KKI-RSN-230", fitting=REFUSED, operations=BIND)
def payload_is_a_card(scene: Scene) -> Detection:
    """The opened cardData is a JSON object with the card's number, type and expiry date."""
    found = opened(scene)
    if not isinstance(found, Opened):
        return found
    if found.container is None:
        return None
    if found.payload is None:
        return (
            Fault(where=WHERE, expected="a sealed JSON object", actual="another sealed content", diagnosis=found.why),
        )
    missing = [name for name in _MEMBERS if not isinstance(found.payload.get(name), str) or not found.payload[name]]
    if not missing:
        return ()
    expected, actual = f"sealed with {', '.join(_MEMBERS)}", f"sealed without {' and '.join(missing)}"
    fault = Fault(where=WHERE, expected=expected, actual=actual)
    if scene.knowledge.choice("card-data-payload") == "sdk":
        return (fault,)
    return (Fault(where=WHERE, expected=expected, actual=actual, force=Force.MAY_REFUSE, client=NOBODY, server=NOBODY),)


@detector(client="KKI-CRD-018", fitting=REFUSED | cases("404/*"), operations=BIND)
def expiry_is_mmyy(scene: Scene) -> Detection:
    """The card's expiryDate has the form MMYY, with a month from 01 to 12."""
    found = opened(scene)
    if not isinstance(found, Opened):
        return found
    value = found.payload.get("expiryDate") if found.payload else None
    if not isinstance(value, str) or not value:
        return None
    if _EXPIRY.fullmatch(value):
        return ()
    actual = f"another text of {length(value)}"
    if re.fullmatch(r"[0-9]{2}(0[1-9]|1[0-2])", value):
        actual += ", which would fit YYMM"
    client = "" if scene.knowledge.choice("card-data-payload") == "sdk" else NOBODY
    where = f"{WHERE} › expiryDate"
    return (Fault(where=where, expected="MMYY, as 1230", actual=actual, force=Force.MAY_REFUSE, client=client),)


@detector(fitting=UNKNOWN_TO_THE_NETWORK, operations=BIND)
def card_is_known(scene: Scene) -> Detection:
    """The card of a correct binding is one that the network knows, as the profile promises."""
    case = scene.view.reply.case
    if case is None or not fits(UNKNOWN_TO_THE_NETWORK, case) or WHERE in scene.found.places:
        return ()
    return Unknown("a card that the network knows: the target does not take this one")


@detector(client="KKI-CRD-016", fitting=REFUSED, operations=BIND)
def vector_is_fresh(scene: Scene) -> Detection:
    """Each cardData has a fresh initialisation vector or salt."""
    vector, found = card_vector(scene.view), opened(scene)
    if vector is None or masked(scene.view.text("cardData")) or (isinstance(found, Opened) and found.plain):
        return None
    earlier = scene.trail.vectors.get(vector)
    weak = len(set(vector)) == 1
    # The same cardData under the same reference is a binding sent again: nothing was sealed anew.
    again = earlier is not None and earlier[1] == card_sent(scene.view)
    if (earlier is None or again) and not weak:
        return ()
    actual = f"the one of exchange {earlier[0]}" if earlier and not again else "one octet repeated"
    return (
        Fault(where=WHERE, expected="sealed under a vector never used before", actual=actual, force=Force.MAY_REFUSE),
    )


def failed_step(scene: Scene) -> str | None:
    """At which step this request's cardData fails, if that is all that is wrong with it."""
    faults = [fault for fault in scene.found.faults if fault.force is Force.MUST_REFUSE]
    found = opened(scene)
    if not isinstance(found, Opened) or not faults or scene.found.places != {WHERE}:
        return None
    if any(fault.reason != "KKI-RSN-230" for fault in faults):
        return None
    return found.step or "content"


def secret_step(scene: Scene) -> str | None:
    """The step at which it fails, where only who has the key may know which that is.

    That a text is no container in force anybody sees, and what a card lacks only its owner is told: neither opens a
    seal.
    """
    step = failed_step(scene)
    form, wanted = carddata.resembles(scene.view.text("cardData") or ""), in_force(scene)
    alike = form is wanted or wanted is Container.CIPHERTEXT_IV_256
    elsewhere = scene.found.may_explain(scene.view.reply.case) is not None  # refused for what nobody could look into
    return step if step in SECRET_STEPS and alike and not elsewhere else None


@rule("KKI-CRD-116", operations=BIND)
def card_failures_look_alike(scene: Scene) -> Judgement | None:
    """All failures of cardData are answered alike in status, responseCode, responseMessage, members and headers."""
    step = secret_step(scene)
    if step is None or scene.view.reply.standing is not Standing.REFUSED:
        return None
    first, now = scene.trail.card_failure, card_failure_of(scene.view)
    if first is None:
        return None
    findings = [
        Finding(
            where=where, expected=f"the same as for every failure of cardData, as in exchange {first.exchange}",
            actual=f"different: {_part(mine)} after {_part(theirs)}",
        )
        for where, theirs, mine in (
            ("status", first.status, now.status), ("reply /responseCode", first.code, now.code),
            ("reply /responseMessage", first.message, now.message), ("reply headers", first.headers, now.headers),
            ("reply members", first.members, now.members),
        )
        if theirs != mine
    ]  # fmt: skip
    return Broken(tuple(findings)) if findings else _told_in_passing(scene, step) or Holds()


SURE, AGAIN = 10, 2  # one value that often before the seal is opened, and another that often after: no accident


def _told_in_passing(scene: Scene, step: str) -> Broken | None:
    """A header or member with always one value where cardData stays shut, another where its content is wrong."""
    if where_failed(step) != "inside":
        return None
    for name, value in card_words(scene.view):
        told = scene.trail.card_told.get(name, {})
        sealed, inside = told.get("sealed"), told.get("inside")
        if sealed is None or inside is None or len(sealed.values) != 1 or _of_the_clock(name, value):
            continue
        usual, count = next(iter(sealed.values.items()))
        if count >= SURE and value != usual and inside.but(usual) >= AGAIN:
            expected = f"the same as for every failure of cardData: {usual[:60]!r}"
            return Broken((Finding(where=f"reply {name}", expected=expected, actual=f"{value[:60]!r}"),))
    return None


_ANYHOW = frozenset(("date", "content-length", "age", "expires", "last-modified"))
# ISO 8601, or seconds or milliseconds since 1970. ASPI has X-TIMESTAMP in replies, and frameworks a member of the body.
_TIME = re.compile(r'"?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.{0,20}|"?1[0-9]{9}(?:\.?[0-9]{3,9})?"?')


def _of_the_clock(name: str, value: str) -> bool:
    """What goes on with time says by chance that one second was over when the failures of the other kind came."""
    return name.removeprefix("header ") in _ANYHOW or _TIME.fullmatch(value) is not None


def _part(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return repr(value)[:80]


ENOUGH = 8  # answers of each kind, below which a difference in time means nothing
NOTABLE = 5.0  # milliseconds


@rule_at_end("KKI-CRD-118", operations=BIND)
def card_failures_take_as_long(trail: Trail, _knowledge: Knowledge) -> Judgement | None:
    """The time to answer does not tell at which step opening cardData failed."""
    if not trail.card_timings:
        return None
    times = {step: timing for step, timing in trail.card_timings.items() if timing.count >= ENOUGH}
    if len(times) < 2:
        return Unknown(f"{ENOUGH} failures of cardData at each of two steps, to compare their times")
    slowest = max(times, key=lambda step: times[step].mean)
    fastest = min(times, key=lambda step: times[step].mean)
    if not _apart(times[slowest], times[fastest]):
        return Holds()
    actual = f"{times[slowest].mean:.1f} ms where {slowest} fails, {times[fastest].mean:.1f} ms where {fastest} fails"
    return Broken((Finding(where="time to answer", expected="the same whatever fails", actual=actual),))


def _apart(slow: Timing, fast: Timing) -> bool:
    error = sum(timing.spread / max(timing.count - 1, 1) / timing.count for timing in (slow, fast)) ** 0.5
    gap = slow.mean - fast.mean
    return gap > NOTABLE and gap > 5 * error
