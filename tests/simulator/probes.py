"""Situations for a simulator, each with the code that a correct one gives. Expected codes: the page, DOKU's case table.

Every probe has a world of its own, so that none depends on another; `Merchant` signs with hashlib and hmac alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from tests.simulator.support import (
    ABSENT,
    AUTH_CODE,
    CARD,
    CARD_TOKENS,
    CLIENT,
    CONTRACT,
    CPAN,
    CUSTOMER,
    EXPIRED,
    NOW,
    OTHER_CLIENT,
    OTHER_PRIVATE,
    OTP,
    PATHS,
    PROFILE,
    SHARED,
    Merchant,
    b64,
    compact,
    raw_encrypted,
    sealed,
    stamp,
)

from kki.model.http import Request, Response
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT
from kki.simulator.outcomes import Result
from kki.simulator.server import commit, decide
from kki.simulator.setup import Setup, setup_from
from kki.simulator.world import Token, World

Send = Callable[[Merchant], Result]
COMBINING, ASTRAL = "é", "\U0001f4b3"


@dataclass(frozen=True)
class Probe:
    name: str
    code: str
    send: Send


def _jwt(client: str) -> str:
    """The form alone counts: the world is told which tokens it issued."""
    parts = (
        {"alg": "RS256", "typ": "JWT"},
        {"exp": int((NOW + timedelta(minutes=15)).timestamp()), "iss": "DOKU", "clientId": client},
    )
    texts = [base64.urlsafe_b64encode(compact(part)).decode().rstrip("=") for part in parts]
    return ".".join(
        [*texts, base64.urlsafe_b64encode(hashlib.sha256(client.encode()).digest() * 8).decode().rstrip("=")]
    )


ISSUED, ANOTHERS = _jwt(CLIENT), _jwt(OTHER_CLIENT)
ALTERED = ISSUED[:-8] + "AAAAAAAA"


@lru_cache(maxsize=64)
def _setup(readings: tuple[tuple[str, str], ...]) -> Setup:
    return setup_from(replace(PROFILE, readings=dict(readings)), CONTRACT, issuer_key=OTHER_PRIVATE)


def merchant_of(behaviour: Behaviour = CORRECT, readings: dict[str, str] | None = None) -> Merchant:
    """A correct client that has a B2B token already, in a fresh world."""
    world = World(_setup(tuple(sorted((readings or {}).items()))), behaviour)
    later = NOW + timedelta(minutes=15)
    world.b2b_tokens |= {
        ISSUED: Token(client_id=CLIENT, expires=later),
        ANOTHERS: Token(client_id=OTHER_CLIENT, expires=later),
    }
    return Merchant(world, b2b=ISSUED)


def refund_of(merchant: Merchant, original: str, **more: Any) -> Request:
    return merchant.request("refund", merchant.refund_body(original), **more)


def paid(merchant: Merchant) -> str:
    """The reference of a payment; whatever a persona makes of it."""
    body = merchant.cpan_body()
    merchant.send(merchant.request("payment", body))
    return str(body["partnerReferenceNo"])


def race(merchant: Merchant, first: Request, second: Request) -> Result:
    """The answer to the second of two requests that are decided upon at once."""
    one = decide(merchant.world, first, merchant.now, merchant.fresh)
    commit(merchant.world, one.early)
    other = decide(merchant.world, second, merchant.now, merchant.fresh)
    commit(merchant.world, one.late + other.early + other.late)
    return other.result


def changed(request: Request, name: str, value: str) -> Request:
    """After signing."""
    return request.with_header(name, value)


# --- short forms ------------------------------------------------------------------------------------


def pay(**changes: Any) -> Send:
    return lambda m: m.send(m.request("payment", m.cpan_body(**changes)))


def pay_by_token(**changes: Any) -> Send:
    return lambda m: m.send(m.request("payment", m.token_body(**changes)))


def bind(headers: dict[str, str | None] | None = None, **changes: Any) -> Send:
    return lambda m: m.send(m.request("bind", m.bind_body(**changes), headers=headers))


def unbind(token: Any = CARD_TOKENS[0], headers: dict[str, str | None] | None = None) -> Send:
    body = {} if token is ABSENT else {"tokenId": token}
    return lambda m: m.send(m.request("unbind", body, headers=headers))


def refund(headers: dict[str, str | None] | None = None, **changes: Any) -> Send:
    def send(m: Merchant) -> Result:
        return m.send(m.request("refund", m.refund_body(paid(m)) | changes, headers=headers))

    return send


def refund_without(name: str) -> Send:
    def send(m: Merchant) -> Result:
        body = m.refund_body(paid(m))
        del body[name]
        return m.send(m.request("refund", body))

    return send


def headed(operation: str, **headers: str | None) -> Send:
    """A correct request but for these headers, `_` for `-`, changed before it is signed."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    sends: dict[str, Callable[..., Send]] = {"refund": refund, "bind": bind}
    if operation in sends:
        return sends[operation](lines)
    if operation == "unbind":
        return unbind(headers=lines)
    return lambda m: m.send(m.request("payment", m.cpan_body(), headers=lines))


