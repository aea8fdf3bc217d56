"""Wrong about the symmetric signature.

A server that ignores an ingredient of the string to sign cannot be imitated in full: nobody can compute a MAC over a
value that was never sent. Such a persona accepts the right signature and those over the values that are at hand.
"""

from __future__ import annotations

import hmac
import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from kki.simulator.call import Call
from kki.simulator.checks import expected, is_signed, unauthorised
from kki.simulator.outcomes import Refusal
from kki.simulator.persona import (
    SYMMETRIC,
    Change,
    Persona,
    both,
    ids,
    lifting,
    loosened,
    without,
)
from kki.snap import timestamps
from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_octets, base64_text, utf8

_row = partial(Persona, area="signature")


def given(call: Call) -> str:
    return call.header("X-SIGNATURE")


def right(call: Call) -> str:
    return expected(call).signature


def _is_base64_of_64(call: Call) -> bool:
    octets = base64_octets(given(call))
    return not isinstance(octets, Malformed) and len(octets) == 64


def _under(hash_name: str, call: Call) -> bool:
    signing = expected(call)
    code = hmac.digest(utf8(call.partner.client_secret), utf8(signing.string_to_sign), hash_name)
    return given(call) == base64_text(code)


def _url_safe(call: Call) -> bool:
    text = right(call).replace("+", "-").replace("/", "_").rstrip("=")
    return given(call).rstrip("=") == text or given(call) == right(call).rstrip("=")


# --- an ingredient that does not count -----------------------------------------------------------------


def _any(call: Call, part: str, values: Iterable[Any]) -> bool:
    return any(is_signed(call, **{part: value}) for value in values)


def paths(call: Call) -> list[str]:
    own = [operation.path for operation in call.contract.operations.values()]
    served = ["/orders/v1.0/debit/status", "/direct-debit/core/v1/debit/status"]
    origin = call.request.origin + call.request.target
    return [*own, *served, origin, call.request.target.lstrip("/"), call.request.target + "/", ""]


def methods(_call: Call) -> list[str]:
    return ["GET", "PUT", "PATCH", "DELETE", "post", "Post", ""]


def b2b_tokens(call: Call) -> list[str]:
    recent = list(call.world.b2b_tokens)[-8:]
    return ["", *recent, *call.world.old_tokens, call.customer_token, call.header("Authorization")]


def times(call: Call) -> Iterator[str]:
    """The times around, each second of three minutes, and the page's own examples."""
    for operation in call.contract.operations.values():
        fact = operation.header("X-TIMESTAMP")
        if fact is not None and fact.example:
            yield from (str(fact.example), str(fact.example)[:19] + "+07:00")
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    if not isinstance(seen, Malformed):
        yield timestamps.format_zulu_ms(seen.moment)
        for second in itertools.chain(range(-90, 91), (-86400, -3600, 3600, 86400)):
            yield timestamps.format_offset(seen.moment + timedelta(seconds=second))


def known_members(call: Call) -> bytes:
    """The body without the members that the Contract does not name."""
    names = {fact.name for fact in call.variant.fields} if call.variant else set()
    return _compact({name: value for name, value in call.members.items() if name in names})


def orders(call: Call) -> Iterator[bytes]:
    pairs = list(call.members.items())
    ways: Iterable[Any] = itertools.permutations(pairs) if len(pairs) <= 5 else (reversed(pairs), sorted(pairs))
    return (_compact(dict(way)) for way in ways)


def _compact(value: object, *, ensure_ascii: bool = False, sort_keys: bool = False) -> bytes:
    return utf8(json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii, sort_keys=sort_keys))


# --- a digest over something else ------------------------------------------------------------------------


def _digesting(form: Any) -> Change:
    """Verifies over another form of the body than was sent."""

    def check(call: Call) -> Refusal | None:
        body = form(call)
        return None if is_signed(call, body=body) else unauthorised("signature", "Invalid signature")

    return lambda behaviour: behaviour.checking("signature", check, at=SYMMETRIC)


def _no_header(call: Call) -> bool:
    return "X-SIGNATURE" not in call.request.headers


def _empty_header(call: Call) -> bool:
    return "X-SIGNATURE" in call.request.headers and not given(call)


_not_required = loosened("X-SIGNATURE", *SYMMETRIC, required=False)

