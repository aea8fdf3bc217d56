"""Hooks for the Schemathesis command line: every request leaves with fresh tokens, ids, time and a right signature.

Used by side_by_side.py, which hands over the credentials as JSON in the environment. The signature is made over the
octets that are about to be sent, by `requests`' own hook for authentication. Headers that Schemathesis spoiled on
purpose stay as they are.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import requests
import schemathesis
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

HELD = json.loads(os.environ["KKI_BENCH_CREDENTIALS"])
JAKARTA = timezone(timedelta(hours=7))
B2B, B2B2C = "/authorization/v1/access-token/b2b", "/authorization/v1/access-token/b2b2c"
TOKENS: dict[str, str] = {}


def now() -> str:
    return datetime.now(JAKARTA).isoformat(timespec="seconds")


def token_headers(at: str) -> dict[str, str]:
    key = serialization.load_pem_private_key(HELD["private_key"].encode(), None)
    text = f"{HELD['client_id']}|{at}".encode()
    proof = key.sign(text, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr,call-arg]  # an RSA key
    return {"X-CLIENT-KEY": HELD["client_id"], "X-TIMESTAMP": at, "X-SIGNATURE": base64.b64encode(proof).decode()}


def token(base: str, path: str, body: dict[str, str]) -> str:
    if path not in TOKENS:
        reply = requests.post(base + path, json=body, headers=token_headers(now()), timeout=10)
        TOKENS[path] = str(reply.json().get("accessToken", "none"))
    return TOKENS[path]


class Signed(requests.auth.AuthBase):
    def __init__(self, spoiled: frozenset[str]) -> None:
        self.spoiled = spoiled

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        base = "/".join(str(request.url).split("/")[:3])
        path = str(request.url)[len(base) :]
        right = token_headers(now()) if path in (B2B, B2B2C) else self._symmetric(base)
        for name, value in right.items():
            if name.lower() not in self.spoiled:
                request.headers[name] = value
        if path not in (B2B, B2B2C) and "x-signature" not in self.spoiled:
            request.headers["X-SIGNATURE"] = self._signature(request, path)
        return request

    def _symmetric(self, base: str) -> dict[str, str]:
        customer = token(base, B2B2C, {"grantType": "authorization_code", "authCode": HELD["auth_code"]})
        return {
            "X-TIMESTAMP": now(), "X-PARTNER-ID": HELD["client_id"], "X-EXTERNAL-ID": str(secrets.randbelow(10**18)),
            "Authorization": "Bearer " + token(base, B2B, {"grantType": "client_credentials"}),
            "Authorization-customer": "Bearer " + customer, "X-IP-ADDRESS": "192.168.1.1",
        }  # fmt: skip

    def _signature(self, request: requests.PreparedRequest, path: str) -> str:
        body = request.body or b""
        octets = body.encode() if isinstance(body, str) else bytes(body)
        try:  # minified; what is not JSON is signed as it is
            value = json.loads(octets)
            octets = json.dumps(value, separators=(",", ":"), ensure_ascii=b"\\u" in octets).encode()
        except (ValueError, RecursionError):
            pass
        bearer = str(request.headers.get("Authorization", ""))[7:]
        digest = hashlib.sha256(octets).hexdigest()
        text = f"{request.method}:{path}:{bearer}:{digest}:{request.headers.get('X-TIMESTAMP', '')}"
        return base64.b64encode(hmac.digest(HELD["client_secret"].encode(), text.encode(), "sha512")).decode()


def spoiled_headers(case: Any) -> frozenset[str]:
    """The headers that this case breaks on purpose: none, or all of them if it is not said which."""
    parts = getattr(case.meta, "components", {}) if case.meta is not None else {}
    negative = any(str(place.value) == "header" and part.mode.is_negative for place, part in parts.items())
    if not negative:
        return frozenset()
    named = getattr(getattr(case.meta.phase, "data", None), "parameter", None)
    given = {str(name).lower() for name in case.headers or {}}
    return frozenset({named.lower()} if named else given)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001  — the hook's signature
    kwargs["auth"] = Signed(spoiled_headers(case))
    if isinstance(case.body, dict) and "partnerReferenceNo" in case.body:
        example = case.body["partnerReferenceNo"] in ("INV-0001", "BIND-REF-20260526-001")
        case.body = {**case.body, **({"partnerReferenceNo": uuid.uuid4().hex} if example else {})}
