"""What the tests of the simulator share: a world in memory, and requests signed with hashlib and hmac alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from kki.edges.contract import load
from kki.edges.entropy import rsa_pair
from kki.model.contract import Contract
from kki.model.http import Headers, Request, Response
from kki.model.profile import Credentials, Profile, TestData
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT
from kki.simulator.outcomes import Result
from kki.simulator.server import answer
from kki.simulator.setup import setup_from
from kki.simulator.world import World

ROOT = Path(__file__).resolve().parents[2]
CONTRACT: Contract = load()
_KEYS = json.loads((ROOT / "openapi" / "vectors" / "token-signature.json").read_text("utf-8"))["keys"]
PRIVATE, OTHER_PRIVATE = _KEYS[0]["private_pem"], rsa_pair()[0]
_LOADED = {pem: serialization.load_pem_private_key(pem.encode(), None) for pem in (PRIVATE, OTHER_PRIVATE)}

NOW = datetime(2026, 5, 26, 10, 0, 0, tzinfo=timezone(timedelta(hours=7)))
CLIENT, OTHER_CLIENT = "BRN-0001-0000000000001", "BRN-0002-0000000000002"
OTHER_SECRET = "SK-harness-0002"
SECRET, SHARED = "SK-harness-0001", "shared-key-of-the-test-merchant"
CPAN, OTP = "9360001609987000000", "12345678"
CARD_TOKENS = ("TOKEN-KKI-ABC123XYZ", "de52e5820f4c381db88a1cf91d57b73e", "card-token-3", "card-token-4")
AUTH_CODE, CUSTOMER = "auth-code-0001", "customer-token-0001"
EXPIRED = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE2OTgwNTA3NDN9.c2ln"
CARD = {"bankCardNo": CPAN, "bankCardType": "D", "expiryDate": "1230"}
PATHS = {name: operation.path for name, operation in CONTRACT.operations.items()}

PROFILE = Profile(
    credentials=Credentials(client_id=CLIENT, client_secret=SECRET, shared_key=SHARED, private_key=PRIVATE),
    other_partner=Credentials(client_id=OTHER_CLIENT, client_secret=OTHER_SECRET, private_key=OTHER_PRIVATE),
    test_data=TestData(
        cpan=CPAN, otp=OTP, bank_card_tokens=CARD_TOKENS, auth_code=AUTH_CODE, customer_token=CUSTOMER,
        expired_b2b_token=EXPIRED, ip_address="192.168.1.1", card=CARD,
    ),
)  # fmt: skip


def a_world(
    behaviour: Behaviour = CORRECT, *, readings: dict[str, str] | None = None, contract: Contract = CONTRACT
) -> World:
    profile = replace(PROFILE, readings=readings or {})
    return World(setup_from(profile, contract, issuer_key=OTHER_PRIVATE), behaviour)


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def rsa_signature(text: str, pem: str = PRIVATE) -> str:
    key = _LOADED[pem]
    return base64.b64encode(key.sign(text.encode(), rsa_padding.PKCS1v15(), hashes.SHA256())).decode()


def hmac_signature(method: str, target: str, token: str, body: bytes, timestamp: str, secret: str = SECRET) -> str:
    """Independent of snap; the caller hands in a body that is minified already."""
    text = f"{method}:{target}:{token}:{hashlib.sha256(body).hexdigest()}:{timestamp}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha512).digest()).decode()


def sealed(
    plain: bytes | dict[str, str], *, shared_key: str = SHARED, iv: bytes = bytes(range(16)), mode: str = "cbc"
) -> str:
    """ciphertext|iv, as the official SDKs make it."""
    octets = compact(plain) if isinstance(plain, dict) else plain
    padder = padding.PKCS7(128).padder()
    blocks = padder.update(octets) + padder.finalize()
    key = shared_key.encode()[:16].ljust(16, b"-")
    return f"{b64(raw_encrypted(blocks, key, iv, mode))}|{b64(iv)}"


def raw_encrypted(blocks: bytes, key: bytes, iv: bytes, mode: str = "cbc") -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv) if mode == "cbc" else modes.ECB()).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


@dataclass
class Merchant:
    """A correct client of one world. Each request may be changed before (`headers`, `body`) or after signing."""

    world: World
    now: datetime = NOW
    b2b: str = ""
    customer: str = CUSTOMER
    _ids: Any = field(default_factory=lambda: itertools.count(418075533589))
    _fresh: Any = field(default_factory=lambda: itertools.count(1))

    def fresh(self, characters: int) -> str:
        """Unlike any other, and the same in each test."""
        return hashlib.sha256(str(next(self._fresh)).encode()).hexdigest().ljust(characters, "0")[:characters]

    def number(self) -> str:
        return str(next(self._ids))

    def reference(self) -> str:
        return f"INV{self.number()}".ljust(32, "0")

    def send(self, request: Request, after: timedelta = timedelta(0)) -> Result:
        return answer(self.world, request, self.now + after, self.fresh)

    def ask(self, request: Request) -> Response:
        result = self.send(request)
        assert isinstance(result, Response), result
        return result

    def token(self) -> str:
        if not self.b2b:
            value = reply(self.ask(self.b2b_request())).get("accessToken")
            self.b2b = str(value)
        return self.b2b

    # -- requests --------------------------------------------------------------------------------

    def b2b_request(self, body: Any = None, **changes: Any) -> Request:
        return self._token_request("b2b", {"grantType": "client_credentials"} if body is None else body, **changes)

    def b2b2c_request(self, body: Any = None, **changes: Any) -> Request:
        good = {"grantType": "authorization_code", "authCode": AUTH_CODE}
        return self._token_request("b2b2c", good if body is None else body, **changes)

    def _token_request(
        self,
        operation: str,
        body: Any,
        *,
        client: str = CLIENT,
        pem: str = PRIVATE,
        headers: dict[str, str | None] | None = None,
    ) -> Request:
        lines: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-CLIENT-KEY": client,
            "X-TIMESTAMP": stamp(self.now),
        }
        lines |= headers or {}
        if "X-SIGNATURE" not in lines:
            lines["X-SIGNATURE"] = rsa_signature(f"{lines['X-CLIENT-KEY'] or ''}|{lines['X-TIMESTAMP'] or ''}", pem)
        return Request(method="POST", target=PATHS[operation], headers=_headers(lines), body=_octets(body))

    def request(
        self,
        operation: str,
        body: Any,
        *,
        headers: dict[str, str | None] | None = None,
        method: str = "POST",
        target: str | None = None,
        signed_body: bytes | None = None,
        sign: dict[str, Any] | None = None,
    ) -> Request:
        """Signed over what is sent, unless `sign` says otherwise. A header of None is left out before signing."""
        lines: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-TIMESTAMP": stamp(self.now),
            "X-PARTNER-ID": CLIENT,
            "X-EXTERNAL-ID": self.number(),
            "Authorization": f"Bearer {self.token()}",
        }
        if operation in ("payment", "refund"):
            lines["Authorization-customer"] = f"Bearer {self.customer}"
        if operation == "refund":
            lines["X-IP-ADDRESS"] = "192.168.1.1"
        lines |= headers or {}
        octets = _octets(body)
        target = target if target is not None else PATHS.get(operation, operation)
        if "X-SIGNATURE" not in lines:
            parts = {
                "method": method, "target": target, "token": (lines["Authorization"] or "").split(" ")[-1],
                "body": octets if signed_body is None else signed_body, "timestamp": lines["X-TIMESTAMP"] or "",
            } | (sign or {})  # fmt: skip
            lines["X-SIGNATURE"] = hmac_signature(**parts)
        return Request(method=method, target=target, headers=_headers(lines), body=octets, origin="http://localhost:1")

    # -- bodies ----------------------------------------------------------------------------------

    def cpan_body(self, **changes: Any) -> dict[str, Any]:
        return _changed({"partnerReferenceNo": self.reference(), "chargeToken": CPAN, "otp": OTP}, changes)

    def token_body(self, **changes: Any) -> dict[str, Any]:
        return _changed({"partnerReferenceNo": self.reference(), "bankCardToken": CARD_TOKENS[0]}, changes)

    def bind_body(self, **changes: Any) -> dict[str, Any]:
        good = {
            "partnerReferenceNo": self.reference(), "cardData": sealed(CARD), "custIdMerchant": "CUST001",
            "journeyId": "journey-1", "phoneNo": "08123456789",
        }  # fmt: skip
        return _changed(good, changes)

    def refund_body(self, original: str, **changes: Any) -> dict[str, Any]:
        good = {
            "originalPartnerReferenceNo": original,
            "reason": "Request by Customer",
            "partnerRefundNo": self.number(),
        }
        return _changed(good, changes)

    # -- whole operations ------------------------------------------------------------------------

    def pay(self, body: Any = None, **changes: Any) -> Response:
        return self.ask(self.request("payment", self.cpan_body() if body is None else body, **changes))

    def bind(self, body: Any = None, **changes: Any) -> Response:
        return self.ask(self.request("bind", self.bind_body() if body is None else body, **changes))

    def unbind(self, token: Any = CARD_TOKENS[0], **changes: Any) -> Response:
        return self.ask(self.request("unbind", {"tokenId": token}, **changes))

    def refund(self, original: str, *, body: Any = None, **changes: Any) -> Response:
        return self.ask(self.request("refund", self.refund_body(original) if body is None else body, **changes))

    def paid(self) -> str:
        """The reference of a payment that succeeded."""
        body = self.cpan_body()
        assert code(self.pay(body)) == "2005400"
        return str(body["partnerReferenceNo"])


ABSENT = object()


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (good | changes).items() if value is not ABSENT}


def _headers(lines: dict[str, str | None]) -> Headers:
    return Headers.of((name, value) for name, value in lines.items() if value is not None)


def _octets(body: Any) -> bytes:
    return body if isinstance(body, bytes) else compact(body)


def a_merchant(behaviour: Behaviour = CORRECT, **others: Any) -> Merchant:
    return Merchant(a_world(behaviour, **others))


def reply(response: Response) -> dict[str, Any]:
    value = json.loads(response.body)
    assert isinstance(value, dict)
    return value


def code(response: Response) -> str:
    """responseCode of a reply that keeps the envelope."""
    body = reply(response)
    assert response.headers.get("Content-Type") == "application/json"
    assert response.status == int(body["responseCode"][:3])
    assert 1 <= len(body["responseMessage"]) <= 150
    return str(body["responseCode"])
