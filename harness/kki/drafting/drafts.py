"""Valid intentions: `a_payment(kit)`, `a_binding(kit)` and their kin, and how they are signed.

A `Draft` is a request without its signature plus a `SignPlan`. Whoever sends it calls `signed` on the final bytes,
so that a spoiled draft is either mutated and then signed, or signed and then broken in exactly one place.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kki.model.contract import Contract
from kki.model.http import Headers, Request
from kki.model.profile import Credentials, TestData
from kki.snap import asymmetric, carddata, signature
from kki.snap.canonical import Malformed, body_digest, minified, string_to_sign

Json = Any
AfterSigning = Callable[[Request], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Everything a draft needs that must not be made up here: fresh ids, the time, tokens, test data."""

    contract: Contract
    credentials: Credentials
    test_data: TestData
    timestamp: str
    external_id: str
    reference: str  # 32 letters and digits: the only form every reading lets refund
    refund_no: str  # at most 12
    iv: bytes
    b2b_token: str = ""
    customer_token: str = ""
    card_token: str = ""
    readings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignPlan:
    """What goes into the signature where it is not what is sent. None: as sent."""

    kind: str = "symmetric"  # "symmetric" | "asymmetric" | "none"
    method: str | None = None
    target: str | None = None
    body: bytes | None = None
    token: str | None = None
    timestamp: str | None = None
    secret: str | None = None
    key: str = "client_secret"  # which of the credentials is taken for the secret
    digest: Callable[[str], str] = str  # what becomes of the body's digest
    scheme: str = ""  # of a token request: another algorithm, as `snap.crypto.rsa_otherwise` names it, or "hmac"
    client_id: str | None = None
    private_key: str | None = None
    raw: bool = False  # digest over the bytes as they are, not minified
    separator: str = ":"
    hash_name: str = "sha512"
    encode: Callable[[bytes], str] = signature.encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    operation: str
    request: Request
    plan: SignPlan = field(default_factory=SignPlan)
    after: tuple[AfterSigning, ...] = ()
    mutations: tuple[str, ...] = ()
    exact: bool = False  # only the raw door can send it: duplicate or malformed header lines

    def with_body(self, body: bytes) -> Draft:
        return replace(self, request=replace(self.request, body=body))

    def with_json(self, value: Json) -> Draft:
        return self.with_body(compact(value))

    @property
    def json(self) -> dict[str, Json]:
        """The body's object. Drafts that were spoiled into something else have none: ValueError."""
        value = json.loads(self.request.body)
        if not isinstance(value, dict):
            raise ValueError(f"Expected a draft whose body is a JSON object, but got {type(value).__name__}.")
        return value

    def having(self, **members: Json) -> Draft:
        return self.with_json({**self.json, **members})

    def lacking(self, *members: str) -> Draft:
        return self.with_json({name: value for name, value in self.json.items() if name not in members})

    def with_header(self, name: str, value: str) -> Draft:
        return replace(self, request=self.request.with_header(name, value))

    def without_header(self, name: str) -> Draft:
        return replace(self, request=self.request.without_header(name))

    def planned(self, **changes: Any) -> Draft:
        return replace(self, plan=replace(self.plan, **changes))

    def then(self, change: AfterSigning, *, exact: bool = False) -> Draft:
        """With one more change after signing."""
        return replace(self, after=(*self.after, change), exact=self.exact or exact)


def compact(value: Json) -> bytes:
    """JSON as it leaves us: already minified, UTF-8, so that both readings of the body digest agree."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


# --- signing ------------------------------------------------------------------------------------


def signed(request: Request, plan: SignPlan, credentials: Credentials) -> Request:
    """The request with its X-SIGNATURE. Signs rubbish too: a probe must never become our own crash."""
    if plan.kind == "none" or "X-SIGNATURE" in request.headers:
        return request
    text = (
        _asymmetric(request, plan, credentials) if plan.kind == "asymmetric" else _symmetric(request, plan, credentials)
    )
    return request.with_header("X-SIGNATURE", text)


def _symmetric(request: Request, plan: SignPlan, credentials: Credentials) -> str:
    text = string_to_sign(
        plan.method if plan.method is not None else request.method,
        plan.target if plan.target is not None else request.target,
        plan.token if plan.token is not None else token_of(request),
        plan.digest(body_digest(_digested(plan.body if plan.body is not None else request.body, plan.raw))),
        plan.timestamp if plan.timestamp is not None else request.headers.get("X-TIMESTAMP") or "",
    )
    if plan.separator != ":":
        text = text.replace(":", plan.separator)
    secret = plan.secret if plan.secret is not None else getattr(credentials, plan.key) or ""
    if plan.hash_name == "sha512":
        return plan.encode(signature.mac(secret, text))
    return plan.encode(
        hmac.new(secret.encode(), text.encode("utf-8", "surrogatepass"), hashlib.new(plan.hash_name).name).digest()
    )


def _digested(body: bytes, raw: bool) -> bytes:
    reduced = body if raw else minified(body)
    return body if isinstance(reduced, Malformed) else reduced


def _asymmetric(request: Request, plan: SignPlan, credentials: Credentials) -> str:
    client_id = plan.client_id if plan.client_id is not None else request.headers.get("X-CLIENT-KEY") or ""
    timestamp = plan.timestamp if plan.timestamp is not None else request.headers.get("X-TIMESTAMP") or ""
    pem = plan.private_key or credentials.private_key or ""
    if plan.scheme == "hmac":
        return signature.encoded(signature.mac(credentials.client_secret or "", f"{client_id}|{timestamp}"))
    if plan.scheme:
        text = asymmetric.sign_otherwise(
            client_id=client_id, timestamp=timestamp, private_key_pem=pem, scheme=plan.scheme
        )
    else:
        text = asymmetric.sign_token_request(client_id=client_id, timestamp=timestamp, private_key_pem=pem)
    return "" if isinstance(text, Malformed) else text


def token_of(request: Request) -> str:
    """The B2B token as the string to sign wants it: without its scheme."""
    value = request.headers.get("Authorization") or ""
    return value[7:] if value[:7].lower() == "bearer " else value


# --- drafts -------------------------------------------------------------------------------------


def _headers(kit: Kit, operation: str) -> Headers:
    """Every header the contract lists for this operation, in the contract's order, with its good value."""
    values = {
        "x-timestamp": kit.timestamp,
        "x-partner-id": kit.credentials.client_id or "",
        "x-client-key": kit.credentials.client_id or "",
        "x-external-id": kit.external_id,
        "authorization": f"Bearer {kit.b2b_token}",
        "authorization-customer": f"Bearer {kit.customer_token}",
        "x-ip-address": kit.test_data.ip_address or "192.168.1.1",
        "channel-id": "DH",
        "content-type": "application/json",
    }
    names = [fact.name for fact in kit.contract.operations[operation].headers if fact.name.lower() != "x-signature"]
    if "content-type" not in {name.lower() for name in names}:
        names.insert(0, "Content-Type")
    return Headers.of((name, values[name.lower()]) for name in names if name.lower() in values)


