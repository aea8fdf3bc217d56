"""The wrong ways to write the body before it is hashed, and to write its digest.

The same JSON value has many serialisations, each with a digest of its own (fact sheet: five of one refund body).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from kki.diagnosis.choices import Choice, distinct, wrong
from kki.snap.canonical import Malformed, body_digest, minified
from kki.snap.encoding import utf8

DigestForm = Callable[[bytes], str]
_TOO_LARGE = 1 << 16  # octets: above this the wrong forms are few, or the search would take seconds
_GSON = "<>&='"


def right_body(body: bytes, reading: str) -> bytes:
    """What is to be hashed under the reading body-canonical-form; a body that is not JSON is taken as it is."""
    thin = minified(body)
    if isinstance(thin, Malformed) or reading == "as-sent":
        return body
    value = _parsed(thin) if reading == "reserialised" else None
    return thin if value is None else _compact(value)


def bodies(body: bytes, reading: str) -> tuple[Choice[bytes], ...]:
    right = right_body(body, reading)
    others = [*_as_sent(body, right), *_in_place_of_it(right)]
    value = _parsed(right) if len(right) <= _TOO_LARGE else None
    if value is not None:
        others += [*_spaced(value), *_escaped(value), *_sorted(value), *_lacking(value), *_printed(value, right)]
    return distinct(Choice(right), others)


def _parsed(text: bytes) -> Any:
    """The JSON value, or None where there is none to be had."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _dumped(value: Any, **how: Any) -> bytes:
    return utf8(json.dumps(value, **how))


def _compact(value: Any) -> bytes:
    return _dumped(value, ensure_ascii=False, separators=(",", ":"))


def _as_sent(body: bytes, right: bytes) -> Iterator[Choice[bytes]]:
    thin = minified(body)
    yield wrong("body-not-minified", body)
    if isinstance(thin, bytes):
        yield wrong("reserialised", thin)  # where another form than the minified one is in force
    yield wrong("body-trimmed-only", body.strip())
    yield wrong("line-ends-removed-only", re.sub(rb"[\r\n]+", b"", body))
    yield wrong("line-ends-removed-only", re.sub(rb"[\r\n\t]+", b"", body))
    yield wrong("all-blanks-removed", re.sub(rb"\s+", b"", right))
    yield wrong("all-blanks-removed", right.replace(b" ", b""))
    yield wrong("body-lower-case", right.lower())
    for text in (right, body):
        for end in (b"\n", b"\r\n"):
            yield wrong("trailing-newline", text + end)


def _in_place_of_it(right: bytes) -> Iterator[Choice[bytes]]:
    yield wrong("body-empty", b"")
    for text in ("{}", "null", "[]", '""'):
        yield wrong("body-empty-object", utf8(text), text)
    for text in ("[object Object]", "undefined", "Array"):
        yield wrong("body-printed", utf8(text), text, paired=False)
    yield wrong("body-other-charset", b"\xef\xbb\xbf" + right, "UTF-8 with a byte order mark")
    text = right.decode("utf-8", "replace")
    yield wrong("body-other-charset", text.encode("utf-16-le", "replace"), "UTF-16")
    yield wrong("body-other-charset", text.encode("latin-1", "replace"), "Latin-1")
    yield wrong("body-json-twice", _dumped(text))
    yield wrong("body-json-twice", _dumped(text, ensure_ascii=False))
    yield wrong("body-json-twice", _dumped(text).replace(b"/", rb"\/"))


def _spaced(value: Any) -> Iterator[Choice[bytes]]:
    for ascii_only in (True, False):
        text = _dumped(value, ensure_ascii=ascii_only)
        yield wrong("body-spaced", text)
        yield wrong("body-spaced", _dumped(value, ensure_ascii=ascii_only, separators=(",", ": ")))
        yield wrong("trailing-newline", text + b"\n", paired=False)
        for indent, name in ((2, "2"), (4, "4"), ("\t", "a tab")):
            pretty = _dumped(value, ensure_ascii=ascii_only, indent=indent)
            yield wrong("body-indented", pretty, name)
            yield wrong("body-indented", pretty + b"\n", name, paired=False)
            yield wrong("body-indented", pretty.replace(b"\n", b"\r\n"), name, paired=False)
            yield wrong("body-indented", pretty.replace(b"/", rb"\/"), name, paired=False)


