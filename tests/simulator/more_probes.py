"""Situations beyond `probes`: each check on the other kinds of a request, partial comparisons, lenient readers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kki.model.http import Request
from kki.simulator.outcomes import Result

from . import platform_probes, probes
from .probes import ALTERED, Probe, paid
from .support import (
    CARD,
    CARD_TOKENS,
    CLIENT,
    CPAN,
    CUSTOMER,
    NOW,
    OTP,
    PATHS,
    PRIVATE,
    SECRET,
    SHARED,
    Merchant,
    b64,
    compact,
    sealed,
    stamp,
)

Lines = Mapping[str, str | None]
Make = Callable[[Merchant, Lines], Request]


def _payment(body: str, **more: Any) -> Make:
    def make(m: Merchant, lines: Lines) -> Request:
        return m.request("payment", getattr(m, body)(additionalInfo=more), headers=dict(lines))

    return make


def _binding(channel: str | None, **changes: Any) -> Make:
    return lambda m, lines: m.request("bind", m.bind_body(**changes), headers={"CHANNEL-ID": channel, **lines})


def _unbinding(m: Merchant, lines: Lines) -> Request:
    return m.request("unbind", {"tokenId": CARD_TOKENS[0]}, headers={"CHANNEL-ID": "H2H", **lines})


def _refund(m: Merchant, lines: Lines) -> Request:
    return m.request("refund", m.refund_body(paid(m), originalExternalId="1234"), headers=dict(lines))


KINDS: dict[str, tuple[str, Make]] = {
    "payment by token": ("54", _payment("token_body")),
    "recurring payment": ("54", _payment("token_body", paymentType="RECURRING")),
    "payment that tokenises": ("54", _payment("cpan_body", isBindAndPay="true")),
    "binding under H2H": ("01", _binding("H2H")),
    "binding without channel": ("01", _binding(None)),
    "unbinding under H2H": ("05", _unbinding),
    "refund with external id": ("07", _refund),
}


def _sent(make: Make, **lines: str | None) -> Callable[[Merchant], Result]:
    return lambda m: m.send(make(m, {name.replace("_", "-"): value for name, value in lines.items()}))


def _resigned(make: Make) -> Callable[[Merchant], Result]:
    return lambda m: m.send(make(m, {}).with_header("X-SIGNATURE", "A" * 86 + "=="))


def _old(make: Make) -> Callable[[Merchant], Result]:
    return lambda m: m.send(make(m, {"X-TIMESTAMP": stamp(m.now - timedelta(days=2))}))


def _again(make: Make) -> Callable[[Merchant], Result]:
    def send(m: Merchant) -> Result:
        lines = {"X-EXTERNAL-ID": m.number()}
        m.send(make(m, lines))
        return m.send(make(m, lines))

    return send


def _of_each_kind() -> list[Probe]:
    found = []
    for name, (service, make) in KINDS.items():
        found += [
            Probe(f"{name}, wrong signature", f"401{service}00", _resigned(make)),
            Probe(f"{name}, altered token", f"401{service}01", _sent(make, Authorization=f"Bearer {ALTERED}")),
            Probe(f"{name}, two days old", f"401{service}00", _old(make)),
            Probe(f"{name}, external id again", f"409{service}00", _again(make)),
        ]
        if service in ("54", "07"):
            wrong = _sent(make, Authorization_customer="Bearer never")
            found.append(Probe(f"{name}, wrong customer token", f"401{service}02", wrong))
    return found


def _paid_again(body: str, **more: Any) -> Callable[[Merchant], Result]:
    """The reference of a payment, charged again by such a request."""

    def send(m: Merchant) -> Result:
        name = paid(m)
        return m.send(m.request("payment", getattr(m, body)(additionalInfo=more, partnerReferenceNo=name)))

    return send


_TOKENISING = {"additionalInfo": {"isBindAndPay": "true"}}
_RECURRING = {"additionalInfo": {"paymentType": "RECURRING"}}


def _token_request(operation: str, scheme: str) -> Callable[[Merchant], Result]:
    def send(m: Merchant) -> Result:
        request = m.b2b_request() if operation == "b2b" else m.b2b2c_request()
        text = f"{CLIENT}|{request.headers.get('X-TIMESTAMP')}".encode()
        return m.send(request.with_header("X-SIGNATURE", b64(_SCHEMES[scheme](text))))

    return send


_RSA = serialization.load_pem_private_key(PRIVATE.encode(), None)
assert isinstance(_RSA, rsa.RSAPrivateKey)
_KEY: rsa.RSAPrivateKey = _RSA
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
_SCHEMES: dict[str, Callable[[bytes], bytes]] = {
    "SHA-1": lambda text: _KEY.sign(text, padding.PKCS1v15(), hashes.SHA1()),  # what must be refused
    "SHA-512": lambda text: _KEY.sign(text, padding.PKCS1v15(), hashes.SHA512()),
    "PSS": lambda text: _KEY.sign(text, _PSS, hashes.SHA256()),
    "HMAC": lambda text: hmac.digest(SECRET.encode(), text, "sha512"),
}


def _at(operation: str, time: str) -> Callable[[Merchant], Result]:
    return probes.token(operation, headers={"X-TIMESTAMP": time})


def _refresh_as_code(m: Merchant) -> Result:
    refresh = probes.told(m.send(m.b2b2c_request()), "refreshToken")
    return m.send(m.b2b2c_request({"grantType": "authorization_code", "authCode": refresh}))


def _upper_digest(m: Merchant) -> Result:
    request = m.request("payment", m.cpan_body())
    digest = hashlib.sha256(request.body).hexdigest().upper()
    text = f"POST:{PATHS['payment']}:{m.b2b}:{digest}:{request.headers.get('X-TIMESTAMP')}"
    return m.send(request.with_header("X-SIGNATURE", b64(hmac.digest(SECRET.encode(), text.encode(), "sha512"))))


def _queried(m: Merchant) -> Result:
    request = m.request("payment", m.cpan_body())
    return m.send(replace(request, target=request.target + "?x=1"))


def _large_and_changed(m: Merchant) -> Result:
    request = m.request("payment", m.cpan_body(note="a" * 70_000))
    return m.send(replace(request, body=request.body[:-3] + b'b"}'))


def _refund_of_nearly(change: Callable[[str], str]) -> Callable[[Merchant], Result]:
    return lambda m: m.send(probes.refund_of(m, change(paid(m))))


_CARD = CARD_TOKENS[0]
_PARTIAL: tuple[Probe, ...] = (
    Probe("end of the signature changed", "4015400",
          probes.resigned(lambda s: s[:85] + ("Q" if s[85] == "A" else "A") + s[86:])),
    Probe("signed with the shared key", "4015400", probes.signed(secret=SHARED)),
    Probe("signed with the client id", "4015400", probes.signed(secret=CLIENT)),
    Probe("signed with no secret", "4015400", probes.signed(secret="")),
    Probe("signed for post", "4015400", probes.signed(method="post")),
    Probe("signed over an upper-case digest", "4015400", _upper_digest),
    Probe("signed with the scheme", "4015400", probes.signed(token=f"Bearer {probes.ISSUED}")),
    Probe("signed with the customer token", "4015400", probes.signed(token=CUSTOMER)),
    Probe("query added", "4015400", _queried),
    Probe("large body changed", "4015400", _large_and_changed),
    *(Probe(f"token request by {name}", "4017300", _token_request("b2b", name)) for name in _SCHEMES),
    Probe("token request two days ahead", "4017300", _at("b2b", stamp(NOW + timedelta(days=2)))),
    Probe("token request without a zone", "4007401", _at("b2b2c", "2026-05-26T10:00:00")),
    Probe("token request of month 13", "4007301", _at("b2b", "2026-13-26T10:00:00+07:00")),
    Probe("another end of the client", "4017300", probes.token(client=CLIENT[:-1] + "~")),
    Probe("refresh token as authCode", "4017400", _refresh_as_code),
    Probe("long refresh token", "4007401",
          probes.token("b2b2c", {"grantType": "refresh_token", "refreshToken": "r" * 513})),
    Probe("token request of garbage", "4007300", probes.token(body=b"{")),
    Probe("token request of null", "4007300", probes.token(body=b"null")),
    Probe("another end of X-PARTNER-ID", "4015400", probes.headed("payment", X_PARTNER_ID=CLIENT[:-1] + "9")),
    Probe("X-PARTNER-ID in other case", "4015400", probes.headed("payment", X_PARTNER_ID=CLIENT.lower())),
    Probe("customer token, another end", "4015402",
          probes.headed("payment", Authorization_customer=f"Bearer {CUSTOMER}x")),
    Probe("customer token, another beginning", "4015402",
          probes.headed("payment", Authorization_customer=f"Bearer x{CUSTOMER}")),
    Probe("customer token in capitals", "4015402",
          probes.headed("payment", Authorization_customer=f"Bearer {CUSTOMER.upper()}")),
    Probe("OTP with another end", "4045415", probes.pay(otp=OTP[:-1] + "0")),
    Probe("OTP with another beginning", "4045415", probes.pay(otp="0" + OTP[1:])),
    Probe("CPAN with another beginning", "4045411", probes.pay(chargeToken="8" + CPAN[1:])),
    Probe("card token with another beginning", "4045411", probes.pay_by_token(bankCardToken="x" + _CARD[1:])),
    Probe("card token and a blank", "4045411", probes.pay_by_token(bankCardToken=_CARD + " ")),
    Probe("token id cut", "4040511", probes.unbind(_CARD[:-1])),
    Probe("token id with another beginning", "4040511", probes.unbind("x" + _CARD[1:])),
    Probe("token id in other case", "4040511", probes.unbind(_CARD.swapcase())),
    Probe("token id in Base64", "4040511", probes.unbind(b64(_CARD.encode()))),
    Probe("refund of nearly that payment", "4040701", _refund_of_nearly(lambda name: name[:-1] + "1")),
    Probe("refund in other case", "4040701", _refund_of_nearly(str.swapcase)),
)  # fmt: skip


# --- memory ------------------------------------------------------------------------------------------


def _late(m: Merchant) -> Result:
    """An external id again after a dozen others, another body, another token."""
    lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()}
    m.send(m.request("bind", m.bind_body(), headers=lines))
    for _ in range(12):
        m.send(m.request("bind", m.bind_body()))
    return m.send(m.request("bind", m.bind_body(), headers=lines))


def _under_another_token(m: Merchant) -> Result:
    lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()}
    m.send(m.request("bind", m.bind_body(), headers=lines))
    m.b2b = probes.told(m.send(m.b2b_request()), "accessToken") or m.b2b
    return m.send(m.request("bind", m.bind_body(), headers=lines))


def _three_times(m: Merchant) -> Result:
    lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()}
    for _ in range(2):
        m.send(m.request("bind", m.bind_body(), headers=lines))
    return m.send(m.request("bind", m.bind_body(), headers=lines))


def _late_reference(m: Merchant) -> Result:
    first = paid(m)
    for _ in range(12):
        paid(m)
    return m.send(m.request("payment", m.cpan_body(partnerReferenceNo=first)))


def _charged_after_refund(m: Merchant) -> Result:
    first = paid(m)
    m.send(probes.refund_of(m, first))
    return m.send(m.request("payment", m.cpan_body(partnerReferenceNo=first)))


def _for_another_reason(m: Merchant) -> Result:
    body = m.refund_body(paid(m))
    m.send(m.request("refund", body))
    return m.send(m.request("refund", body | {"reason": "Another"}))


def _refund_of_an_unbound_card(m: Merchant) -> Result:
    body = m.token_body()
    m.send(m.request("payment", body))
    m.send(m.request("unbind", {"tokenId": body["bankCardToken"]}))
    return m.send(probes.refund_of(m, str(body["partnerReferenceNo"])))


UNTRUSTED: dict[str, dict[str, str | None]] = {
    "wrong signature": {"X-SIGNATURE": "A" * 86 + "=="},
    "wrong token": {"Authorization": "Bearer never"},
    "wrong customer token": {"Authorization-customer": "Bearer never"},
}


def _refund_after(lines: dict[str, str | None]) -> Callable[[Merchant], Result]:
    """Of a payment that these headers made fail."""

    def send(m: Merchant) -> Result:
        body = m.cpan_body()
        m.send(m.request("payment", body, headers=lines))
        return m.send(probes.refund_of(m, str(body["partnerReferenceNo"])))

    return send


def _after_a_refused(operation: str, lines: dict[str, str | None]) -> Callable[[Merchant], Result]:
    """A correct refund, or payment with the card, after a refund or unbinding that these headers made fail."""

    def send(m: Merchant) -> Result:
        body = m.refund_body(paid(m)) if operation == "refund" else {"tokenId": CARD_TOKENS[0]}
        m.send(m.request(operation, body, headers=lines))
        return m.send(m.request("refund", body) if operation == "refund" else m.request("payment", m.token_body()))

    return send


def _refreshed_after_a_refused(m: Merchant) -> Result:
    body = {"grantType": "refresh_token", "refreshToken": probes.told(m.send(m.b2b2c_request()), "refreshToken")}
    m.send(m.b2b2c_request(body, headers={"X-SIGNATURE": b64(b"x" * 256)}))
    return m.send(m.b2b2c_request(body))


_REMEMBERED: tuple[Probe, ...] = (
    Probe("external id much later", "4090100", _late),
    Probe("external id under another token", "4090100", _under_another_token),
    Probe("external id of a payment on a binding", "4090100", probes.replayed("bind")),
    Probe("external id a third time", "4090100", _three_times),
    Probe("reference much later", "4095401", _late_reference),
    Probe("reference after its refund", "4095401", _charged_after_refund),
    Probe("same refund for another reason", "4040718", _for_another_reason),
    *(Probe(f"refund of a payment with a {name}", "4040701", _refund_after(lines))
      for name, lines in UNTRUSTED.items()),
)  # fmt: skip


# --- readers -----------------------------------------------------------------------------------------


def _written(change: Callable[[bytes], bytes]) -> Callable[[Merchant], Result]:
    return probes.written("payment", lambda good: change(compact(good)))


def _inside(text: bytes) -> Callable[[Merchant], Result]:
    return _written(lambda body: body[:-1] + b',"x":' + text + b"}")


def _elsewhere(m: Merchant) -> Result:
    return m.send(m.request(PATHS["payment"].upper(), m.cpan_body()))


def _blanks(form: str) -> Callable[[Merchant], Result]:
    return probes.pay(note=form)


_TIME = "2026-05-26T10:00:00"
_READ: tuple[Probe, ...] = (
    Probe("text behind the JSON", "4005400", _written(lambda body: body + b" ok")),
    Probe("NaN", "4005400", _inside(b"NaN")),
    Probe("leading zero", "4005400", _inside(b"012")),
    Probe("line feed in a text", "4005400", _inside(b'"a\nb"')),
    Probe("comment", "4005400", _inside(b"1/* one */")),
    Probe("single quotes", "4005400", _written(lambda body: body.replace(b'"', b"'"))),
    Probe("UTF-16", "4005400", _written(lambda body: body.decode().encode("utf-16"))),
    Probe("path in capitals", "4040002", _elsewhere),
    Probe("offset +0700", "4005401", probes.headed("payment", X_TIMESTAMP=_TIME + "+0700")),
    Probe("text behind the time", "4005401", probes.headed("payment", X_TIMESTAMP=_TIME + "+07:00 WIB")),
    Probe("fraction on a binding", "4000101", probes.headed("bind", X_TIMESTAMP=_TIME + ".000+07:00")),
    Probe("Z on a binding", "4000101", probes.headed("bind", X_TIMESTAMP="2026-05-26T03:00:00Z")),
    Probe("minute 75", "4005401", probes.headed("payment", X_TIMESTAMP="2026-05-26T09:75:00+07:00")),
    Probe("second 61", "4005401", probes.headed("payment", X_TIMESTAMP="2026-05-26T10:00:61+07:00")),
    Probe("30 February", "4005401", probes.headed("payment", X_TIMESTAMP="2026-02-30T10:00:00+07:00")),
    Probe("26 hours old", "4015400", probes.aged(hours=-26)),
    Probe("external id with a sign", "4005401", probes.headed("payment", X_EXTERNAL_ID="-123")),
    Probe("octet of 281", "4000701", probes.headed("refund", X_IP_ADDRESS="192.168.1.281")),
    Probe("card data under the client secret", "4000101", probes.card(sealed(CARD, shared_key=SECRET))),
    Probe("card and text behind it", "4000101", probes.card(sealed(compact(CARD) + b" ok"))),
)  # fmt: skip

GOOD: tuple[Probe, ...] = (
    *probes.GOOD,
    Probe("two blanks in a text", "2005400", _blanks("two  blanks")),
    Probe("text in decomposed form", "2005400", _blanks("cafe\u0301")),
    Probe("external id of 36 digits", "2005400", probes.headed("payment", X_EXTERNAL_ID="9" * 36)),
    Probe("offset +00:00", "2005400", probes.headed("payment", X_TIMESTAMP="2026-05-26T03:00:00+00:00")),
    Probe("refund after an unbinding", "2000700", _refund_of_an_unbound_card),
    *(
        Probe(f"refund after one with a {name}", "2000700", _after_a_refused("refund", lines))
        for name, lines in UNTRUSTED.items()
    ),
    *(
        Probe(f"payment after an unbinding with a {name}", "2005400", _after_a_refused("unbind", lines))
        for name, lines in list(UNTRUSTED.items())[:2]
    ),
    Probe("refresh token after a wrong signature", "2007400", _refreshed_after_a_refused),
    *platform_probes.GOOD,
    Probe("charset named", "2005400", probes.headed("payment", Content_Type="application/json; charset=utf-8")),
)
REFUSED: tuple[Probe, ...] = (
    *probes.REFUSED,
    *_of_each_kind(),
    *_PARTIAL,
    *_REMEMBERED,
    *_READ,
    *platform_probes.REFUSED,
    Probe("card data under another key, H2H", "4000101",
          _sent(_binding("H2H", cardData=sealed({"a": "b"}, shared_key="another-key-0001")))),
    Probe("wrong OTP when tokenising", "4045415", probes.pay(otp="87654321", **_TOKENISING)),
    Probe("unknown CPAN when tokenising", "4045411", probes.pay(chargeToken="9360001609987000001", **_TOKENISING)),
    Probe("unknown card token when recurring", "4045411", probes.pay_by_token(bankCardToken="never", **_RECURRING)),
    Probe("duplicate reference when recurring", "4095401", _paid_again("token_body", paymentType="RECURRING")),
    Probe("duplicate reference when tokenising", "4095401", _paid_again("cpan_body", isBindAndPay="true")),
)  # fmt: skip
OPEN: tuple[Probe, ...] = (
    *probes.OPEN,
    *platform_probes.OPEN,
    Probe("bare B2B token", "4015401", probes.with_token(probes.ISSUED)),
    Probe("NUL in a text", "2005400", _inside(b'"\\u0000"')),
    Probe("text of 100,000 characters", "2005400", probes.pay(note="a" * 100_000)),
    Probe("byte order mark", "4005400", _written(lambda body: b"\xef\xbb\xbf" + body)),
    Probe("no Content-Type", "2005400", probes.headed("payment", Content_Type=None)),
    Probe("OPTIONS", "4055400", lambda m: m.send(m.request("payment", m.cpan_body(), method="OPTIONS"))),
)
PROBES = (*GOOD, *REFUSED, *OPEN)