def signed(
    operation: str = "payment", after: Callable[[Request], Request] = lambda request: request, **sign: Any
) -> Send:
    """`sign`: ingredients of the string to sign that differ from what is sent; `after`: changes the signed request."""

    def send(m: Merchant) -> Result:
        body = {"payment": m.cpan_body, "bind": m.bind_body}[operation]()
        return m.send(after(m.request(operation, body, sign=sign)))

    return send


def resigned(form: Callable[[str], str]) -> Send:
    return signed(after=lambda request: changed(request, "X-SIGNATURE", form(request.headers.get("X-SIGNATURE") or "")))


def with_hash(name: str) -> Send:
    def send(m: Merchant) -> Result:
        request = m.request("payment", m.cpan_body())
        digest = hashlib.sha256(request.body).hexdigest()
        text = f"POST:{PATHS['payment']}:{m.b2b}:{digest}:{request.headers.get('X-TIMESTAMP')}"
        code = hmac.new(b"SK-harness-0001", text.encode(), name).digest()
        return m.send(changed(request, "X-SIGNATURE", b64(code)))

    return send


def raw(octets: bytes, operation: str = "payment") -> Send:
    return lambda m: m.send(m.request(operation, octets))


def written(operation: str, write: Callable[[dict[str, Any]], bytes], *, minified: bool = False) -> Send:
    """A body written in another way than compactly; `minified`: signed over its compact form."""

    def send(m: Merchant) -> Result:
        good = {"payment": m.cpan_body, "bind": m.bind_body}[operation]()
        signed_body = compact(good) if minified else None
        return m.send(m.request(operation, write(good), signed_body=signed_body))

    return send


def spaced(good: dict[str, Any]) -> bytes:
    return json.dumps(good, indent=2).encode()


def escaped(good: dict[str, Any]) -> bytes:
    return json.dumps(good | {"journeyId": "jé/1"}, separators=(",", ":")).encode()


def in_latin(good: dict[str, Any]) -> bytes:
    return json.dumps(good | {"journeyId": "jé"}, ensure_ascii=False).encode("latin-1")


def large(good: dict[str, Any]) -> bytes:
    """With a number of 400 digits."""
    return compact(good)[:-1] + b',"x":' + b"9" * 400 + b"}"


def reordered(request: Request) -> Request:
    return replace(request, body=compact(dict(reversed(json.loads(request.body).items()))))


def token(operation: str = "b2b", body: Any = None, **changes: Any) -> Send:
    return lambda m: m.send((m.b2b_request if operation == "b2b" else m.b2b2c_request)(body, **changes))


def card(value: str) -> Send:
    return bind(cardData=value)


# --- several steps ------------------------------------------------------------------------------------