def _escaped(value: Any) -> Iterator[Choice[bytes]]:
    plain = _compact(value)
    escaped = _dumped(value, separators=(",", ":"))
    yield wrong("reserialised", plain)
    yield wrong("reserialised", _compact(_as_javascript(value)))
    for text in (escaped, _capital_escapes(escaped)):
        yield wrong("non-ascii-escaped", text)
        yield wrong("slash-and-non-ascii-escaped", text.replace(b"/", rb"\/"))
    yield wrong("slash-escaped", plain.replace(b"/", rb"\/"))
    for text in (plain, escaped):
        yield wrong("html-escaped", _html_safe(text, "<>&"), "<, > and &")
        yield wrong("html-escaped", _html_safe(text, _GSON), "<, >, &, = and '")
        yield wrong("html-escaped", _html_safe(text, "<>&'+"), "<, >, &, ' and +")  # System.Text.Json


def _html_safe(text: bytes, characters: str) -> bytes:
    for character in characters:
        text = text.replace(utf8(character), b"\\u%04x" % ord(character))
    return text.replace("\u2028".encode(), rb"\u2028").replace("\u2029".encode(), rb"\u2029")


def _capital_escapes(text: bytes) -> bytes:
    return re.sub(rb"\\u[0-9a-f]{4}", lambda found: b"\\u" + found[0][2:].upper(), text)


