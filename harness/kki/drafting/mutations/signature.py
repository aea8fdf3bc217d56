"""X-SIGNATURE of an operation: made wrongly, or over something else than what is sent."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from kki.drafting.drafts import Draft
from kki.drafting.mutations.base import (
    Mutation,
    Stage,
    after,
    another,
    on_body,
    on_signature,
    other_middle,
    reordered,
    signing,
)
from kki.model.http import Request
from kki.snap import signature, timestamps
from kki.snap.canonical import Malformed


def _other_first(text: str) -> str:
    return another(text[:1]) + text[1:]


def _swap_case_once(text: str) -> str:
    at = next((i for i, c in enumerate(text) if c.isalpha()), 0)
    return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


def _later(request: Request) -> Request:
    seen = timestamps.parse(request.headers.get("X-TIMESTAMP") or "")
    if isinstance(seen, Malformed):
        return request
    return request.with_header("X-TIMESTAMP", timestamps.format_offset(seen.moment + timedelta(minutes=1)))


def _url_safe(text: str) -> str:
    """In the other alphabet of Base64; without padding where that alone changes nothing: chance has no say."""
    other = text.translate(str.maketrans("+/", "-_"))
    return other if other != text else text.rstrip("=")


def _added_member(body: bytes) -> bytes:
    return body[:-1] + b',"note":"added"}'


def _changed_value(body: bytes) -> bytes:
    """One character inside the last string of the body, so that only the signature can tell."""
    at = body.rfind(b'"')
    at = at - 1 if body[at - 1 : at] not in (b'"', b"\\") else at
    old = body[at : at + 1]
    new = b"7" if old != b"7" else b"8"
    return body[:at] + new + body[at + 1 :]


def _other_last(text: str) -> str:
    """The last character that counts, before the padding; of its six bits only the first two do."""
    at = len(text.rstrip("=")) - 1
    return text[:at] + ("Q" if text[at : at + 1] == "A" else "A") + text[at + 1 :] if at >= 0 else "A"


def _queried(request: Request) -> Request:
    return replace(request, target=request.target + "?source=kki")


def _large(draft: Draft) -> Draft:
    """More than fits a server's first read; what is changed is the last character of the last string."""
    return draft.having(note="a" * 70_000).then(on_body(_changed_value))


_SIG = "SIG-010"
_LENGTH = "SIG-010 SIG-020"  # not of 88 characters, so not the Base64 of 64 octets either
_R = "RSN-110"

_with_scheme = Mutation(
    name="signed with the scheme before the token", stage=Stage.AT_SIGNING, breaks=frozenset({"KKI-SIG-010"}),
    tries=frozenset({"KKI-SIG-110", "KKI-RSN-110"}), operations=("payment", "bind"),
    apply=lambda d: d.planned(token=d.request.headers.get("Authorization") or ""),
)  # fmt: skip
_with_customers_token = Mutation(
    name="signed with the customer token", stage=Stage.AT_SIGNING, breaks=frozenset({"KKI-SIG-010"}),
    tries=frozenset({"KKI-SIG-110", "KKI-RSN-110"}), operations=("payment", "refund"),
    apply=lambda d: d.planned(token=(d.request.headers.get("Authorization-customer") or "").removeprefix("Bearer ")),
)  # fmt: skip
_end_of_a_large_body = Mutation(
    name="end of a large body changed after signing", stage=Stage.AFTER_SIGNING, apply=_large,
    breaks=frozenset({"KKI-SIG-010"}), tries=frozenset({"KKI-SIG-110", "KKI-RSN-110"}), operations=("bind", "refund"),
)  # fmt: skip

SIGNATURE: tuple[Mutation, ...] = (
    signing("signed with another secret", _SIG, f"SIG-110 SEC-260 {_R}", secret="another-secret-than-the-partner's"),
    after("signature of rubbish", on_signature(lambda _: "AAAA"), _LENGTH, f"SIG-110 {_R}"),
    after("signature's first character changed", on_signature(_other_first), _SIG, f"SIG-110 {_R}"),
    after("signature's middle character changed", on_signature(other_middle), _SIG, f"SIG-110 {_R}"),
    after("signature's last character changed", on_signature(_other_last), _SIG, f"SIG-110 {_R}"),
    after("signature cut after 43 characters", on_signature(lambda s: s[:43]), _LENGTH, f"SIG-120 {_R}"),
    after("signature cut after 10 characters", on_signature(lambda s: s[:10]), _LENGTH, f"SIG-120 {_R}"),
    after("signature lengthened", on_signature(lambda s: s + "AAAA"), _LENGTH, f"SIG-120 {_R}"),
    after("signature in lower case", on_signature(str.lower), _SIG, f"SIG-130 {_R}"),
    after("one letter of the signature in other case", on_signature(_swap_case_once), _SIG, f"SIG-130 {_R}"),
    after("signature in URL-safe Base64", on_signature(_url_safe), "SIG-020", "SIG-140"),
    after("signature without its padding", on_signature(lambda s: s.rstrip("=")), "SIG-020", "SIG-140"),
    signing("signature in hexadecimal", "SIG-020", "SIG-140", encode=bytes.hex),
    signing("signature by SHA-256", _LENGTH, f"SIG-150 {_R}", hash_name="sha256"),
    signing("signature by SHA-384", _LENGTH, f"SIG-150 {_R}", hash_name="sha384"),
    signing(
        "plain SHA-512 of string and secret",
        _SIG,
        f"SIG-110 {_R}",
        encode=lambda mac: signature.encoded(hashlib.sha512(mac).digest()),
    ),
    after("body value changed after signing", on_body(_changed_value), _SIG, f"SIG-110 {_R}"),
    after("member added after signing", on_body(_added_member), _SIG, f"SIG-110 {_R}"),
    signing("signed for another method", _SIG, f"SIG-110 {_R}", method="GET"),
    signing("signed for another path", _SIG, f"SIG-110 {_R}", target="/direct-debit/core/v1/debit/status"),
    signing("signed without the token", _SIG, f"SIG-110 {_R}", token=""),
    after("X-TIMESTAMP a minute later than signed", _later, _SIG, f"SIG-110 {_R}"),
    signing("signed with the shared key", _SIG, f"SIG-110 {_R}", ("bind", "unbind"), key="shared_key"),
    signing("signed with the client id", _SIG, f"SIG-110 {_R}", ("payment", "refund"), key="client_id"),
    signing("signed with no secret", _SIG, f"SIG-110 {_R}", ("bind", "refund"), secret=""),
    signing("signed for the method in lower case", _SIG, f"SIG-110 {_R}", ("payment", "unbind"), method="post"),
    signing("signed over the digest in upper case", _SIG, f"SIG-110 {_R}", ("bind", "refund"), digest=str.upper),
    _with_scheme,
    _with_customers_token,
    after("query added after signing", _queried, _SIG, f"SIG-110 {_R}", ("payment", "unbind")),
    _end_of_a_large_body,
    signing("signed over an empty body", _SIG, f"SIG-110 {_R}", body=b""),
)
SIGNATURE_ORDER = after(
    "members reordered after signing", on_body(reordered), _SIG, f"SIG-110 {_R}", ("payment", "bind", "refund")
)