def replayed_binding(m: Merchant) -> Result:
    """The same body again: of a binding, since a payment's would be a duplicate reference as well."""
    body, lines = m.bind_body(), {"X-EXTERNAL-ID": m.number()}
    m.send(m.request("bind", body, headers=dict(lines)))
    return m.send(m.request("bind", body, headers=dict(lines)))


def replayed(operation: str = "payment") -> Send:
    def send(m: Merchant) -> Result:
        lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()}
        m.send(m.request("payment", m.token_body(), headers=lines))
        if operation == "unbind":
            return m.send(m.request("unbind", {"tokenId": CARD_TOKENS[1]}, headers=lines))
        if operation == "bind":
            return m.send(m.request("bind", m.bind_body(), headers=lines))
        return m.send(m.request("payment", m.token_body(), headers=lines))

    return send


def duplicate(m: Merchant) -> Result:
    name = paid(m)
    return m.send(m.request("payment", m.cpan_body(partnerReferenceNo=name)))


def duplicate_by_token(m: Merchant) -> Result:
    name = paid(m)
    return m.send(m.request("payment", m.token_body(partnerReferenceNo=name)))


def tried_again(m: Merchant) -> Result:
    """After a wrong OTP, under the same reference."""
    body = m.cpan_body(otp="00000001")
    m.send(m.request("payment", body))
    return m.send(m.request("payment", body | {"otp": OTP}))


def race_on_reference(m: Merchant) -> Result:
    body = m.cpan_body()
    return race(m, m.request("payment", body), m.request("payment", body))


def race_on_external_id(m: Merchant) -> Result:
    lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()}
    return race(
        m, m.request("payment", m.cpan_body(), headers=lines), m.request("payment", m.cpan_body(), headers=lines)
    )


def after_unbinding(token_id: str) -> Send:
    def send(m: Merchant) -> Result:
        m.send(m.request("unbind", {"tokenId": CARD_TOKENS[0]}))
        m.now += timedelta(seconds=5)
        return m.send(m.request("payment", m.token_body(bankCardToken=token_id)))

    return send


def unbound_twice(m: Merchant) -> Result:
    m.send(m.request("unbind", {"tokenId": CARD_TOKENS[0]}))
    return m.send(m.request("unbind", {"tokenId": CARD_TOKENS[0]}))


def refund_of_refused(m: Merchant) -> Result:
    body = m.cpan_body(otp="00000001")
    m.send(m.request("payment", body))
    return m.send(refund_of(m, str(body["partnerReferenceNo"])))


def refunded_again(m: Merchant, **same: Any) -> Result:
    original = paid(m)
    body = m.refund_body(original)
    m.send(m.request("refund", body))
    return m.send(m.request("refund", body | {"partnerRefundNo": m.number()} | same))


def same_refund(m: Merchant) -> Result:
    original = paid(m)
    body = m.refund_body(original)
    m.send(m.request("refund", body))
    return m.send(m.request("refund", body))


def other_refund(m: Merchant) -> Result:
    m.send(refund_of(m, paid(m)))
    return m.send(refund_of(m, paid(m)))


def second(send: Send) -> Send:
    def twice(m: Merchant) -> Result:
        send(m)
        return send(m)

    return twice


def after(spoiled: Send, good: Send) -> Send:
    def send(m: Merchant) -> Result:
        spoiled(m)
        return good(m)

    return send


def told(result: Result, name: str) -> str:
    """A member of a reply, "" where a persona gives none or writes no JSON."""
    try:
        body = json.loads(result.body) if isinstance(result, Response) else {}
    except ValueError:
        return ""
    return str(body.get(name, "")) if isinstance(body, dict) else ""


def refreshed(m: Merchant) -> Result:
    refresh = told(m.send(m.b2b2c_request()), "refreshToken")
    return m.send(m.b2b2c_request({"grantType": "refresh_token", "refreshToken": refresh}))


def used_at_once(m: Merchant) -> Result:
    m.b2b = told(m.send(m.b2b_request()), "accessToken") or "none"
    return m.send(m.request("payment", m.cpan_body()))