def _as_javascript(value: Any) -> Any:
    """The numbers as JavaScript writes them: 10000.0 becomes 10000."""
    if isinstance(value, dict):
        return {name: _as_javascript(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_javascript(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sorted(value: Any) -> Iterator[Choice[bytes]]:
    for ascii_only in (False, True):
        yield wrong("keys-sorted", _dumped(value, sort_keys=True, ensure_ascii=ascii_only, separators=(",", ":")))
        yield wrong("keys-sorted", _dumped(value, sort_keys=True, ensure_ascii=ascii_only))
    if isinstance(value, dict):
        yield wrong("keys-sorted", _compact(dict(sorted(value.items()))))
        folded = sorted(value.items(), key=lambda member: member[0].lower())
        yield wrong("keys-sorted", _compact(dict(folded)))


def _lacking(value: Any) -> Iterator[Choice[bytes]]:
    """Signed before a change: only what was added later can be found, by taking each member away in turn."""
    if not isinstance(value, dict):
        return
    for name, item in list(value.items())[:64]:
        yield wrong("member-left-out", _compact(_without(value, name)), name, paired=name == "additionalInfo")
        for inner in list(item)[:16] if isinstance(item, dict) else ():
            less = {**value, name: _without(item, inner)}
            yield wrong("member-left-out", _compact(less), f"{name}.{inner}", paired=inner == "origin")
    yield wrong("nulls-left-out", _compact(_thinned(value, (None,))))
    yield wrong("empty-left-out", _compact(_thinned(value, (None, "", [], {}))))


def _without(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in members.items() if key != name}


def _thinned(value: Any, unwanted: tuple[Any, ...]) -> Any:
    if isinstance(value, dict):
        inner = {name: _thinned(item, unwanted) for name, item in value.items()}
        return {name: item for name, item in inner.items() if item not in unwanted or item is False}
    return [_thinned(item, unwanted) for item in value] if isinstance(value, list) else value


def _printed(value: Any, right: bytes) -> Iterator[Choice[bytes]]:
    yield wrong("body-printed", utf8(str(value)), "Python's str() of it", paired=False)
    if isinstance(value, dict):
        java = "{" + ", ".join(f"{name}={item}" for name, item in value.items()) + "}"
        yield wrong("body-printed", utf8(java), "Java's toString() of it", paired=False)
        plain = {name: item if isinstance(item, str) else json.dumps(item) for name, item in value.items()}
        yield wrong("body-form-encoded", utf8(urlencode(plain, errors="replace")), paired=False)
    yield wrong("body-form-encoded", utf8(quote_plus(right)), paired=False)


def digests(right: bytes, client_secret: str) -> tuple[Choice[DigestForm], ...]:
    """How the digest is written. Forms that agree on this body are one."""
    others = [*_other_texts(), *_other_hashes(), *_keyed(utf8(client_secret)), *_prefixed()]
    return distinct(Choice(body_digest), others, lambda form: form(right))


def _other_texts() -> Iterator[Choice[DigestForm]]:
    def sha256(body: bytes) -> bytes:
        return hashlib.sha256(body).digest()

    yield wrong("digest-upper-case", lambda body: sha256(body).hex().upper())
    yield wrong("digest-base64", lambda body: _base64(sha256(body)))
    yield wrong("digest-base64", lambda body: _base64(sha256(body)).rstrip("="))
    yield wrong("digest-base64", lambda body: base64.urlsafe_b64encode(sha256(body)).decode())
    yield wrong("digest-base64", lambda body: _base64(sha256(body)).lower())
    yield wrong("digest-base64", lambda body: _base64(utf8(sha256(body).hex())))
    yield wrong("digest-of-digest", lambda body: sha256(utf8(sha256(body).hex())).hex())
    yield wrong("digest-of-digest", lambda body: sha256(sha256(body)).hex())
    yield wrong("digest-empty", lambda _: "")
    yield wrong("body-for-digest", lambda body: body.decode("utf-8", "replace"), shown="‹the body›")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _other_hashes() -> Iterator[Choice[DigestForm]]:
    for name, title in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha512", "SHA-512"), ("sha384", "SHA-384")):
        paired = name != "sha384"
        yield wrong("digest-other-hash", _hex_of(name), title, paired=paired)
        yield wrong("digest-other-hash", _upper_hex_of(name), f"{title}, in upper case,", paired=False)
        yield wrong("digest-other-hash", _base64_of(name), f"{title}, in Base64,", paired=False)


def _hex_of(name: str) -> DigestForm:
    return lambda body: hashlib.new(name, body, usedforsecurity=False).hexdigest()


def _upper_hex_of(name: str) -> DigestForm:
    return lambda body: hashlib.new(name, body, usedforsecurity=False).hexdigest().upper()


def _base64_of(name: str) -> DigestForm:
    return lambda body: _base64(hashlib.new(name, body, usedforsecurity=False).digest())


def _keyed(secret: bytes) -> Iterator[Choice[DigestForm]]:
    yield wrong("digest-keyed", lambda body: hmac.digest(secret, body, "sha256").hex(), "SHA-256")
    yield wrong("digest-keyed", lambda body: hmac.digest(secret, body, "sha512").hex(), "SHA-512")
    yield wrong("digest-keyed", lambda body: _base64(hmac.digest(secret, body, "sha256")), "SHA-256", paired=False)
    yield wrong("digest-keyed", lambda body: _base64(hmac.digest(secret, body, "sha512")), "SHA-512", paired=False)


def _prefixed() -> Iterator[Choice[DigestForm]]:
    for prefix in ("sha256=", "SHA-256=", "SHA256=", "sha256:", "0x"):
        yield wrong("digest-prefixed", _after(prefix, _hex_of("sha256")), prefix, paired=False)
        yield wrong("digest-prefixed", _after(prefix, _base64_of("sha256")), prefix, paired=False)


def _after(prefix: str, form: DigestForm) -> DigestForm:
    return lambda body: prefix + form(body)
