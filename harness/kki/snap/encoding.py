"""Text to octets and standard Base64 and back, total for every input."""

from __future__ import annotations

import base64
import json
from typing import cast

from kki.snap.canonical import Malformed, minified


def utf8(text: str) -> bytes:
    """The UTF-8 octets of any text.

    A lone surrogate, which UTF-8 cannot carry, becomes its three-octet form: a harness has to be able to sign
    rubbish, and no header text may stop it.
    """
    return text.encode("utf-8", "surrogatepass")


def base64_text(octets: bytes) -> str:
    """Standard Base64 with padding and without line breaks (RFC 4648 section 4)."""
    return base64.b64encode(octets).decode("ascii")


def base64_octets(text: str) -> bytes | Malformed:
    """The octets of strict standard Base64, or Malformed("base64").

    Strict: the one text that `base64_text` would have made. So no blanks, no line breaks, no URL-safe letters,
    full padding, and zero in the unused bits (RFC 4648 section 3.5 allows us to insist).
    """
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return Malformed("base64", "Expected standard Base64 with padding, but got other characters or a wrong length.")
    if base64_text(octets) != text:
        return Malformed("base64", "Expected canonical Base64, but the padding or the unused bits are not as encoded.")
    return octets


def json_object(octets: bytes, step: str = "json") -> dict[str, object] | Malformed:
    """The members of a JSON object in UTF-8; Malformed(step) for anything else, and for what Python cannot hold.

    Of members that bear the same name the last one stays, as in most parsers.
    """
    checked = minified(octets)
    if isinstance(checked, Malformed):
        return Malformed(step, checked.why, checked.offset)
    if not checked.startswith(b"{"):
        return Malformed(step, "Expected a JSON object, but got nothing or another kind of value.")
    try:
        # Well-formed text can still be too deep (RecursionError) or hold an integer too long (ValueError).
        return cast("dict[str, object]", json.loads(checked))
    except (RecursionError, ValueError):
        return Malformed(step, "Expected a JSON object of ordinary size, but its depth or a number in it is too large.")