def with_token(value: str, **sign: Any) -> Send:
    return lambda m: m.send(m.request("payment", m.cpan_body(), headers={"Authorization": value}, sign=sign))


def aged(**age: float) -> Send:
    return lambda m: m.send(
        m.request("payment", m.cpan_body(), headers={"X-TIMESTAMP": stamp(m.now + timedelta(**age))})
    )


def _card_block(plain: bytes, iv: bytes = bytes(range(16))) -> str:
    """`plain` with its padding as given, whatever it is."""
    key = SHARED.encode()[:16].ljust(16, b"-")
    return f"{b64(raw_encrypted(plain, key, iv))}|{b64(iv)}"


def _salted() -> str:
    salt, secret, out = bytes(range(8)), SHARED.encode(), b""
    while len(out) < 48:
        out += hashlib.md5(out[-16:] + secret + salt).digest()  # EVP_BytesToKey, one round
    octets = compact(CARD)
    octets += bytes([16 - len(octets) % 16]) * (16 - len(octets) % 16)
    return b64(b"Salted__" + salt + raw_encrypted(octets, out[:32], out[32:48]))


def _prefixed() -> str:
    head, _, tail = sealed(CARD).partition("|")
    return b64(base64.b64decode(tail) + base64.b64decode(head))


def _ecb() -> str:
    octets = compact(CARD)
    octets += bytes([16 - len(octets) % 16]) * (16 - len(octets) % 16)
    return f"{b64(raw_encrypted(octets, SHARED.encode()[:16], b'', 'ecb'))}|{b64(bytes(16))}"


def _misfilled() -> str:
    octets = compact(CARD)
    return _card_block(octets + bytes([7]) * (16 - len(octets) % 16))


def _mark(**more: Any) -> dict[str, Any]:
    return {"additionalInfo": more}


_BIG = b'{"partnerReferenceNo":"' + b"x" * (1024 * 1024) + b'"}'
_DEEP = b'{"x":' + b"[" * 1000 + b"]" * 1000 + b"}"

GOOD: tuple[Probe, ...] = (
    Probe("payment by CPAN", "2005400", pay()),
    Probe("payment with tokenisation", "2005400", pay(**_mark(isBindAndPay="true"))),
    Probe("payment by token", "2005400", pay_by_token()),
    Probe("recurring payment", "2005400", pay_by_token(**_mark(paymentType="RECURRING"))),
    Probe("binding without channel", "2000100", bind()),
    Probe("binding under DH", "2000100", bind({"CHANNEL-ID": "DH"})),
    Probe("binding under H2H", "2000100", bind({"CHANNEL-ID": "H2H"})),
    Probe("unbinding", "2000500", unbind()),
    Probe("unbinding under H2H", "2000500", unbind(headers={"CHANNEL-ID": "H2H"})),
    Probe("refund", "2000700", refund()),
    Probe("B2B token", "2007300", token()),
    Probe("second B2B token", "2007300", second(token())),
    Probe("customer token", "2007400", token("b2b2c")),
    Probe("refreshed customer token", "2007400", refreshed),
    Probe("fresh token used", "2005400", used_at_once),
    Probe("extra member", "2005400", pay(**_mark(channel="X"), amount={"value": "1.00", "currency": "IDR"})),
    Probe("spaced body", "2005400", written("payment", spaced, minified=True)),
    Probe("members backwards", "2005400", written("payment", lambda good: compact(dict(reversed(good.items()))))),
    Probe("escaped text", "2000100", written("bind", escaped)),
    Probe("text beyond ASCII", "2000100", bind(journeyId=f"j{COMBINING}{ASTRAL}")),
    Probe("longest payment reference", "2005400", pay(partnerReferenceNo="r" * 32)),
    Probe("longest customer", "2000100", bind(custIdMerchant="C" * 64)),
    Probe("longest refund number", "2000700", refund(partnerRefundNo="123456789012")),
    Probe("longest reason", "2000700", refund(reason="x" * 255)),
    Probe("longest reason, multi-byte", "2000700", refund(reason=COMBINING * 255)),
    Probe("longest reason, astral", "2000700", refund(reason=ASTRAL * 255)),
    Probe("hyphen in a reference", "2005400", pay(partnerReferenceNo="INV-0001")),
    Probe("retry after a wrong OTP", "2005400", tried_again),
    Probe("second payment", "2005400", second(pay())),
    Probe("second refund", "2000700", other_refund),
    Probe("second binding", "2000100", second(bind({"CHANNEL-ID": "DH"}))),
    Probe("another card after an unbinding", "2005400", after_unbinding(CARD_TOKENS[1])),
    Probe("payment after garbage", "2005400", after(raw(b"{"), pay())),
    Probe("payment after deep nesting", "2005400", after(raw(_DEEP), pay())),
)  # fmt: skip