def draft(kit: Kit, operation: str, body: Mapping[str, Json]) -> Draft:
    """A correct request of this operation with this body."""
    op = kit.contract.operations[operation]
    request = Request(method=op.method, target=op.path, headers=_headers(kit, operation), body=compact(dict(body)))
    return Draft(
        operation=operation, request=request, plan=SignPlan(kind="symmetric" if op.symmetric else "asymmetric")
    )


def a_payment(kit: Kit, variant: str = "cpan") -> Draft:
    """Page, section 1: `variant` is cpan, cpan-tokenise, token or token-recurring."""
    body: dict[str, Json] = {"partnerReferenceNo": kit.reference}
    more: dict[str, Json] = dict(kit.test_data.payment_members or {})
    if variant.startswith("cpan"):
        body |= {"chargeToken": kit.test_data.cpan or "", "otp": kit.test_data.otp or ""}
    else:
        body |= {"bankCardToken": kit.card_token}
    # The page's schemas tell variants 1 from 2 and 3 from 4 by nothing; the markers are the public collection's.
    if variant == "cpan-tokenise":
        body["additionalInfo"] = {**_object(more.get("additionalInfo")), "isBindAndPay": "true"}
    if variant == "token-recurring":
        body["additionalInfo"] = {**_object(more.get("additionalInfo")), "paymentType": "RECURRING"}
    return draft(kit, "payment", {**body, **{name: value for name, value in more.items() if name not in body}})


def _object(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, Mapping) else {}


def card_plaintext(kit: Kit) -> bytes:
    return compact(dict(kit.test_data.card or {}))


def sealed_card(kit: Kit, plaintext: bytes | None = None) -> str:
    container = carddata.Container(kit.readings.get("card-data-container", "ciphertext|iv"))
    text = carddata.seal(
        card_plaintext(kit) if plaintext is None else plaintext,
        shared_key=kit.credentials.shared_key or "",
        container=container,
        iv=kit.iv,
        salt=kit.iv[:8],
    )
    return "" if isinstance(text, Malformed) else text


def a_binding(kit: Kit, channel: str | None = "DH") -> Draft:
    """Page, section 2. `channel` None leaves CHANNEL-ID out."""
    body = {
        "partnerReferenceNo": kit.reference,
        "cardData": sealed_card(kit),
        "custIdMerchant": f"CUST{kit.refund_no}",
        "journeyId": f"journey-{kit.external_id}",
        "phoneNo": "08123456789",
    }
    binding = draft(kit, "bind", body)
    return binding.with_header("CHANNEL-ID", channel) if channel else binding.without_header("CHANNEL-ID")


def an_unbinding(kit: Kit, token: str | None = None) -> Draft:
    """Page, section 3."""
    return draft(kit, "unbind", {"tokenId": kit.card_token if token is None else token})


def a_refund(kit: Kit, original: str, *, external_id: str | None = None) -> Draft:
    """Page, section 4, of the payment with this partnerReferenceNo."""
    body = {"originalPartnerReferenceNo": original, "reason": "Request by Customer", "partnerRefundNo": kit.refund_no}
    if external_id:
        body["originalExternalId"] = external_id
    return draft(kit, "refund", {**(kit.test_data.refund_members or {}), **body})


def a_b2b_token_request(kit: Kit) -> Draft:
    return draft(kit, "b2b", {"grantType": "client_credentials"})


def a_b2b2c_token_request(kit: Kit, *, auth_code: str | None = None, refresh_token: str | None = None) -> Draft:
    if refresh_token is not None:
        return draft(kit, "b2b2c", {"grantType": "refresh_token", "refreshToken": refresh_token})
    code = auth_code if auth_code is not None else kit.test_data.auth_code or ""
    return draft(kit, "b2b2c", {"grantType": "authorization_code", "authCode": code})