ALL: tuple[Persona, ...] = (
    _row(
        name="accepts-any-signature",
        says="Never looks at X-SIGNATURE but for its presence.",
        caught_by=ids("SIG-110 SIG-120 SIG-130 SIG-150"),
        standing="stated",
        change=without("signature", at=SYMMETRIC),
    ),
    _row(
        name="accepts-well-formed-signature",
        says="Takes any 64 octets in Base64 for the right signature.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(_is_base64_of_64, "signature"),
    ),
    _row(
        name="accepts-missing-signature",
        says="Verifies X-SIGNATURE only where it is sent.",
        caught_by=ids("HDR-120"),
        standing="stated",
        change=both(_not_required, lifting(_no_header, "signature")),
    ),
    _row(
        name="accepts-empty-signature",
        says="Verifies X-SIGNATURE only where it is not empty.",
        caught_by=ids("HDR-120"),
        standing="stated",
        change=both(_not_required, lifting(_empty_header, "signature")),
    ),
    _row(
        name="accepts-shortened-signature",
        says="Compares only as many characters of X-SIGNATURE as were sent.",
        caught_by=ids("SIG-120"),
        change=lifting(lambda call: bool(given(call)) and right(call).startswith(given(call)), "signature"),
    ),
    _row(
        name="accepts-lengthened-signature",
        says="Compares only the first 88 characters of X-SIGNATURE.",
        caught_by=ids("SIG-120"),
        change=lifting(lambda call: given(call).startswith(right(call)), "signature"),
    ),
    _row(
        name="compares-beginning-of-signature",
        says="Compares only the first 16 characters of X-SIGNATURE, and these without regard to case.",
        caught_by=ids("SIG-120 SIG-130"),
        change=lifting(lambda call: given(call)[:16].lower() == right(call)[:16].lower(), "signature"),
    ),
    _row(
        name="ignores-signature-case",
        says="Compares X-SIGNATURE without regard to case, as two official SDKs do.",
        caught_by=ids("SIG-130"),
        change=lifting(lambda call: given(call).lower() == right(call).lower(), "signature"),
    ),
    _row(
        name="accepts-hex-signature",
        says="Accepts the right MAC in hexadecimal too.",
        caught_by=ids("SIG-140"),
        standing="conflicted",
        change=lifting(lambda call: given(call).lower() == expected(call).mac.hex(), "signature"),
    ),
    _row(
        name="accepts-url-safe-signature",
        says="Accepts the right MAC in URL-safe or unpadded Base64 too.",
        caught_by=ids("SIG-140"),
        standing="conflicted",
        change=lifting(_url_safe, "signature"),
    ),
    _row(
        name="accepts-hmac-sha256",
        says="Accepts HMAC-SHA256 beside HMAC-SHA512.",
        caught_by=ids("SIG-150"),
        standing="stated",
        change=lifting(partial(_under, "sha256"), "signature"),
    ),
    _row(
        name="accepts-hmac-sha384",
        says="Accepts HMAC-SHA384 beside HMAC-SHA512.",
        caught_by=ids("SIG-150"),
        standing="stated",
        change=lifting(partial(_under, "sha384"), "signature"),
    ),
    _row(
        name="ignores-signed-body",
        says="Accepts a signature over an empty body for any body.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: is_signed(call, body=b""), "signature"),
    ),
    _row(
        name="ignores-added-members",
        says="Takes the body digest over the documented members alone, so that others may be added on the way.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: is_signed(call, body=known_members(call)), "signature"),
    ),
    _row(
        name="ignores-member-order",
        says="Takes the body digest over the members in any order.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: _any(call, "body", orders(call)), "signature"),
    ),
    _row(
        name="ignores-signed-path",
        says="Accepts a signature made for another path.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: _any(call, "target", paths(call)), "signature"),
    ),
    _row(
        name="ignores-signed-method",
        says="Accepts a signature made for another method.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: _any(call, "method", methods(call)), "signature"),
    ),
    _row(
        name="ignores-signed-token",
        says="Accepts a signature made without the B2B token, or with another.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: _any(call, "token", b2b_tokens(call)), "signature"),
    ),
    _row(
        name="ignores-signed-timestamp",
        says="Accepts a signature made for another time than X-TIMESTAMP.",
        caught_by=ids("SIG-110"),
        standing="stated",
        change=lifting(lambda call: _any(call, "timestamp", times(call)), "signature"),
    ),
    _row(
        name="digests-body-as-sent",
        says="Takes the body digest over the octets as sent and so refuses a spaced body that was signed minified.",
        caught_by=ids("SIG-160"),
        standing="conflicted",
        change=_digesting(lambda call: call.request.body),
    ),
    _row(
        name="digests-body-in-ascii",
        says="Writes the body again with \\u escapes before the digest, and so refuses characters beyond ASCII.",
        caught_by=ids("SIG-170"),
        change=_digesting(lambda call: _compact(call.body, ensure_ascii=True)),
    ),
    _row(
        name="digests-body-unescaped",
        says="Writes the body again without escapes before the digest, and so refuses a body that has some.",
        caught_by=ids("SIG-170"),
        change=_digesting(lambda call: _compact(call.body)),
    ),
    _row(
        name="digests-body-sorted",
        says="Sorts the members before the digest, and so refuses any other order.",
        caught_by=ids("SIG-170 PAY-150 BND-150 RFD-150"),
        standing="stated",
        change=_digesting(lambda call: _compact(call.body, sort_keys=True)),
    ),
)
