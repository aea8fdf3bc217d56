"""The symmetric signature X-SIGNATURE: every step kept, so that a mismatch can be named by the first that differs.

Base64(HMAC-SHA512(client secret, string to sign)): 64 octets, 88 characters. The page's own example has 64 hexadecimal
digits (contradiction 16); DOKU's signature page and all of its SDKs make Base64.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from kki.snap.canonical import Malformed, body_digest, minified, string_to_sign
from kki.snap.encoding import base64_octets, base64_text, utf8


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """One signature with all of its intermediate values. `string_to_sign` holds the token: `repr` leaves it out."""

    minified: bytes = field(repr=False)
    digest: str
    string_to_sign: str = field(repr=False)
    mac: bytes = field(repr=False)
    signature: str


def hmac_sha512(key: bytes, message: bytes) -> bytes:
    """HMAC with SHA-512 (RFC 2104, RFC 4231): 64 octets. Any key length, none included."""
    return hmac.digest(key, message, "sha512")


def mac(client_secret: str, text: str) -> bytes:
    """HMAC-SHA512 over the UTF-8 of the text. The secret's UTF-8 is the key; it is not decoded from anything."""
    return hmac_sha512(utf8(client_secret), utf8(text))


def encoded(mac: bytes) -> str:
    """X-SIGNATURE's text: standard Base64 with padding, 88 characters for 64 octets."""
    return base64_text(mac)


def sign(
    *, method: str, target: str, body: bytes, token: str, timestamp: str, client_secret: str
) -> Signing | Malformed:
    """The signature over the minified body; Malformed as `minified` says when the body is not JSON.

    Arguments as in `string_to_sign`. Source: DOKU, symmetric signature.
    """
    thin = minified(body)
    if isinstance(thin, Malformed):
        return thin
    return sign_raw(
        method=method, target=target, body=thin, token=token, timestamp=timestamp, client_secret=client_secret
    )


def sign_raw(*, method: str, target: str, body: bytes, token: str, timestamp: str, client_secret: str) -> Signing:
    """The signature over the body as it is, be it JSON or rubbish; never fails. `minified` then is that body."""
    digest = body_digest(body)
    text = string_to_sign(method, target, token, digest, timestamp)
    code = mac(client_secret, text)
    return Signing(minified=body, digest=digest, string_to_sign=text, mac=code, signature=encoded(code))


def same(a: str, b: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they part. Any text, case counts."""
    return hmac.compare_digest(utf8(a), utf8(b))


def first_difference(a: str, b: str) -> int | None:
    """Index in characters, from 0, of the first difference; the shorter length for a prefix; None for equal texts."""
    if a == b:
        return None
    pairs = zip(a, b, strict=False)
    return next((index for index, (left, right) in enumerate(pairs) if left != right), min(len(a), len(b)))


def explain(expected: Signing, signature: str) -> str:
    """One sentence on how this signature text departs from the expected one: in its form, or in its value.

    Says nothing about which construction error led to another MAC; that is a search of its own.
    """
    right = expected.signature
    if same(right, signature):
        return "The signature is the expected one."
    if not signature:
        return "The signature is empty."
    if same(right, signature.strip()):
        return "The signature is right but has white space around it."
    return _other_form(expected, signature) or _other_value(signature)


def _other_form(expected: Signing, signature: str) -> str | None:
    """The right MAC, written in another way."""
    right = expected.signature
    safe = right.replace("+", "-").replace("/", "_")
    unpadded = right.rstrip("=")
    # Where the MAC holds neither + nor / the two alphabets agree, and the later key wins: only the padding is missing.
    forms = {
        safe: "The MAC is right but in the URL-safe Base64 alphabet; the standard one was expected.",
        safe.rstrip("="): "The MAC is right but in URL-safe Base64 without padding; standard Base64 was expected.",
        unpadded: "The signature is right but for the missing padding '=='.",
    }
    if signature.lower() == expected.mac.hex():
        return "The MAC is right but stands in hexadecimal; Base64 was expected."
    if signature in forms:
        return forms[signature]
    if signature.lower() == right.lower():
        return "The signature differs in the case of letters only; Base64 tells upper from lower case."
    if right.startswith(signature):
        return f"The signature is only the first {len(signature)} of {len(right)} characters of the right one."
    return None


def _other_value(signature: str) -> str:
    if re.fullmatch(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128}", signature):
        bits = len(signature) * 4
        return f"The signature is {len(signature)} hexadecimal digits, {bits} bits, of another MAC."
    if len(signature) != 88:
        return f"The signature has the wrong length: 88 characters were expected, but got {len(signature)}."
    if isinstance(base64_octets(signature), Malformed):
        return "The signature has the right length but is not standard Base64."
    return "The signature is well formed but another MAC: the secret or a part of the string to sign differs."
