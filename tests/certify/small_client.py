# ruff: noqa: ARG005 - a hook is handed everything, and the right one seldom needs it
"""A small correct client of the API, with a hook for everything that a merchant can get wrong.

Own signing and sealing code (hashlib, hmac, cryptography), so that nothing here agrees with the harness by
construction. `Ways` are the hooks; a faulty merchant is this client with one of them changed (`merchants.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

JAKARTA = timezone(timedelta(hours=7))
LONG_AGO = datetime.min.replace(tzinfo=UTC)
PATHS = {
    "b2b": "/authorization/v1/access-token/b2b",
    "b2b2c": "/authorization/v1/access-token/b2b2c",
    "payment": "/direct-debit/core/v1/debit/payment-host-to-host",
    "refund": "/direct-debit/core/v1/debit/refund",
    "bind": "/direct-debit/core/v1/registration-card-bind",
    "unbind": "/direct-debit/core/v1/registration-card-unbind",
}
Lines = list[tuple[str, str]]
Members = dict[str, Any]

# How the reference of an order begins that is to meet this trouble.
SCENARIOS: Mapping[str, str] = {
    "expired-token": "EXPIREDTOKEN",
    "insufficient-funds": "INSUFFICIENTFUNDS",
    "card-blocked": "CARDBLOCKED",
    "conflict": "CONFLICT",
    "duplicate": "DUPLICATE",
    "too-many-requests": "TOOMANYREQUESTS",
    "server-error": "SERVERERROR",
    "gateway-timeout": "GATEWAYTIMEOUT",
    "no-reply": "NOREPLY",
    "unknown-case": "UNKNOWNCASE",
    "extra-members": "EXTRAMEMBERS",
    "slow-reply": "SLOWREPLY",
    "closed-connection": "CLOSEDCONNECTION",
}


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What the merchant was given."""

    client_id: str
    client_secret: str = field(repr=False)
    shared_key: str = field(repr=False)
    private_key: str = field(repr=False)
    cpan: str
    otp: str
    card_tokens: tuple[str, ...]
    auth_code: str = ""  # of an earlier binding
    ip_address: str = "192.168.1.1"
    expired_token: str = ""  # issued long ago
    card: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Any) -> Kit:
        """From a profile of the harness."""
        held, data = profile.credentials, profile.test_data
        return cls(
            client_id=held.client_id, client_secret=held.client_secret, shared_key=held.shared_key,
            private_key=held.private_key, cpan=data.cpan, otp=data.otp, card_tokens=tuple(data.bank_card_tokens),
            auth_code=data.auth_code or "",
            ip_address=data.ip_address or "192.168.1.1", expired_token=data.expired_b2b_token or "",
            card=dict(data.card or {"bankCardNo": data.cpan, "bankCardType": "D", "expiryDate": "1230"}),
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """`status` 0: nothing came."""

    status: int = 0
    members: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float = 0.0
    text: str = ""
    took: float = 0.0

    @property
    def case(self) -> str:
        code = self.members.get("responseCode", "")
        return f"{code[:3]}/{code[5:]}" if isinstance(code, str) and len(code) == 7 else f"{self.status}/"

    @property
    def done(self) -> bool:
        return self.case == "200/00"


class Wire(Protocol):
    """The way to the server, and the clock."""

    def send(self, method: str, target: str, lines: Lines, body: bytes) -> Answer: ...

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


# --- what a correct client does ------------------------------------------------------------------------


def compact(members: Any) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Of a string to sign; `customer`, `first_token` and `url` are only there to be confused with the right ones."""

    method: str
    path: str
    token: str
    digest: str
    at: str
    customer: str = ""
    first_token: str = ""


def string_to_sign(parts: Parts) -> str:
    return f"{parts.method}:{parts.path}:{parts.token}:{parts.digest}:{parts.at}"


def hmac_sha512(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha512).digest()


@lru_cache(maxsize=8)
def rsa_key(pem: str) -> Any:
    return serialization.load_pem_private_key(pem.encode(), None)


def rsa(pem: str, text: str) -> bytes:
    made: bytes = rsa_key(pem).sign(text.encode(), rsa_padding.PKCS1v15(), hashes.SHA256())
    return made


def aes_cbc(plain: bytes, key: bytes, iv: bytes) -> bytes:
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def aes_key(text: str) -> bytes:
    return text.encode()[:16].ljust(16, b"-")


def seal(kit: Kit, plain: bytes) -> str:
    iv = secrets.token_bytes(16)
    return f"{b64(aes_cbc(plain, aes_key(kit.shared_key), iv))}|{b64(iv)}"


def stamp(_operation: str, now: datetime) -> str:
    return now.astimezone(JAKARTA).isoformat(timespec="seconds")


def external_id(_operation: str, count: int) -> str:
    """Digits; unique over the processes of one day by chance, within one by counting."""
    return f"{secrets.randbelow(10**12):012}{count:06}"


def reference(begin: str, _count: int) -> str:
    return (begin + secrets.token_hex(16))[:32]


def refund_number(_count: int) -> str:
    return secrets.token_hex(6)


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How this merchant does things. Every default is right. `operation` is a key of PATHS."""

    # the body, and the signature over it
    method: Callable[[str], str] = lambda operation: "POST"
    members: Callable[[str, Members, Kit], Members] = lambda operation, members, kit: members
    written: Callable[[str, Members], bytes] = lambda operation, members: compact(members)
    digested: Callable[[bytes], bytes] = lambda body: body
    digest: Callable[[bytes], str] = lambda body: hashlib.sha256(body).hexdigest()
    text: Callable[[Parts], str] = string_to_sign
    key: Callable[[Kit], bytes] = lambda kit: kit.client_secret.encode()
    mac: Callable[[bytes, str], bytes] = hmac_sha512
    encoded: Callable[[bytes], str] = b64
    signature: Callable[[Kit, str], str] | None = None  # in place of key, mac and encoded
    sent: Callable[[str, bytes], bytes] = lambda operation, body: body  # after signing
    # headers
    stamp: Callable[[str, datetime], str] = stamp
    external_id: Callable[[str, int], str] = external_id
    lines: Callable[[str, Lines], Lines] = lambda operation, lines: lines  # before signing
    late: Callable[[str, Lines], Lines] = lambda operation, lines: lines  # after signing
    token_used: Callable[[str, Kit, str], str] = lambda token, kit, customer: token  # in header and signature
    # token requests
    token_stamp: Callable[[datetime], str] = lambda now: stamp("", now)
    token_members: Callable[[str, Members], Members] = lambda operation, members: members
    token_client: Callable[[Kit], str] = lambda kit: kit.client_id
    token_text: Callable[[str, str], str] = lambda client, at: f"{client}|{at}"
    token_signature: Callable[[Kit, str], str] = lambda kit, text: b64(rsa(kit.private_key, text))
    token_late: Callable[[Lines], Lines] = lambda lines: lines
    # card data
    card: Callable[[Members], Any] = lambda card: card
    seal: Callable[[Kit, bytes], str] = seal
    # names
    reference: Callable[[str, int], str] = reference
    refund_number: Callable[[int], str] = refund_number
    binding_reference: Callable[[int], str] = lambda count: reference("", count)
    refunded: Callable[[str], str] = lambda paid: paid
    # conduct
    renews_token: bool = True  # after 401/01
    keeps_customer: bool = False  # tries again with a customer token that was refused
    hoards_tokens: bool = True  # uses one until it ends
    renumbers: bool = True  # X-EXTERNAL-ID, for every attempt
    remakes: bool = True  # X-TIMESTAMP and signature, for every attempt
    charges_anew_after: frozenset[str] = frozenset()  # under a new reference: "lost", "504", "500", "409/01", "odd"
    repeats_odd: bool = False  # the same charge again after a reply that surprised it
    waits: float = 1.0  # seconds after 429, at least
    obeys_retry_after: bool = True
    insists: bool = False  # after a refusal for a business reason
    retypes_otp: bool = True  # another OTP after a wrong one
    follows: Callable[[str], str] = lambda url: url  # where it sends the customer
    uses_unbound: bool = False


# --- the client -----------------------------------------------------------------------------------------


@dataclass
class SmallClient:
    kit: Kit
    wire: Wire
    ways: Ways = field(default_factory=Ways)
    scenarios: Mapping[str, str] = field(default_factory=lambda: SCENARIOS)
    token: str = ""
    ends: datetime = LONG_AGO
    first_token: str = ""
    customer: str = ""
    count: int = 0

    # -- tokens

    def fetch(self, operation: str, members: Members) -> Answer:
        ways, at = self.ways, self.ways.token_stamp(self.wire.now())
        client = ways.token_client(self.kit)
        lines = [
            ("Content-Type", "application/json"), ("X-CLIENT-KEY", client), ("X-TIMESTAMP", at),
            ("X-SIGNATURE", ways.token_signature(self.kit, ways.token_text(client, at))),
        ]  # fmt: skip
        body = compact(ways.token_members(operation, members))
        return self.wire.send("POST", PATHS[operation], ways.token_late(lines), body)

    def good_token(self) -> str:
        if self.token and self.ways.hoards_tokens and self.wire.now() < self.ends:
            return self.token
        told = self.fetch("b2b", {"grantType": "client_credentials"}).members
        self.token = str(told.get("accessToken", ""))
        self.first_token = self.first_token or self.token
        self.ends = self.wire.now() + timedelta(seconds=int(told.get("expiresIn", 0)) - 10)
        return self.token

    # -- one request

    def attempt(self, operation: str, members: Members, more: Lines, last: Lines | None) -> tuple[Answer, Lines]:
        """Of these members; `last`: the lines of the attempt before, for those who keep something of it."""
        ways = self.ways
        token = ways.token_used(self.good_token(), self.kit, self.customer)
        self.count += 1
        body = ways.written(operation, ways.members(operation, dict(members), self.kit))
        before = dict(last or [])
        at = before.get("X-TIMESTAMP") if last and not ways.remakes else ways.stamp(operation, self.wire.now())
        number = before.get("X-EXTERNAL-ID") if last and not ways.renumbers else ways.external_id(operation, self.count)
        lines = [
            ("Content-Type", "application/json"), ("X-TIMESTAMP", at or ""), ("X-PARTNER-ID", self.kit.client_id),
            ("X-EXTERNAL-ID", number or ""), ("Authorization", f"Bearer {token}"), *more,
        ]  # fmt: skip
        lines = ways.lines(operation, lines)
        lines.append(("X-SIGNATURE", self.signature(operation, body, token, dict(lines).get("X-TIMESTAMP", ""))))
        lines = ways.late(operation, lines)
        return self.wire.send(ways.method(operation), PATHS[operation], lines, ways.sent(operation, body)), lines

    def signature(self, operation: str, body: bytes, token: str, at: str) -> str:
        ways = self.ways
        parts = Parts(
            method="POST", path=PATHS[operation], token=token, digest=ways.digest(ways.digested(body)), at=at,
            customer=self.customer, first_token=self.first_token,
        )  # fmt: skip
        if ways.signature is not None:
            return ways.signature(self.kit, ways.text(parts))
        return ways.encoded(ways.mac(ways.key(self.kit), ways.text(parts)))

    # -- a request, until it is settled

    def ask(self, operation: str, members: Members, *more: tuple[str, str]) -> Answer:
        """Three attempts at most, the right thing done between them."""
        answer, last = Answer(), None
        for _ in range(3):
            lines = list(more)
            if operation in ("payment", "refund") and self.customer:
                lines.append(("Authorization-customer", f"Bearer {self.customer}"))
            answer, last = self.attempt(operation, members, lines, last)
            if not self._once_more(answer, members):
                break
        return answer

    def _once_more(self, answer: Answer, members: Members) -> bool:
        ways = self.ways
        if answer.case in ("401/01", "401/03"):
            self.token = "" if ways.renews_token else self.token
            return True
        if answer.case in ("401/02", "401/04") and ways.keeps_customer:
            return True
        if answer.status == 429:
            self.wire.sleep(max(ways.waits, answer.retry_after if ways.obeys_retry_after else 0))
            return True
        kind = "lost" if not answer.status else "504" if answer.status == 504 else "500" if answer.status >= 500 else ""
        if kind:
            self.wire.sleep(0.1)
            if kind in ways.charges_anew_after and "partnerReferenceNo" in members:
                members["partnerReferenceNo"] = ways.reference("", self.count)
            return True
        return answer.case == "409/00"

    def pay(self, begin: str, charge: Members) -> Answer:
        """A payment under a new reference; what a merchant may do wrong afterwards, it does here."""
        ways = self.ways
        members = {"partnerReferenceNo": ways.reference(begin, self.count), **charge}
        answer = self.ask("payment", members)
        if ways.insists and answer.case in ("403/14", "403/07"):
            self.ask("payment", members)
        if answer.case == "409/01" and "409/01" in ways.charges_anew_after:
            self.ask("payment", {**members, "partnerReferenceNo": ways.reference("", self.count)})
        if self._surprised(answer):
            if ways.repeats_odd:
                self.ask("payment", members)
            if "odd" in ways.charges_anew_after:
                self.ask("payment", {**members, "partnerReferenceNo": ways.reference("", self.count)})
        return Answer(answer.status, {**answer.members, "_reference": members.get("partnerReferenceNo", "")})

    @staticmethod
    def _surprised(answer: Answer) -> bool:
        usual = {"responseCode", "responseMessage", "referenceNo"}
        return answer.case.endswith("/77") or bool(set(answer.members) - usual) or answer.took >= 3

    # -- the flow

    def day(self) -> None:
        """Everything that a merchant does, and everything that may happen to it."""
        if not self.good_token():
            return
        self.get_customer_token()
        kit = self.kit
        cpan, token = {"chargeToken": kit.cpan, "otp": kit.otp}, {"bankCardToken": kit.card_tokens[0]}
        if self.customer:
            self.pay_and_refund(cpan, token)
        self.bind_on_dokus_page()
        if self.customer:
            for begin in self.scenarios.values():
                self.wire.sleep(0.05)
                self.pay(begin, {**cpan, "additionalInfo": {"order": begin}})
            self.pay("", cpan)
        self.ask("unbind", {"tokenId": kit.card_tokens[-1]})
        if self.ways.uses_unbound:
            self.wire.sleep(5)
            self.pay("", {"bankCardToken": kit.card_tokens[-1]})

    def pay_and_refund(self, cpan: Members, token: Members) -> None:
        self.mistyped(cpan)
        paid = [
            self.pay("", cpan),
            self.pay("", {**cpan, "additionalInfo": {"isBindAndPay": "true"}}),
            self.pay("", token),
            self.pay("", {**token, "additionalInfo": {"paymentType": "RECURRING"}}),
        ]
        for number, one in enumerate(each for each in paid[:2] if each.done):
            self.refund(str(one.members["_reference"]), number)

    def get_customer_token(self) -> None:
        bound = self.bind("H2H")
        info = bound.members.get("additionalInfo")
        code = info.get("authCode") if isinstance(info, dict) else self.kit.auth_code
        if code:
            told = self.fetch("b2b2c", {"grantType": "authorization_code", "authCode": code})
            self.customer = str(told.members.get("accessToken", ""))

    def bind(self, channel: str) -> Answer:
        card = compact(self.ways.card(dict(self.kit.card)))
        members = {
            "partnerReferenceNo": self.ways.binding_reference(self.count), "cardData": self.ways.seal(self.kit, card),
            "custIdMerchant": f"CUST{secrets.token_hex(4)}", "journeyId": f"journey-{secrets.token_hex(4)}",
            "phoneNo": "08123456789",
        }  # fmt: skip
        return self.ask("bind", members, ("CHANNEL-ID", channel))

    def mistyped(self, cpan: Members) -> None:
        """A wrong OTP, and then the right one for the same payment."""
        members = {"partnerReferenceNo": self.ways.reference("", self.count), **cpan}
        wrong = {**members, "otp": ("9" if self.kit.otp[0] != "9" else "8") + self.kit.otp[1:]}
        if self.ask("payment", wrong).case == "404/15":
            self.ask("payment", members if self.ways.retypes_otp else wrong)

    def refund(self, paid: str, count: int) -> Answer:
        members = {
            "originalPartnerReferenceNo": self.ways.refunded(paid), "reason": "Dana kembali, café <50%> & lain/lain",
            "partnerRefundNo": self.ways.refund_number(count),
        }  # fmt: skip
        return self.ask("refund", members, ("X-IP-ADDRESS", self.kit.ip_address))

    def bind_on_dokus_page(self) -> None:
        url = self.bind("DH").members.get("redirectUrl")
        if not isinstance(url, str):
            return
        page = self._visit("GET", self.ways.follows(url), b"")
        for otp in ("9" + self.kit.otp[1:], self.kit.otp):
            action = re.search(r'<form\b[^>]*\baction="([^"]*)"', page.text)
            if "<form" not in page.text:
                return
            fields = dict(re.findall(r'<input\b[^>]*\bname="([^"]+)"[^>]*?(?:\bvalue="([^"]*)")?[^>]*>', page.text))
            target = urljoin(url, action[1] if action and action[1] else url)
            page = self._visit("POST", target, urlencode({**fields, "otp": otp}).encode())

    def _visit(self, method: str, url: str, body: bytes) -> Answer:
        parts = urlsplit(url)
        lines = [("Content-Type", "application/x-www-form-urlencoded")] if body else []
        return self.wire.send(method, parts.path + (f"?{parts.query}" if parts.query else ""), lines, body)


# --- over a socket --------------------------------------------------------------------------------------


@dataclass
class Socket:
    """One connection a request, closed after it."""

    base_url: str
    timeout_s: float = 5.0

    def send(self, method: str, target: str, lines: Lines, body: bytes) -> Answer:
        parts, began = urlsplit(self.base_url), time.monotonic()
        line = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=self.timeout_s)
        try:
            line.putrequest(method, target, skip_accept_encoding=True)
            for name, value in [*lines, ("Content-Length", str(len(body)))]:
                line.putheader(name, value.encode("latin-1", "replace"))
            line.endheaders(body)
            return self._read(line.getresponse(), began)
        except (OSError, HTTPException):
            return Answer()
        finally:
            line.close()

    @staticmethod
    def _read(came: HTTPResponse, began: float) -> Answer:
        octets = came.read()
        return answer_of(came.status, octets, came.getheader("Retry-After") or "", time.monotonic() - began)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def answer_of(status: int, octets: bytes, retry_after: str, took: float) -> Answer:
    try:
        members = json.loads(octets)
    except ValueError:
        members = {}
    wait = float(retry_after) if retry_after.isdigit() else 0.0
    text = octets.decode("utf-8", "replace")
    return Answer(status, members if isinstance(members, dict) else {}, wait, text, took)
