"""Clients that sign wrongly, each in one way or two, written as such code is written: with hmac, hashlib, base64, json
and cryptography, and with nothing of ours but the Request that carries the result.

`accepted`: the constructions that a diagnosis may put first. More than one where two mistakes cannot be told apart from
outside on this very request.
"""

# ruff: noqa: E501 — one client a line

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kki.model.http import Headers, Request

SECRET = "SK-Zx81kQmR40vTnWb7"
SHARED = "shared-Key-0123456789"
CLIENT = "BRN-0211-Harness01"
TOKEN = "eyJhbGciOiJSUzI1NiJ9." + "eyJleHAiOjE3Nzk3NjUzMDAsImlzcyI6IkRPS1UifQ" * 8 + ".c2lnbmF0dXJlLW9mLXRva2Vu"
EARLIER = TOKEN.replace("c2lnb", "ZWFyb")
CUSTOMER = "cust-4f2e9b1c7d8a-token"
STAMP = "2026-05-26T10:00:00+07:00"
EXTERNAL = "418075533589"
REFUND = "/direct-debit/core/v1/debit/refund"
PAYMENT = "/direct-debit/core/v1/debit/payment-host-to-host"
B2B = "/authorization/v1/access-token/b2b"
HOST = "merchant-test.example:8443"
DATA: dict[str, Any] = {
    "originalPartnerReferenceNo": "Ra7o1bLJAh2oV9eb33129stQc5xFm5s7",
    "reason": "Pengembalian <dana> & café/50%",
    "partnerRefundNo": "INV-REF-0001",
    "additionalInfo": {"channel": "KKI", "origin": {"product": "SDK", "apiFormat": "SNAP"}},
}
TOKEN_BODY = b'{"grantType":"client_credentials"}'


def rsa_key(which: int = 0) -> rsa.RSAPrivateKey:
    """Throw-away keys, other ones in each run."""
    return _made(which)


