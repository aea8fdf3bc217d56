"""Lenient or frail readers: of JSON that is none, of times, of identifiers, of requests that are merely unusual."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kki.simulator.behaviour import Behaviour
from kki.simulator.call import Call
from kki.simulator.checks import is_signed, unauthorised
from kki.simulator.outcomes import Refusal
from kki.simulator.persona import SYMMETRIC, Change, Persona, When, area, balking, both, lifting, loosened
from kki.simulator.personas_headers import CARDS, CHARGES
from kki.simulator.personas_robustness import failure, greeting, guarding, reading
from kki.snap import carddata, timestamps
from kki.snap.canonical import Malformed
from kki.snap.carddata import Container
from kki.snap.encoding import utf8

_headers, _robustness, _signature = area("headers"), area("robustness"), area("signature")
_success, _cards, _tokens = area("success"), area("card-data"), area("tokens")

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"


# --- JSON -----------------------------------------------------------------------------------------------


def _first_value(body: bytes) -> Any:
    return json.JSONDecoder().raw_decode(body.decode())[0]


def _replacing(pattern: bytes, by: bytes) -> Callable[[bytes], Any]:
    return lambda body: json.loads(re.sub(pattern, by, body))


_READERS: tuple[tuple[str, str, str, Callable[[bytes], Any]], ...] = (
    ("text-behind-json", "Reads JSON and leaves what stands behind it.", "ROB-210", _first_value),
    ("nan", "Reads NaN as a value.", "ROB-210", json.loads),
    ("leading-zeros", "Reads numbers that begin with a zero.", "ROB-210", _replacing(rb":0+([1-9])", rb":\1")),
    ("control-characters", "Reads line feeds inside strings.", "ROB-210", lambda body: json.loads(body, strict=False)),
    ("comments", "Reads JSON with comments.", "ROB-210", _replacing(rb"/\*.*?\*/", b"")),
    ("single-quotes", "Reads JSON in single quotes.", "ROB-210", _replacing(rb"'", b'"')),
    ("utf-16", "Reads a body in UTF-16.", "ROB-250", lambda body: json.loads(body.decode("utf-16"))),
)


# --- times ----------------------------------------------------------------------------------------------


def _time(form: str) -> When:
    return lambda call: re.fullmatch(form, call.header("X-TIMESTAMP")) is not None


def reads(form: str) -> Change:
    """Times of this form are taken, whatever the operation."""
    return both(loosened("X-TIMESTAMP", *CARDS, pattern=None), lifting(_time(form), "timestamp-form", at=SYMMETRIC))


def _off(part: str) -> Change:
    """The calendar is not minded in this part."""

    def when(call: Call) -> bool:
        seen = timestamps.parse(call.header("X-TIMESTAMP"))
        return isinstance(seen, Malformed) and seen.step == "calendar" and _time(part)(call)

    return lifting(when, "timestamp-form", at=SYMMETRIC)


def _for_long(behaviour: Behaviour) -> Behaviour:
    return replace(behaviour, tolerance=timedelta(hours=36))


# --- other things -----------------------------------------------------------------------------------------


def _long_id(call: Call) -> bool:
    return len(call.external_id) > 19


def _signing_over(form: Callable[[str], str]) -> Change:
    """Verifies over the body as this form has it, and so refuses a body that it changes."""

    def check(call: Call) -> Refusal | None:
        text = json.dumps(call.body, separators=(",", ":"), ensure_ascii=False)
        right = is_signed(call) if form(text) == text else is_signed(call, body=utf8(form(text)))
        return None if right else unauthorised("signature", "Invalid signature")

    return lambda behaviour: behaviour.checking("signature", check, at=SYMMETRIC)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value


def _has_nul(call: Call) -> bool:
    return any("\0" in text for text in _strings(call.members))


def _has_mark(call: Call) -> bool:
    return call.request.body.startswith(b"\xef\xbb\xbf")


def _is_bare(call: Call) -> bool:
    value = call.header("Authorization")
    return call.name in SYMMETRIC and bool(value) and " " not in value


def _without_type(call: Call) -> bool:
    return call.operation is not None and not call.header("Content-Type")


def _has_long_member(call: Call) -> bool:
    return any(65536 < len(text) < 500_000 for text in _strings(call.members))


def _in_other_case(call: Call) -> bool:
    paths = {operation.path.lower() for operation in call.contract.operations.values()}
    return call.operation is None and call.request.path.lower() in paths


def _has_octet(call: Call) -> bool:
    return re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", call.header("X-IP-ADDRESS")) is not None


def _opens_under_secret(call: Call) -> bool:
    container = Container(call.choice("card-data-container"))
    opened = carddata.open_sealed(
        call.text("cardData"), shared_key=call.partner.client_secret, container=container
    )
    return isinstance(opened, bytes) and isinstance(carddata.card_payload(opened), dict)


def _card_and_text(call: Call) -> bool:
    container = Container(call.choice("card-data-container"))
    opened = carddata.open_sealed(call.text("cardData"), shared_key=call.partner.shared_key, container=container)
    return isinstance(opened, bytes) and isinstance(carddata.card_payload(opened[: opened.rfind(b"}") + 1]), dict)


ALL: tuple[Persona, ...] = (
    *(_robustness(f"accepts-{name}", says, row, reading(read)) for name, says, row, read in _READERS),
    _robustness("fails-on-nul", "Answers a NUL in a text with a server error.", "ROB-310", guarding(_has_nul, failure)),
    _robustness("fails-on-byte-order-mark", "Answers a body with a byte order mark with a server error.", "ROB-310",
                guarding(_has_mark, failure)),
    _robustness("fails-on-long-text", "Answers a text of more than 64 KiB with a server error.", "ROB-310",
                guarding(_has_long_member, failure)),
    _robustness("fails-on-options", "Answers OPTIONS with a server error.", "ROB-310",
                guarding(lambda call: call.operation is not None and call.request.method == "OPTIONS", failure)),
    _robustness("fails-without-content-type", "Answers a request without Content-Type with a server error.",
                "ROB-310 HDR-190", guarding(_without_type, failure)),
    _tokens("fails-on-bare-token", "Answers a B2B token without its scheme with a server error.", "ROB-310 HDR-152",
            guarding(_is_bare, failure)),
    _robustness("ignores-case-of-path", "Finds its paths in capitals too.", "ROB-290",
                guarding(_in_other_case, greeting)),
    # times
    _headers("accepts-basic-offset", "Takes an X-TIMESTAMP with +0700.", "HDR-112 HDR-114", reads(DAY + r"\+0700"),
             "stated"),
    _headers("accepts-text-behind-time", "Takes an X-TIMESTAMP with text behind it.", "HDR-112 HDR-114",
             reads(DAY + r"\+07:00 .*"), "stated"),
    _headers("accepts-fractions-on-a-binding", "Takes parts of a second on a binding or unbinding.", "HDR-114",
             loosened("X-TIMESTAMP", *CARDS, pattern=rf"^{DAY}(\.[0-9]+)?[+\-][0-9]{{2}}:[0-9]{{2}}$"), "stated"),
    _headers("accepts-z-on-a-binding", "Takes Z for an offset on a binding or unbinding.", "HDR-114",
             loosened("X-TIMESTAMP", *CARDS, pattern=rf"^{DAY}(Z|[+\-][0-9]{{2}}:[0-9]{{2}})$"), "stated"),
    _headers("accepts-minute-75", "Takes a minute beyond 59.", "HDR-116", _off(r".{14}75.*")),
    _headers("accepts-second-61", "Takes a second beyond 59.", "HDR-116", _off(r".{17}61.*")),
    _headers("accepts-february-30", "Takes 30 February.", "HDR-116", _off(r".{5}02-30.*")),
    _headers("accepts-36-hours", "Takes a request that is a day and a half away.", "HDR-118", _for_long),
    _success("refuses-utc-offset", "Refuses a payment whose X-TIMESTAMP has the offset +00:00.", "PAY-150 PAY-154",
             balking(lambda call: call.header("X-TIMESTAMP").endswith("+00:00"), "payment"), "stated"),
    # identifiers
    _success("refuses-long-external-id", "Refuses an X-EXTERNAL-ID of more than 19 digits.", "PAY-150 RFD-150 BND-150",
             balking(_long_id, *SYMMETRIC, case="01"), "stated"),
    _headers("accepts-signed-external-id", "Takes a sign before the digits of X-EXTERNAL-ID.", "HDR-132",
             loosened("X-EXTERNAL-ID", *CHARGES, pattern=r"^-?[0-9]+$"), "conflicted"),
    _headers("accepts-octet-281", "Takes an X-IP-ADDRESS with an octet beyond 255.", "HDR-174",
             lifting(_has_octet, "ip-address")),
    # signatures and cards
    _signature("digests-body-normalised", "Brings text into Unicode's composed form before the digest.", "SIG-170",
               _signing_over(lambda text: unicodedata.normalize("NFC", text))),
    _signature("digests-body-without-blanks", "Makes one blank of several before the digest.", "SIG-170",
               _signing_over(lambda text: re.sub(" +", " ", text))),
    _cards("accepts-card-data-under-client-secret", "Opens cardData that is sealed under the client secret.",
           "CRD-110", lifting(_opens_under_secret, "card-data"), "stated"),
    _cards("accepts-text-behind-card", "Reads the card and leaves what stands behind it.", "CRD-114",
           lifting(_card_and_text, "card-data"), "conflicted"),
)  # fmt: skip