REFUSED: tuple[Probe, ...] = (
    # signature: 401/00
    Probe("no signature", "4015400", headed("payment", X_SIGNATURE=None)),
    Probe("empty signature", "4015400", headed("payment", X_SIGNATURE="")),
    Probe("signature cut", "4015400", resigned(lambda text: text[:40])),
    Probe("signature lengthened", "4015400", resigned(lambda text: text + "A")),
    Probe("signature in other case", "4015400", resigned(str.swapcase)),
    Probe("signature in hex", "4015400", resigned(lambda text: base64.b64decode(text).hex())),
    Probe("signature unpadded", "4015400", resigned(lambda text: text.rstrip("="))),
    Probe("signature of another secret", "4015400", signed(secret="another")),
    Probe("HMAC-SHA256", "4015400", with_hash("sha256")),
    Probe("HMAC-SHA384", "4015400", with_hash("sha384")),
    Probe("body changed", "4015400", signed(after=lambda r: replace(r, body=r.body.replace(b'"INV', b'"INW')))),
    Probe("member added", "4015400", signed(after=lambda r: replace(r, body=r.body[:-1] + b',"x":1}'))),
    Probe("order changed", "4015400", signed(after=reordered)),
    Probe("signed without body", "4015400", signed(body=b"")),
    Probe("signed for another path", "4015400", signed(target=PATHS["refund"])),
    Probe("signed for another method", "4015400", signed(method="PUT")),
    Probe("signed without token", "4015400", signed(token="")),
    Probe("signed for another time", "4015400", signed(timestamp=stamp(NOW - timedelta(seconds=30)))),
    # tokens: 401/01, 03; 401/02, 04
    Probe("no Authorization", "4015403", headed("payment", Authorization=None)),
    Probe("Basic scheme", "4015401", with_token(f"Basic {ISSUED}")),
    Probe("token never issued", "4015401", with_token("Bearer never")),
    Probe("expired token", "4015401", with_token(f"Bearer {EXPIRED}")),
    Probe("altered token", "4015401", with_token(f"Bearer {ALTERED}")),
    Probe("another partner's token", "4015401", with_token(f"Bearer {ANOTHERS}")),
    Probe("customer token as B2B token", "4015401", with_token(f"Bearer {CUSTOMER}")),
    Probe("no customer token", "4015404", headed("payment", Authorization_customer=None)),
    Probe("customer token never issued", "4015402", headed("payment", Authorization_customer="Bearer never")),
    Probe("B2B token as customer token", "4015402", headed("payment", Authorization_customer=f"Bearer {ISSUED}")),
    # headers: 400/01, 400/02, 401/00, 409/00
    Probe("no X-TIMESTAMP", "4005402", headed("payment", X_TIMESTAMP=None)),
    Probe("X-TIMESTAMP in words", "4005401", headed("payment", X_TIMESTAMP="26/05/2026 10:00")),
    Probe("X-TIMESTAMP in words on a binding", "4000101", headed("bind", X_TIMESTAMP="26/05/2026 10:00")),
    Probe("X-TIMESTAMP in UTC on a binding", "4000101", headed("bind", X_TIMESTAMP="2026-05-26T03:00:00.000Z")),
    Probe("X-TIMESTAMP in month 13", "4005401", headed("payment", X_TIMESTAMP="2026-13-26T10:00:00+07:00")),
    Probe("two days old", "4015400", aged(days=-2)),
    Probe("two days ahead", "4015400", aged(days=2)),
    Probe("no X-PARTNER-ID", "4005402", headed("payment", X_PARTNER_ID=None)),
    Probe("long X-PARTNER-ID", "4000101", headed("bind", X_PARTNER_ID="B" * 33)),
    Probe("unknown X-PARTNER-ID", "4015400", headed("payment", X_PARTNER_ID="BRN-9999")),
    Probe("no X-EXTERNAL-ID", "4005402", headed("payment", X_EXTERNAL_ID=None)),
    Probe("letters in X-EXTERNAL-ID", "4005401", headed("payment", X_EXTERNAL_ID="abc")),
    Probe("long X-EXTERNAL-ID on a binding", "4000101", headed("bind", X_EXTERNAL_ID="1" * 37)),
    Probe("long X-EXTERNAL-ID on a payment", "4005401", headed("payment", X_EXTERNAL_ID="1" * 37)),
    Probe("replay", "4090100", replayed_binding),
    Probe("replay with another body", "4095400", replayed()),
    Probe("replay on another operation", "4090500", replayed("unbind")),
    Probe("no X-IP-ADDRESS", "4000702", headed("refund", X_IP_ADDRESS=None)),
    Probe("short X-IP-ADDRESS", "4000701", headed("refund", X_IP_ADDRESS="1.2.3.4")),
    Probe("X-IP-ADDRESS in words", "4000701", headed("refund", X_IP_ADDRESS="no-address!")),
    Probe("other CHANNEL-ID", "4000101", headed("bind", CHANNEL_ID="WEB")),
    Probe("CHANNEL-ID in lower case", "4000101", headed("bind", CHANNEL_ID="h2h")),
    Probe("header twice", "4000101", lambda m: m.send(_twice(m.request("bind", m.bind_body())))),
    # members: 400/01, 400/02
    Probe("payment without reference", "4005402", pay(partnerReferenceNo=ABSENT)),
    Probe("payment with empty reference", "4005402", pay(partnerReferenceNo="")),
    Probe("payment with a reference of 33", "4005401", pay(partnerReferenceNo="r" * 33)),
    Probe("payment with a reference of 300", "4005401", pay(partnerReferenceNo="r" * 300)),
    Probe("payment with a number as reference", "4005401", pay(partnerReferenceNo=12345)),
    Probe("payment of nothing", "4005402", pay(chargeToken=ABSENT, otp=ABSENT)),
    Probe("payment without OTP", "4005402", pay(otp=ABSENT)),
    Probe("CPAN of 21", "4005401", pay(chargeToken="9" * 21)),
    Probe("CPAN of 60", "4005401", pay(chargeToken="9" * 60)),
    Probe("CPAN as number", "4005401", pay(chargeToken=9360001609987000000)),
    Probe("OTP of 7", "4005401", pay(otp="1234567")),
    Probe("OTP of 9", "4005401", pay(otp="123456789")),
    Probe("OTP of 20", "4005401", pay(otp="1" * 20)),
    Probe("OTP as number", "4005401", pay(otp=12345678)),
    Probe("card token of 65", "4005401", pay_by_token(bankCardToken="t" * 65)),
    Probe("card token of 200", "4005401", pay_by_token(bankCardToken="t" * 200)),
    Probe("card token as list", "4005401", pay_by_token(bankCardToken=["t"])),
    Probe("binding reference of 65", "4000101", bind(partnerReferenceNo="r" * 65)),
    Probe("binding reference of 300", "4000101", bind(partnerReferenceNo="r" * 300)),
    Probe("binding reference as number", "4000101", bind(partnerReferenceNo=1)),
    Probe("binding without card data", "4000102", bind(cardData=ABSENT)),
    Probe("card data as object", "4000101", bind(cardData={})),
    Probe("binding without customer", "4000102", bind(custIdMerchant=ABSENT)),
    Probe("customer of 65", "4000101", bind(custIdMerchant="C" * 65)),
    Probe("customer of 300", "4000101", bind(custIdMerchant="C" * 300)),
    Probe("customer as number", "4000101", bind(custIdMerchant=1)),
    Probe("customer with hyphen", "4000101", bind(custIdMerchant="CUST-001")),
    Probe("customer with line feed", "4000101", bind(custIdMerchant="CUST001\n")),
    Probe("customer in another script", "4000101", bind(custIdMerchant="客户٣")),
    Probe("journey as number", "4000101", bind(journeyId=1)),
    Probe("null journey", "4000101", bind(journeyId=None)),
    Probe("phone as number", "4000101", bind(phoneNo=8123456789)),
    Probe("unbinding without token", "4000502", unbind(ABSENT)),
    Probe("unbinding of null", "4000502", unbind(None)),
    Probe("token id as number", "4000501", unbind(1)),
    Probe("refund without original", "4000702", refund_without("originalPartnerReferenceNo")),
    Probe("original of 65", "4000701", refund(originalPartnerReferenceNo="r" * 65)),
    Probe("original of 300", "4000701", refund(originalPartnerReferenceNo="r" * 300)),
    Probe("original as number", "4000701", refund(originalPartnerReferenceNo=1)),
    Probe("original external id of 37", "4000701", refund(originalExternalId="1" * 37)),
    Probe("original external id of 300", "4000701", refund(originalExternalId="1" * 300)),
    Probe("original external id as number", "4000701", refund(originalExternalId=1)),
    Probe("reason of 256", "4000701", refund(reason="x" * 256)),
    Probe("reason of 3000", "4000701", refund(reason="x" * 3000)),
    Probe("reason as object", "4000701", refund(reason={})),
    Probe("refund without number", "4000702", refund_without("partnerRefundNo")),
    Probe("refund number of 13", "4000701", refund(partnerRefundNo="1" * 13)),
    Probe("refund number of 100", "4000701", refund(partnerRefundNo="1" * 100)),
    Probe("refund number as number", "4000701", refund(partnerRefundNo=123)),
    Probe("list as body", "4005400", raw(b"[]")),
    # card data: one refusal for all
    Probe("card data in words", "4000101", card("garbage")),
    Probe("card data under another key", "4000101", card(sealed(CARD, shared_key="another-key-0001"))),
    Probe("card data in ECB", "4000101", card(_ecb())),
    Probe("card data with wrong padding", "4000101", card(_misfilled())),
    Probe("card that is no JSON", "4000101", card(sealed(b"not json at all!"))),
    Probe("card without members", "4000101", card(sealed({"bankCardNo": CPAN}))),
    Probe("card data in clear", "4000101", card(compact(CARD).decode())),
    Probe("card data in Base64", "4000101", card(b64(compact(CARD)))),
    Probe("card data behind a salt", "4000101", card(_salted())),
    Probe("card data behind its vector", "4000101", card(_prefixed())),
    # state
    Probe("duplicate reference", "4095401", duplicate),
    Probe("duplicate reference by token", "4095401", duplicate_by_token),
    Probe("race on a reference", "4095401", race_on_reference),
    Probe("race on an external id", "4095400", race_on_external_id),
    Probe("unknown card token", "4045411", pay_by_token(bankCardToken="never-issued-token")),
    Probe("another token with the same beginning", "4045411", pay_by_token(bankCardToken=CARD_TOKENS[0][:12])),
    Probe("card token in other case", "4045411", pay_by_token(bankCardToken=CARD_TOKENS[0].lower())),
    Probe("unknown CPAN", "4045411", pay(chargeToken="9360001609987000001")),
    Probe("wrong OTP", "4045415", pay(otp="87654321")),
    Probe("OTP of zeros", "4045415", pay(otp="00000000")),
    Probe("payment with an unbound card", "4045411", after_unbinding(CARD_TOKENS[0])),
    Probe("unbinding of an unknown token", "4040511", unbind("never-issued-token")),
    Probe("second unbinding", "4040511", unbound_twice),
    Probe("refund of an unknown payment", "4040701", refund(originalPartnerReferenceNo="never-paid")),
    Probe("refund of a refused payment", "4040701", refund_of_refused),
    Probe("same refund again", "4040718", same_refund),
    # robustness
    Probe("garbage", "4005400", raw(b"{")),
    Probe("trailing comma", "4005400", written("payment", lambda good: compact(good)[:-1] + b",}")),
    Probe("form", "4005400", raw(f"partnerReferenceNo=INV1&chargeToken={CPAN}&otp={OTP}".encode())),
    Probe("other octets", "4000100", written("bind", in_latin)),
    Probe("empty body", "4005400", raw(b"")),
    Probe("member twice", "4005400", raw(b'{"otp":"12345678","otp":"12345678"}')),
    Probe("deep nesting", "4005400", raw(_DEEP)),
    Probe("1 MiB", "4005401", raw(_BIG)),
    Probe("half a surrogate pair", "4005400", raw(b'{"partnerReferenceNo":"\\ud800"}')),
    Probe("very long header", "4005401", headed("payment", X_EXTERNAL_ID="1" * 9000)),
    Probe("GET", "4055400", lambda m: m.send(m.request("payment", m.cpan_body(), method="GET"))),
    Probe("unknown path", "4040002", lambda m: m.send(m.request("/direct-debit/core/v1/nowhere", m.cpan_body()))),
    # token requests
    Probe("no X-CLIENT-KEY", "4007302", token(headers={"X-CLIENT-KEY": None})),
    Probe("token request without time", "4007302", token(headers={"X-TIMESTAMP": None})),
    Probe("token request without signature", "4017300", token(headers={"X-SIGNATURE": None})),
    Probe("token request signed by another", "4017300", token(pem=OTHER_PRIVATE)),
    Probe("token request of a stranger", "4017300", token(client="BRN-9999")),
    Probe("token request at no time", "4007301", token(headers={"X-TIMESTAMP": "soon"})),
    Probe("token request of last week", "4017300", token(headers={"X-TIMESTAMP": stamp(NOW - timedelta(days=7))})),
    Probe("other grant", "4007301", token(body={"grantType": "password"})),
    Probe("no grant", "4007302", token(body={})),
    Probe("other grant for a customer", "4007401", token("b2b2c", {"grantType": "password", "authCode": AUTH_CODE})),
    Probe("no grant for a customer", "4007402", token("b2b2c", {"authCode": AUTH_CODE})),
    Probe("no authCode", "4007402", token("b2b2c", {"grantType": "authorization_code"})),
    Probe("no refreshToken", "4007402", token("b2b2c", {"grantType": "refresh_token"})),
    Probe("unknown authCode", "4017400", token("b2b2c", {"grantType": "authorization_code", "authCode": "never"})),
    Probe("unknown refreshToken", "4017400", token("b2b2c", {"grantType": "refresh_token", "refreshToken": "never"})),
    Probe("long authCode", "4007401", token("b2b2c", {"grantType": "authorization_code", "authCode": "a" * 257})),
)  # fmt: skip

# Either answer is right, so that none of these decides about a variant.
OPEN: tuple[Probe, ...] = (
    Probe("further refund of a payment", "2000700", refunded_again),
    Probe("very large number", "2005400", written("payment", large)),
    Probe("other content type", "2005400", headed("payment", Content_Type="text/plain")),
    Probe("bare customer token", "2005400", headed("payment", Authorization_customer=CUSTOMER)),
    Probe("X-TIMESTAMP in UTC", "2005400", headed("payment", X_TIMESTAMP="2026-05-26T03:00:00.000Z")),
)  # fmt: skip

PROBES = (*GOOD, *REFUSED, *OPEN)


def _twice(request: Request) -> Request:
    return replace(request, headers=request.headers.adding("CHANNEL-ID", "DH").adding("CHANNEL-ID", "H2H"))