@cache
def _made(_which: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(which: int = 0) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return rsa_key(which).private_bytes(serialization.Encoding.PEM, form, none).decode()


def public_pem(which: int = 0) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return rsa_key(which).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


# --- the signing code that each client bends ------------------------------------------------------------------------


def compact(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hmac_512(text: str, key: str = SECRET) -> bytes:
    return hmac.new(key.encode(), text.encode(), hashlib.sha512).digest()


@dataclass
class Client:
    """A client that is right until a field is changed. Fields hold what goes into the string to sign."""

    path: str = REFUND
    sent: str = field(default_factory=lambda: compact(DATA))
    stamp: str = STAMP  # what X-TIMESTAMP carries
    method: str = "POST"
    signed_path: str | None = None
    token: str = TOKEN
    body: str | None = None  # what is hashed, where that is not what was sent
    digest: str | None = None
    signed_stamp: str | None = None
    text: Callable[[Client], str] | None = None
    mac: Callable[[str], bytes] = hmac_512
    written: Callable[[bytes], str] = b64
    secret: str = SECRET

    def parts(self) -> tuple[str, str, str, str, str]:
        hashed = self.body if self.body is not None else self.sent
        digest = self.digest if self.digest is not None else sha256_hex(hashed)
        path = self.signed_path if self.signed_path is not None else self.path
        stamp = self.signed_stamp if self.signed_stamp is not None else self.stamp
        return self.method, path, self.token, digest, stamp

    def request(self) -> Request:
        text = self.text(self) if self.text else ":".join(self.parts())
        headers = [
            ("Host", HOST), ("Content-Type", "application/json"), ("Authorization", f"Bearer {TOKEN}"),
            ("Authorization-customer", f"Bearer {CUSTOMER}"), ("X-PARTNER-ID", CLIENT), ("X-EXTERNAL-ID", EXTERNAL),
            ("X-TIMESTAMP", self.stamp), ("X-SIGNATURE", self.written(self.mac(text))),
        ]  # fmt: skip
        return Request(
            method="POST", target=self.path, origin=f"https://{HOST}", headers=Headers.of(headers),
            body=self.sent.encode(),
        )  # fmt: skip


@dataclass(frozen=True)
class Wrong:
    name: str
    request: Callable[[], Request]
    accepted: tuple[tuple[str, ...], ...]
    secret: str = SECRET
    token_request: bool = False


def _wrong(name: str, client: Client, *accepted: str | tuple[str, ...]) -> Wrong:
    rows = tuple((row,) if isinstance(row, str) else row for row in accepted)
    return Wrong(name, client.request, rows, client.secret)


def _keyed(key: str | bytes, secret: str = SECRET) -> Client:
    octets = key.encode() if isinstance(key, str) else key
    return Client(secret=secret, mac=lambda text: hmac.new(octets, text.encode(), hashlib.sha512).digest())


def _of(name: str) -> Callable[[str], bytes]:
    return lambda text: hmac.new(SECRET.encode(), text.encode(), name).digest()


PRETTY = json.dumps(DATA, indent=2, ensure_ascii=False)
PHP = json.dumps(DATA, separators=(",", ":")).replace("/", "\\/")
GSON = compact(DATA)
for _char in "<>&='":
    GSON = GSON.replace(_char, f"\\u{ord(_char):04x}")
GO = compact(DATA).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
WITHOUT_ORIGIN = compact({**DATA, "additionalInfo": {"channel": "KKI"}})
WITHOUT_INFO = compact({name: item for name, item in DATA.items() if name != "additionalInfo"})
BASE64_SECRET = "c2VjcmV0LWtleS1mb3Ita2tpLXRlc3Rz"
HEX_SECRET = "00112233445566778899aabbccddeeff"
QUERY = REFUND + "?channel=KKI&page=1"
# What .NET escapes: quotation marks of both kinds, +, ` and all beyond ASCII, some of it in two halves.
QUOTED = {**DATA, "reason": 'it\'s +5 "кафе" <b> & `x` \x7f 😀 \\"', "note": "a\tb"}
COUNTED = {**DATA, "qty": 2, "total": 12500000, "rate": 0.5, "none": 0, "text": "2 of 3"}
MARK = "\ufeff"  # the byte order mark
UPPER_PATH = REFUND.replace("debit", "Debit")


def _bodies() -> list[Wrong]:
    spaced = json.dumps(DATA)
    return [
        _wrong("signs the pretty body that it sends", Client(sent=PRETTY), "body-not-minified", "body-indented"),
        _wrong("requests: json= sends compactly what json.dumps spaced", Client(body=json.dumps(DATA, ensure_ascii=False)), "body-spaced"),
        _wrong("hashes Python's default form", Client(body=spaced), "body-spaced"),
        _wrong("sends Python's default form and hashes it", Client(sent=spaced), "body-not-minified", "body-spaced"),
        _wrong("hashes an indent of four", Client(body=json.dumps(DATA, indent=4, ensure_ascii=False)), "body-indented"),
        _wrong("sorts the keys for hashing", Client(body=json.dumps(DATA, sort_keys=True, separators=(",", ":"), ensure_ascii=False)), "keys-sorted"),
        _wrong("escapes what is not ASCII", Client(body=json.dumps(DATA, separators=(",", ":"))), "non-ascii-escaped"),
        _wrong("sends escapes and hashes UTF-8", Client(sent=json.dumps(DATA, separators=(",", ":")), body=compact(DATA)), "reserialised"),
        _wrong("PHP: json_encode as it comes", Client(body=PHP), "slash-and-non-ascii-escaped"),
        _wrong("escapes slashes alone", Client(body=compact(DATA).replace("/", "\\/")), "slash-escaped"),
        _wrong("Go: json.Marshal", Client(body=GO), "html-escaped"),
        _wrong("Gson: toJson", Client(sent=compact({**DATA, "reason": "it's <b> = &"}), body=_gson({**DATA, "reason": "it's <b> = &"})), "html-escaped"),
        _wrong("signs before the SDK adds its origin", Client(body=WITHOUT_ORIGIN), "member-left-out"),
        _wrong("signs before additionalInfo is added", Client(body=WITHOUT_INFO), "member-left-out"),
        _wrong("hashes no body", Client(body=""), "body-empty"),
        _wrong("hashes {}", Client(body="{}"), "body-empty-object"),
        _wrong("hashes a JSON string of JSON", Client(body=json.dumps(compact(DATA))), "body-json-twice"),
        _wrong("lower-cases the body, not the digest", Client(body=compact(DATA).lower()), "body-lower-case"),
        _wrong("removes every blank", Client(body=compact(DATA).replace(" ", "")), "all-blanks-removed"),
        _wrong("echo adds a line end", Client(body=compact(DATA) + "\n"), "trailing-newline"),
        _wrong("hashes str(dict)", Client(body=str(DATA)), "body-printed"),
        _wrong("hashes the form encoding", Client(sent=compact({"a": "1", "b": "x y"}), body=urlencode({"a": "1", "b": "x y"})), "body-form-encoded"),
        _wrong("drops nulls for hashing", Client(sent=compact({**DATA, "note": None}), body=compact(DATA)), "nulls-left-out", "member-left-out"),
        _wrong("digest in capitals", Client(digest=sha256_hex(compact(DATA)).upper()), "digest-upper-case"),
        _wrong("digest in Base64", Client(digest=b64(hashlib.sha256(compact(DATA).encode()).digest())), "digest-base64"),
        _wrong("digest of the digest", Client(digest=sha256_hex(sha256_hex(compact(DATA)))), "digest-of-digest"),
        _wrong("digest by SHA-512", Client(digest=hashlib.sha512(compact(DATA).encode()).hexdigest()), "digest-other-hash"),
        _wrong("digest by MD5", Client(digest=hashlib.md5(compact(DATA).encode()).hexdigest()), "digest-other-hash"),
        _wrong("body in its digest's place", Client(digest=compact(DATA)), "body-for-digest"),
        _wrong("digest left out but not its colon", Client(digest=""), "digest-empty"),
        _wrong("digest keyed with the secret", Client(digest=hmac.new(SECRET.encode(), compact(DATA).encode(), "sha256").hexdigest()), "digest-keyed"),
    ]  # fmt: skip


def _gson(data: Any) -> str:
    text = compact(data)
    for char in "<>&='":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _dotnet(data: Any) -> str:
    """System.Text.Json's default encoder, character by character: only ASCII passes, and not all of that."""
    named = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\"}

    def string(text: str) -> str:
        units = text.encode("utf-16-be")
        out = ""
        for unit in (units[place] << 8 | units[place + 1] for place in range(0, len(units), 2)):
            char = chr(unit)
            plain = 0x20 <= unit < 0x7F and char not in "\"&'+<>`\\"
            out += char if plain else named.get(char, f"\\u{unit:04X}")
        return f'"{out}"'

    if isinstance(data, dict):
        return "{" + ",".join(f"{string(name)}:{_dotnet(item)}" for name, item in data.items()) + "}"
    return string(data) if isinstance(data, str) else json.dumps(data)


def _go(data: Any) -> str:
    return "".join(f"\\u{ord(char):04x}" if char in "<>&" else char for char in compact(data))


def _hashed(octets: bytes) -> Client:
    """A client that hashes other octets than those of a text in UTF-8."""
    return Client(digest=hashlib.sha256(octets).hexdigest())


def _more_bodies() -> list[Wrong]:
    spaced = '  {"a" : 1}\r\n'
    gson_pretty = json.dumps(DATA, indent=2, ensure_ascii=False)
    for char in "<>&='":
        gson_pretty = gson_pretty.replace(char, f"\\u{ord(char):04x}")
    doubles = compact(COUNTED).replace('"qty":2', '"qty":2.0').replace("12500000", "1.25E7").replace('"none":0', '"none":0.0')
    return [
        _wrong("System.Text.Json, Latin letters", Client(body=_dotnet(DATA)), "html-escaped"),
        _wrong("System.Text.Json, all that it escapes", Client(sent=compact(QUOTED), body=_dotnet(QUOTED)), "html-escaped"),
        _wrong("System.Text.Json hashed, its relaxed encoder sent", Client(sent=compact({"a": "к+"}), body='{"a":"\\u043A\\u002B"}'), "html-escaped"),
        _wrong("Go: json.Encoder, which ends the line", Client(body=_go(DATA) + "\n"), ("html-escaped", "trailing-newline")),
        _wrong("Gson, pretty", Client(body=gson_pretty), ("body-indented", "html-escaped")),
        _wrong("Gson: whole numbers through a Map", Client(sent=compact(COUNTED), body=doubles), "numbers-as-decimals"),
        _wrong("Gson: the same, escaped", Client(sent=compact(COUNTED), body="".join(f"\\u{ord(char):04x}" if char in "<>&='" else char for char in doubles)), "numbers-as-decimals"),
        _wrong("JavaScript: 10000.0 read and written", Client(sent='{"a":10000.0,"b":1e3,"c":"1.0"}', body='{"a":10000,"b":1000,"c":"1.0"}'), "reserialised"),
        _wrong("hashes str(bytes)", Client(body=str(compact(DATA).encode())), "body-printed"),
        _wrong("sends a byte order mark, hashes none", Client(sent=MARK + compact(DATA), body=compact(DATA)), "body-bom-sent"),
        _wrong("sends a byte order mark and blanks, hashes neither", Client(sent=MARK + PRETTY, body=compact(DATA)), "body-bom-sent"),
        _wrong("sends a byte order mark, hashes the pretty text", Client(sent=MARK + PRETTY, body=PRETTY), "body-bom-sent", "body-indented"),
        _wrong("hashes a byte order mark", Client(body=MARK + compact(DATA)), "body-other-charset"),
        _wrong("hashes UTF-16 with its mark", _hashed(compact(DATA).encode("utf-16")), "body-other-charset"),
        _wrong("hashes UTF-16, as .NET's Unicode", _hashed(compact(DATA).encode("utf-16-le")), "body-other-charset"),
        _wrong("hashes UTF-16, as Java's", _hashed(b"\xfe\xff" + compact(DATA).encode("utf-16-be")), "body-other-charset"),
        _wrong("hashes Latin-1", _hashed(compact(DATA).encode("latin-1")), "body-other-charset"),
        _wrong("trims the body and no more", Client(sent=spaced, body=spaced.strip()), "body-trimmed-only"),
        _wrong("takes line ends away and no more", Client(sent=PRETTY, body=PRETTY.replace("\n", "")), "line-ends-removed-only"),
        _wrong("leaves empty members out", Client(sent=compact({**DATA, "note": "", "tags": []}), body=compact(DATA)), "empty-left-out"),
        _wrong("leaves two nulls out", Client(sent=compact({"x": None, **DATA, "additionalInfo": {**DATA["additionalInfo"], "y": None}}), body=compact(DATA)), "nulls-left-out"),
        _wrong("leaves an inner null out", Client(sent=compact({**DATA, "additionalInfo": {**DATA["additionalInfo"], "y": None}}), body=compact(DATA)), "nulls-left-out"),
        _wrong("leaves a member out", Client(body=compact({name: item for name, item in DATA.items() if name != "reason"})), "member-left-out"),
        _wrong("sha256= before the digest", Client(digest="sha256=" + sha256_hex(compact(DATA))), "digest-prefixed"),
    ]  # fmt: skip


def _with_a_digest(beginning: str) -> str:
    """A body whose digest begins so."""
    bodies = (compact({**DATA, "reason": f"number {count}"}) for count in range(1 << 16))
    return next(body for body in bodies if sha256_hex(body).startswith(beginning))


def _digests() -> list[Wrong]:
    first, second = _with_a_digest("00"), _with_a_digest("a0")
    octets = hashlib.sha256(compact(DATA).encode()).digest()
    return [
        _wrong("Java's BigInteger", Client(sent=first, digest=sha256_hex(first).lstrip("0")), "digest-zeros-lost"),
        _wrong("Java's toHexString", Client(sent=second, digest="".join(f"{octet:x}" for octet in bytes.fromhex(sha256_hex(second)))), "digest-zeros-lost"),
        _wrong(".NET's BitConverter for the digest", Client(digest=octets.hex("-").upper()), "digest-hyphenated"),
        _wrong(".NET's BitConverter for the digest, lower case", Client(digest=octets.hex("-")), "digest-hyphenated"),
        _wrong("body in ASCII", Client(body=compact(DATA).encode("ascii", "replace").decode()), "body-other-charset"),
        _wrong("body encoded twice", Client(body=compact(DATA).encode().decode("latin-1")), "body-other-charset"),
    ]


def _more_lines() -> list[Wrong]:
    return [
        _wrong("method with one capital", Client(method="Post"), "method-capitalised"),
        _wrong("method empty", Client(method=""), "method-empty"),
        _wrong("URL of a base that ends in a slash", Client(signed_path=f"https://{HOST}/{REFUND}"), "full-url"),
        _wrong("two slashes in front", Client(signed_path="/" + REFUND), "double-slash"),
        _wrong("slash at the end taken away", Client(path=REFUND + "/", signed_path=REFUND), "no-trailing-slash"),
        _wrong("no path", Client(signed_path=""), "path-empty"),
        _wrong("path in lower case", Client(path=UPPER_PATH, signed_path=REFUND), "path-lower-case"),
        _wrong("query decoded", Client(path=REFUND + "?a=x%20y", signed_path=REFUND + "?a=x y"), "path-percent-decoded"),
        _wrong("path of a gateway", Client(signed_path="/api" + REFUND), "path-with-prefix"),
        _wrong("token in lower case", Client(token=TOKEN.lower()), "token-lower-case"),
        _wrong("token in upper case", Client(token=TOKEN.upper()), "token-upper-case"),
        _wrong("token with its line end", Client(token=TOKEN + "\n"), "token-with-line-end"),
        _wrong("token in quotation marks", Client(token=f'"{TOKEN}"'), "token-quoted"),
        _wrong("secret for token", Client(token=SECRET), "secret-for-token"),
    ]


def _lines() -> list[Wrong]:
    """Method, path, token."""
    return [
        _wrong("method in lower case", Client(method="post"), "method-lower-case"),
        _wrong("method left out", Client(text=lambda me: ":".join(me.parts()[1:])), "part-missing"),
        _wrong("signs GET", Client(method="GET"), "method-other"),
        _wrong("whole URL", Client(signed_path=f"https://{HOST}{REFUND}"), "full-url"),
        _wrong("sandbox URL behind a proxy", Client(signed_path=f"https://api-sandbox.doku.com{REFUND}"), "full-url"),
        _wrong("host and path", Client(signed_path=HOST + REFUND), "host-and-path"),
        _wrong("no slash in front", Client(signed_path=REFUND[1:]), "no-leading-slash"),
        _wrong("slash at the end", Client(signed_path=REFUND + "/"), "trailing-slash"),
        _wrong("query left out", Client(path=QUERY, signed_path=REFUND), "query-left-out"),
        _wrong("national path", Client(signed_path="/v1.0/debit/refund"), "path-without-prefix"),
        _wrong("v1.0 for v1", Client(signed_path=REFUND.replace("/v1/", "/v1.0/")), "other-version-path"),
        _wrong("v2 for v1", Client(signed_path=REFUND.replace("/v1/", "/v2/")), "other-version-path"),
        _wrong("payment's path on a refund", Client(signed_path=PAYMENT), "other-operation-path"),
        _wrong("path percent-encoded", Client(signed_path=quote(REFUND, safe="")), "path-percent-encoded"),
        _wrong("Bearer kept", Client(token=f"Bearer {TOKEN}"), "bearer-kept"),
        _wrong("customer token", Client(token=CUSTOMER), "customer-token"),
        _wrong("no token", Client(token=""), "no-token"),
        _wrong("earlier token", Client(token=EARLIER), "earlier-token"),
        _wrong("JavaScript's undefined", Client(token="undefined"), "token-placeholder"),
        _wrong("token cut by a VARCHAR(255)", Client(token=TOKEN[:255]), "token-cut-short"),
        _wrong("client id for token", Client(token=CLIENT), "client-id-for-token"),
        _wrong("token cut off right behind Bearer", Client(token=f" {TOKEN}"), "token-with-blank"),
    ]


def _times() -> list[Wrong]:
    milli = "2026-05-26T10:00:00.123+07:00"
    return [
        _wrong("signs UTC, sends Jakarta", Client(signed_stamp="2026-05-26T03:00:00Z"), "timestamp-z-form"),
        _wrong("signs Jakarta, sends UTC", Client(stamp="2026-05-26T03:00:00Z", signed_stamp=STAMP), "timestamp-other-zone"),
        _wrong("signs Tokyo's clock", Client(signed_stamp="2026-05-26T12:00:00+09:00"), "timestamp-other-zone"),
        _wrong("calls local time Z", Client(signed_stamp="2026-05-26T10:00:00Z"), "timestamp-other-label"),
        _wrong("signs without zone", Client(signed_stamp=STAMP[:-6]), "timestamp-without-zone"),
        _wrong("reads the clock twice, a second apart", Client(signed_stamp="2026-05-26T09:59:59+07:00"), "timestamp-shifted"),
        _wrong("reads the clock twice, a minute apart", Client(signed_stamp="2026-05-26T10:01:00+07:00"), "timestamp-shifted"),
        _wrong("reads the clock twice, milliseconds", Client(stamp=milli, signed_stamp=milli.replace(".123", ".119")), "timestamp-shifted"),
        _wrong("signs milliseconds, sends none", Client(signed_stamp=milli), "milliseconds-added"),
        _wrong("sends milliseconds, signs none", Client(stamp=milli, signed_stamp=STAMP), "milliseconds-dropped"),
        _wrong("signs .000", Client(signed_stamp="2026-05-26T10:00:00.000+07:00"), "milliseconds-added"),
        _wrong("signs toISOString", Client(signed_stamp="2026-05-26T03:00:00.457Z"), "timestamp-z-form"),
        _wrong("signs the epoch", Client(signed_stamp="1779764400"), "timestamp-epoch"),
        _wrong("offset without colon", Client(signed_stamp="2026-05-26T10:00:00+0700"), "timestamp-other-form"),
        _wrong("no timestamp", Client(signed_stamp=""), "timestamp-empty"),
        _wrong("Python's isoformat(), milliseconds sent", Client(stamp=milli, signed_stamp=milli.replace(".123", ".123456")), "milliseconds-other"),
        _wrong("sends microseconds, signs milliseconds", Client(stamp=milli.replace(".123", ".123456"), signed_stamp=milli), "milliseconds-other"),
        _wrong("reads the clock twice, over a second's end", Client(stamp=milli, signed_stamp="2026-05-26T09:59:59.998+07:00"), "timestamp-shifted"),
        _wrong("Java's OffsetDateTime at a full minute", Client(signed_stamp="2026-05-26T10:00+07:00"), "timestamp-other-form"),
        _wrong("HTTP's date", Client(signed_stamp="Tue, 26 May 2026 03:00:00 GMT"), "timestamp-other-form"),
        _wrong("Java's ZonedDateTime", Client(signed_stamp=STAMP + "[Asia/Jakarta]"), "timestamp-other-form"),
    ]  # fmt: skip


def _layouts() -> list[Wrong]:
    def joined(separator: str) -> Callable[[Client], str]:
        return lambda me: separator.join(me.parts())

    def ordered(*order: int) -> Callable[[Client], str]:
        return lambda me: ":".join(me.parts()[place] for place in order)

    return [
        _wrong("joins by |", Client(text=joined("|")), "separator"),
        _wrong("joins by line ends", Client(text=joined("\n")), "separator"),
        _wrong("joins by nothing", Client(text=joined("")), "separator"),
        _wrong("joins by &", Client(text=joined("&")), "separator"),
        _wrong("time before digest", Client(text=ordered(0, 1, 2, 4, 3)), "order"),
        _wrong("digest before token", Client(text=ordered(0, 1, 3, 2, 4)), "order"),
        _wrong("all backwards", Client(text=ordered(4, 3, 2, 1, 0)), "order"),
        _wrong("token left out", Client(text=ordered(0, 1, 3, 4)), "part-missing"),
        _wrong("time left out", Client(text=ordered(0, 1, 2, 3)), "part-missing"),
        _wrong("digest left out", Client(text=ordered(0, 1, 2, 4)), "part-missing"),
        _wrong("line end after it", Client(text=lambda me: ":".join(me.parts()) + "\n"), "line-end-at-end"),
        _wrong("colon after it", Client(text=lambda me: ":".join(me.parts()) + ":"), "separator-at-end"),
        _wrong("external id added", Client(text=lambda me: ":".join((*me.parts(), EXTERNAL))), "part-added"),
        _wrong("all in lower case", Client(text=lambda me: ":".join(me.parts()).lower()), "string-lower-case"),
        _wrong("token request's string", Client(text=lambda _: f"{CLIENT}|{STAMP}"), "token-request-string"),
        _wrong("token and digest left out", Client(text=ordered(0, 1, 4)), "parts-missing"),
        _wrong("colon in front", Client(text=lambda me: ":" + ":".join(me.parts())), "separator-in-front"),
        _wrong("all in upper case", Client(text=lambda me: ":".join(me.parts()).upper()), "string-upper-case"),
        _wrong("token first, joined by |", Client(text=lambda me: "|".join(me.parts()[place] for place in (2, 0, 1, 3, 4))), ("separator", "order")),
        _wrong("backwards, joined by nothing", Client(text=lambda me: "".join(me.parts()[::-1])), ("separator", "order")),
        _wrong("no token, joined by |", Client(text=lambda me: "|".join(me.parts()[place] for place in (0, 1, 3, 4))), ("separator", "part-missing")),
        _wrong("no token, time before digest", Client(text=ordered(0, 1, 4, 3)), ("order", "part-missing")),
    ]


def _keys() -> list[Wrong]:
    padded = f" {SECRET} "
    return [
        _wrong("secret read with its line end", _keyed(SECRET + "\n"), "key-with-line-end"),
        _wrong("secret from .env with \\n in it", _keyed(SECRET + r"\n"), "key-with-escape"),
        _wrong("secret file with a byte order mark", _keyed(MARK + SECRET), "key-other-charset"),
        _wrong("trims a secret that has blanks", _keyed(SECRET, padded), "key-trimmed"),
        _wrong("Base64-decodes the secret", _keyed(base64.b64decode(BASE64_SECRET), BASE64_SECRET), "key-base64-decoded"),
        _wrong("hex-decodes the secret", _keyed(bytes.fromhex(HEX_SECRET), HEX_SECRET), "key-hex-decoded"),
        _wrong("Base64-encodes the secret", _keyed(b64(SECRET.encode())), "key-base64-encoded"),
        _wrong("shared key", _keyed(SHARED), "shared-key-for-secret"),
        _wrong("client id", _keyed(CLIENT), "client-id-for-secret"),
        _wrong("access token", _keyed(TOKEN), "token-for-secret"),
        _wrong("empty key", _keyed(""), "key-empty"),
        _wrong("secret in quotation marks", _keyed(f'"{SECRET}"'), "key-quoted"),
        _wrong("secret in lower case", _keyed(SECRET.lower()), "key-lower-case"),
        _wrong("secret without SK-", _keyed(SECRET[3:]), "key-without-prefix"),
        _wrong("hash of the secret", _keyed(hashlib.sha256(SECRET.encode()).hexdigest()), "key-hashed"),
        _wrong("private key's PEM", _keyed(private_pem()), "pem-for-secret"),
        _wrong("secret with a blank", _keyed(SECRET + " "), "key-with-blank"),
        _wrong("secret in upper case", _keyed(SECRET.upper()), "key-upper-case"),
        _wrong("hex-encodes the secret", _keyed(SECRET.encode().hex()), "key-hex-encoded"),
        _wrong("secret and &", _keyed(SECRET + "&"), "key-with-ampersand"),
        _wrong("secret cut to 16", _keyed(SECRET[:16]), "key-cut-short"),
        _wrong("secret in UTF-16", _keyed(SECRET.encode("utf-16-le")), "key-other-charset"),
        _wrong("secret in UTF-16 with its mark", _keyed(SECRET.encode("utf-16")), "key-other-charset"),
        _wrong("secret in Java's UTF-16", _keyed(b"\xfe\xff" + SECRET.encode("utf-16-be")), "key-other-charset"),
        *(_wrong(f"key {text}", _keyed(text), "key-placeholder") for text in ("undefined", "null", "None", "env:KKI_CLIENT_SECRET", "${CLIENT_SECRET}")),
    ]


def _algorithms() -> list[Wrong]:
    def swapped(text: str) -> bytes:
        return hmac.new(text.encode(), SECRET.encode(), hashlib.sha512).digest()

    def by_rsa(text: str) -> bytes:
        return rsa_key().sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())

    def without_token(me: Client) -> str:
        method, path, _, digest, stamp = me.parts()
        return f"{method}:{path}:{digest}:{stamp}"

    return [
        _wrong("HMAC-SHA256", Client(mac=_of("sha256")), "hmac-other-hash"),
        _wrong("HMAC-SHA384", Client(mac=_of("sha384")), "hmac-other-hash"),
        _wrong("HMAC-SHA256 in hexadecimal", Client(mac=_of("sha256"), written=bytes.hex), ("hmac-other-hash", "hex")),
        _wrong("plain SHA-512", Client(mac=lambda text: hashlib.sha512(text.encode()).digest()), "plain-hash"),
        _wrong("SHA-512 of secret and text", Client(mac=lambda text: hashlib.sha512((SECRET + text).encode()).digest()), "plain-hash"),
        _wrong("key and text swapped", Client(mac=swapped), "key-and-text-swapped"),
        _wrong("hashes the string first", Client(mac=lambda text: hmac_512(hashlib.sha512(text.encode()).hexdigest())), "string-hashed-first"),
        _wrong("RSA over the symmetric string", Client(mac=by_rsa), "rsa-for-hmac"),
        _wrong("DOKU's asymmetric variant", Client(mac=by_rsa, text=without_token), "asymmetric-variant"),
        _wrong("token request's signature", Client(mac=by_rsa, text=lambda _: f"{CLIENT}|{STAMP}"), "token-signature-reused"),
    ]  # fmt: skip


def _encodings() -> list[Wrong]:
    def lines(octets: bytes) -> str:
        return base64.encodebytes(octets).decode()

    return [
        _wrong("hexadecimal", Client(written=bytes.hex), "hex"),
        _wrong(".NET's BitConverter", Client(written=lambda octets: octets.hex("-").upper()), "hex-hyphenated"),
        _wrong(".NET's BitConverter in lower case", Client(written=lambda octets: octets.hex("-")), "hex-hyphenated"),
        _wrong("hexadecimal in capitals", Client(written=lambda octets: octets.hex().upper()), "hex-upper-case"),
        _wrong("Base64 of hexadecimal", Client(written=lambda octets: b64(octets.hex().encode())), "base64-of-hex"),
        _wrong("Base64 twice", Client(written=lambda octets: b64(b64(octets).encode())), "base64-twice"),
        _wrong("URL-safe Base64", Client(written=_needing_both), "base64-url"),
        _wrong("no padding", Client(written=lambda octets: b64(octets).rstrip("=")), "base64-unpadded"),
        _wrong("lines of 76", Client(written=lines), "white-space"),
        _wrong("quoted", Client(written=lambda octets: f'"{b64(octets)}"'), "quoted"),
        _wrong("Python's bytes printed", Client(written=lambda octets: str(base64.b64encode(octets))), "bytes-printed"),
        _wrong("HMACSHA512= in front", Client(written=lambda octets: "HMACSHA512=" + b64(octets)), "prefixed"),
        _wrong("cut to 64", Client(written=lambda octets: b64(octets)[:64]), "cut-short"),
        _wrong("lower-cased", Client(written=lambda octets: b64(octets).lower()), "case-lost"),
        _wrong("percent-encoded", Client(written=lambda octets: quote(b64(octets), safe="")), "percent-encoded"),
        _wrong("URL-safe Base64 without padding", Client(written=lambda octets: _needing_both(octets).rstrip("=")), "base64-url-unpadded"),
        _wrong("hexadecimal of Base64", Client(written=lambda octets: b64(octets).encode().hex()), "hex-of-base64"),
        _wrong("more behind it", Client(written=lambda octets: b64(octets) + "0000"), "lengthened"),
        _wrong("URL-decoded", Client(written=_needing_plus), "plus-as-blank"),
    ]


def _needing_both(octets: bytes) -> str:
    text = base64.urlsafe_b64encode(octets).decode()
    assert "-" in text or "_" in text, "choose other data: this MAC looks the same in both alphabets"
    return text


def _needing_plus(octets: bytes) -> str:
    text = b64(octets).replace("+", " ")
    assert " " in text.strip(), "choose other data: this MAC has no +"
    return text


def _pairs() -> list[Wrong]:
    older = Client(
        text=lambda me: (
            f"Client-Id:{CLIENT}\nRequest-Id:{EXTERNAL}\nRequest-Timestamp:{STAMP}\nRequest-Target:{REFUND}\n"
            f"Digest:{b64(hashlib.sha256(me.sent.encode()).digest())}"
        ),
        mac=_of("sha256"), written=lambda octets: "HMACSHA256=" + b64(octets),
    )  # fmt: skip
    return [
        _wrong("lower-case method and Bearer", Client(method="post", token=f"Bearer {TOKEN}"), ("method-lower-case", "bearer-kept")),
        _wrong("spaced body and Bearer", Client(body=json.dumps(DATA), token=f"Bearer {TOKEN}"), ("bearer-kept", "body-spaced")),
        _wrong("spaced body under HMAC-SHA256", Client(body=json.dumps(DATA), mac=_of("sha256")), ("body-spaced", "hmac-other-hash")),
        _wrong("full URL and capitals", Client(signed_path=f"https://{HOST}{REFUND}", digest=sha256_hex(compact(DATA)).upper()), ("full-url", "digest-upper-case")),
        _wrong("joined by | in hexadecimal", Client(text=lambda me: "|".join(me.parts()), written=bytes.hex), ("separator", "hex")),
        _wrong("no token and UTC", Client(token="", signed_stamp="2026-05-26T03:00:00Z"), ("no-token", "timestamp-z-form")),
        _wrong("sorted keys and shared key", Client(body=json.dumps(DATA, sort_keys=True, separators=(",", ":"), ensure_ascii=False), mac=lambda text: hmac_512(text, SHARED)), ("keys-sorted", "shared-key-for-secret")),
        _wrong("digest in capitals, toISOString signed", Client(digest=sha256_hex(compact(DATA)).upper(), signed_stamp="2026-05-26T03:00:00.457Z"), ("digest-upper-case", "timestamp-z-form")),
        _wrong("Bearer kept, milliseconds signed", Client(token=f"Bearer {TOKEN}", signed_stamp="2026-05-26T10:00:00.457+07:00"), ("bearer-kept", "milliseconds-added")),
        _wrong("DOKU's older signature", older, ("older-doku-string", "hmac-other-hash", "prefixed")),
        _wrong("customer token, two seconds late", Client(token=CUSTOMER, signed_stamp="2026-05-26T10:00:02+07:00"), ("customer-token", "timestamp-shifted")),
    ]  # fmt: skip


# --- token requests ---------------------------------------------------------------------------------------------------


def _token_request(signature: str) -> Request:
    headers = {
        "Host": HOST, "X-CLIENT-KEY": CLIENT, "X-TIMESTAMP": STAMP, "X-SIGNATURE": signature,
        "Content-Type": "application/json",
    }  # fmt: skip
    return Request(method="POST", target=B2B, origin=f"https://{HOST}", headers=Headers.of(headers), body=TOKEN_BODY)


def token_right() -> Request:
    return _token_request(b64(rsa_key().sign(f"{CLIENT}|{STAMP}".encode(), padding.PKCS1v15(), hashes.SHA256())))


def _signed(text: str, scheme: Any = None, hash_: Any = None, which: int = 0) -> Request:
    chosen = scheme or padding.PKCS1v15()
    return _token_request(b64(rsa_key(which).sign(text.encode(), chosen, hash_ or hashes.SHA256())))


def _raw(text: bytes) -> Request:
    """The text itself, padded and encrypted with the private key, as openssl rsautl -sign does."""
    numbers = rsa_key().private_numbers()
    n, d = numbers.public_numbers.n, numbers.d
    block = b"\x00\x01" + b"\xff" * (256 - 3 - len(text)) + b"\x00" + text
    return _token_request(b64(pow(int.from_bytes(block, "big"), d, n).to_bytes(256, "big")))


def _tokens() -> list[Wrong]:
    right = f"{CLIENT}|{STAMP}"
    digest = hashlib.sha256(right.encode()).digest()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    mac = b64(hmac_512(right))
    symmetric = f"POST:{B2B}::{hashlib.sha256(TOKEN_BODY).hexdigest()}:{STAMP}"
    rows: list[tuple[str, Callable[[], Request], tuple[str, ...]]] = [
        ("client id and time swapped", lambda: _signed(f"{STAMP}|{CLIENT}"), ("swapped",)),
        ("joined by a colon", lambda: _signed(f"{CLIENT}:{STAMP}"), ("separator",)),
        ("time alone", lambda: _signed(STAMP), ("part-missing",)),
        ("line end after it", lambda: _signed(right + "\n"), ("line-end-at-end",)),
        ("signs UTC", lambda: _signed(f"{CLIENT}|2026-05-26T03:00:00Z"), ("timestamp-z-form",)),
        ("a second late", lambda: _signed(f"{CLIENT}|2026-05-26T10:00:01+07:00"), ("timestamp-shifted",)),
        ("client id in lower case", lambda: _signed(f"{CLIENT.lower()}|{STAMP}"), ("client-id-lower-case",)),
        ("client id in upper case", lambda: _signed(f"{CLIENT.upper()}|{STAMP}"), ("client-id-upper-case",)),
        ("client id with a line end", lambda: _signed(f"{CLIENT}\n|{STAMP}"), ("client-id-with-blanks",)),
        ("another client id in its header", lambda: _signed(right).with_header("X-CLIENT-KEY", "BRN-0999-Other"), ("client-id-other",)),
        ("secret for client id", lambda: _signed(f"{SECRET}|{STAMP}"), ("secret-for-client-id",)),
        ("SHA-1", lambda: _signed(right, hash_=hashes.SHA1()), ("rsa-other-hash",)),
        ("SHA-512", lambda: _signed(right, hash_=hashes.SHA512()), ("rsa-other-hash",)),
        ("PSS", lambda: _signed(right, scheme=pss), ("rsa-pss",)),
        ("hashes before signing", lambda: _token_request(b64(rsa_key().sign(digest, padding.PKCS1v15(), hashes.SHA256()))), ("rsa-hashed-twice",)),
        ("prehashed, which is right, but of the digest's hex", lambda: _token_request(b64(rsa_key().sign(hashlib.sha256(digest.hex().encode()).digest(), padding.PKCS1v15(), Prehashed(hashes.SHA256())))), ("rsa-hashed-twice",)),
        ("no hash identifier", lambda: _raw(digest), ("rsa-without-hash-name",)),
        ("no hash at all", lambda: _raw(right.encode()), ("rsa-without-hash",)),
        ("HMAC-SHA512", lambda: _token_request(mac), ("hmac-for-rsa",)),
        ("HMAC-SHA256", lambda: _token_request(b64(hmac.new(SECRET.encode(), right.encode(), "sha256").digest())), ("hmac-for-rsa",)),
        ("a transaction's symmetric signature", lambda: _token_request(b64(hmac_512(symmetric))), ("symmetric-variant",)),
        ("a transaction's string", lambda: _signed(symmetric), ("transaction-string",)),
        ("in hexadecimal", lambda: _token_request(rsa_key().sign(right.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()), ("hex",)),
        ("swapped, with SHA-1", lambda: _signed(f"{STAMP}|{CLIENT}", hash_=hashes.SHA1()), ("swapped", "rsa-other-hash")),
        ("the key of another environment, which we know", lambda: _signed(right, which=1), ("rsa-other-key",)),
    ]  # fmt: skip
    wrongs = [Wrong(f"token: {name}", make, (names,), token_request=True) for name, make, names in rows]
    empty = (("part-missing",), ("client-id-empty",))  # the bar stands there in both
    return [*wrongs, Wrong("token: no client id", lambda: _signed(f"|{STAMP}"), empty, token_request=True)]


WRONG: tuple[Wrong, ...] = (
    *_bodies(), *_more_bodies(), *_digests(), *_lines(), *_more_lines(), *_times(), *_layouts(), *_keys(), *_algorithms(), *_encodings(), *_pairs(),
    *_tokens(),
)  # fmt: skip


def right_requests() -> list[Request]:
    """Correct clients with bodies of all kinds."""
    bodies = [
        compact(DATA), PRETTY, json.dumps(DATA), json.dumps(DATA, separators=(",", ":")), PHP, GSON, GO, "", "{}",
        '{"a":1.0,"b":1e3,"c":-0,"a":2}', '{ "x" : "  two blanks " ,\r\n\t"y":[ ] }', '"text"', "[]", "null",
        compact({"emoji": "😀", "rtl": "مرحبا", "zero": "\u0000", "line": "\u2028"}),
        compact({f"member{number}": {"inner": [number] * 3} for number in range(40)}),
        compact(QUOTED), _dotnet(QUOTED), _go(DATA) + "\n", compact(COUNTED), '{"a":2.0,"b":1E7}', "2",
    ]  # fmt: skip
    return [Client(sent=body, digest=sha256_hex(_thin(body))).request() for body in bodies]


def _thin(text: str) -> str:
    """Without white space outside strings: a small machine of its own."""
    out, inside, escaped = [], False, False
    for char in text:
        if inside:
            out.append(char)
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char not in " \t\r\n":
            out.append(char)
            inside, escaped = char == '"', False
    return "".join(out)


def unknown_requests() -> list[Request]:
    """Constructions that nobody has named: no diagnosis may claim to know them."""
    odd: list[Client] = [
        _keyed("another secret altogether"),
        Client(body=compact(DATA)[::-1]),
        Client(text=lambda me: "§".join(me.parts())),
        Client(text=lambda me: ":".join(me.parts())[::-1]),
        Client(mac=lambda text: hashlib.pbkdf2_hmac("sha512", text.encode(), SECRET.encode(), 2)),
        Client(mac=lambda text: hmac_512(hmac_512(text).hex())),
        Client(mac=lambda text: hmac_512(text)[::-1]),
        Client(signed_stamp="2031-01-01T00:00:00+07:00"),
        Client(token="some-token-of-another-merchant"),
        Client(mac=lambda text: rsa_key(7).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())),
        Client(mac=lambda text: random.Random(text).randbytes(64)),
        Client(mac=lambda text: random.Random(text).randbytes(256)),
    ]
    return [client.request() for client in odd]
