"""Access tokens in use, and what the two token endpoints are asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from kki.drafting.drafts import Draft, token_of
from kki.drafting.mutations.base import (
    TOKENS,
    Mutation,
    after,
    before,
    header,
    lacking,
    on_signature,
    other_middle,
    signing,
)
from kki.drafting.mutations.times import moved, rewritten


def _jwt_altered(token: str) -> str:
    """The payload's JSON with another expiry, header and signature as they were; any other token: last character."""
    parts = token.split(".")
    if len(parts) != 3:
        return other_middle(token)
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        payload["exp"] = int(payload.get("exp", 0)) + 86400
    except (ValueError, TypeError, AttributeError):
        return other_middle(token)
    text = base64.urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{parts[0]}.{text}.{parts[2]}"


def on_token(change: Callable[[str], str]) -> Callable[[Draft], Draft]:
    return lambda d: d.with_header("Authorization", "Bearer " + change(token_of(d.request)))


def unsigned_token(draft: Draft) -> Draft:
    """The B2B token's own claims under `alg: none`: what a careless JWT library accepts."""
    parts = token_of(draft.request).split(".")
    claims = (
        parts[1]
        if len(parts) == 3
        else base64.urlsafe_b64encode(b'{"exp":4102444800,"iss":"DOKU"}').decode().rstrip("=")
    )
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return draft.with_header("Authorization", f"Bearer {header}.{claims}.")


_T1 = "RSN-120"
TOKEN: tuple[Mutation, ...] = (
    before("B2B token of rubbish", on_token(lambda _: "not-a-token"), "TOK-040", f"TOK-140 {_T1}"),
    before("B2B token altered", on_token(_jwt_altered), "TOK-040", f"TOK-144 {_T1}"),
    before("B2B token's signature cut", on_token(lambda t: t[:-20]), "TOK-040", f"TOK-144 {_T1}"),
    before(
        "B2B token under Basic",
        lambda d: d.with_header("Authorization", "Basic " + token_of(d.request)),
        "HDR-052 TOK-040",
        f"HDR-152 {_T1}",
    ),
)


BARE_TOKEN = before(
    "B2B token without a scheme",
    lambda d: d.with_header("Authorization", token_of(d.request)),
    "HDR-052",
    f"HDR-152 {_T1}",
    ("payment", "refund"),
)
CUSTOMER_TOKEN: tuple[Mutation, ...] = (
    before(
        "customer token of rubbish",
        header("Authorization-customer", "Bearer never-issued-customer-token"),
        "TOK-050",
        "TOK-150 RSN-130",
        ("payment", "refund"),
    ),
)

_TR = "RSN-220"
TOKEN_ENDPOINTS: tuple[Mutation, ...] = (
    before("no X-CLIENT-KEY", lacking("X-CLIENT-KEY"), "TOK-010", "TOK-110", TOKENS),
    before("token request without X-TIMESTAMP", lacking("X-TIMESTAMP"), "TOK-012", "TOK-112", TOKENS),
    after("token request without X-SIGNATURE", lambda r: r.without_header("X-SIGNATURE"), "TOK-014", "TOK-114", TOKENS),
    after(
        "token request with an empty X-SIGNATURE",
        lambda r: r.with_header("X-SIGNATURE", ""),
        "TOK-014",
        "TOK-114",
        TOKENS,
    ),
    after(
        "RSA signature of rubbish",
        on_signature(lambda _: base64.b64encode(b"x" * 256).decode()),
        "TOK-016",
        f"TOK-116 {_TR}",
        TOKENS,
    ),
    after("RSA signature's middle character changed", on_signature(other_middle), "TOK-016", f"TOK-116 {_TR}", TOKENS),
    signing(
        "RSA signature for another time", "TOK-016", f"TOK-116 {_TR}", TOKENS, timestamp="2020-12-21T07:56:11+07:00"
    ),
    signing(
        "RSA signature for another client", "TOK-016", f"TOK-116 {_TR}", TOKENS, client_id="BRN-9999-0000000000009"
    ),
    *(
        signing(f"token request signed by {name}", "TOK-016", f"TOK-116 {_TR}", operations, scheme=scheme)
        for name, scheme, operations in (
            ("RSA with SHA-1", "sha1", ("b2b",)),
            ("RSA with SHA-512", "sha512", ("b2b2c",)),
            ("RSA-PSS", "pss", ("b2b",)),
            ("HMAC", "hmac", ("b2b2c",)),
        )
    ),
    before(
        "unknown X-CLIENT-KEY", header("X-CLIENT-KEY", "BRN-9999-0000000000009"), "TOK-020", f"TOK-120 {_TR}", TOKENS
    ),
    before(
        "X-CLIENT-KEY with another last character",
        lambda d: d.with_header("X-CLIENT-KEY", (d.request.headers.get("X-CLIENT-KEY") or "A")[:-1] + "~"),
        "TOK-020",
        f"TOK-120 {_TR}",
        ("b2b",),
    ),
    before(
        "X-CLIENT-KEY in other case",
        lambda d: d.with_header("X-CLIENT-KEY", (d.request.headers.get("X-CLIENT-KEY") or "A").swapcase()),
        "TOK-020",
        f"TOK-120 {_TR}",
        ("b2b2c",),
    ),
    before("token request two days ahead", moved(2 * 86400), "TOK-024", "TOK-124", ("b2b",)),
    before(
        "token request without a zone",
        rewritten(lambda m: f"{m:%Y-%m-%dT%H:%M:%S}"),
        "TOK-022",
        "TOK-122",
        ("b2b2c",),
    ),
    before(
        "token request of month 13",
        rewritten(lambda m: f"{m:%Y}-13{m:-%dT%H:%M:%S}+07:00"),
        "TOK-022",
        "TOK-122",
        ("b2b",),
    ),
    before(
        "token request that is not JSON",
        lambda d: d.with_body(b"grantType=client_credentials"),
        "FLD-060",
        "ROB-210 RSN-160",
        TOKENS,
    ),
    before("token request that is null", lambda d: d.with_body(b"null"), "FLD-020", "FLD-120 RSN-160", TOKENS),
    before("token request two days old", moved(-2 * 86400), "TOK-024", "TOK-124", TOKENS),
    before("token request with X-TIMESTAMP of words", header("X-TIMESTAMP", "yesterday"), "TOK-022", "TOK-122", TOKENS),
    before("no grantType", lambda d: d.lacking("grantType"), "TOK-018", "TOK-118", ("b2b",)),
    before("another grantType", lambda d: d.having(grantType="password"), "TOK-018", "TOK-118", ("b2b",)),
    before("grantType of a customer", lambda d: d.having(grantType="authorization_code"), "TOK-018", "TOK-118",
           ("b2b",)),
    before("grantType of a partner for a customer token", lambda d: d.having(grantType="client_credentials"), "TOK-030",
           "TOK-130", ("b2b2c",)),
    before("grantType in capitals", lambda d: d.having(grantType="CLIENT_CREDENTIALS"), "TOK-018", "", ("b2b",)),
    before("no grantType for a customer token", lambda d: d.lacking("grantType"), "TOK-030", "TOK-130", ("b2b2c",)),
    before(
        "another grantType for a customer token",
        lambda d: d.having(grantType="password"),
        "TOK-030",
        "TOK-130",
        ("b2b2c",),
    ),
    before("no authCode", lambda d: d.with_json({"grantType": "authorization_code"}), "TOK-032", "TOK-132", ("b2b2c",)),
    before("no refreshToken", lambda d: d.with_json({"grantType": "refresh_token"}), "TOK-032", "TOK-132", ("b2b2c",)),
    before(
        "unknown authCode",
        lambda d: d.with_json({"grantType": "authorization_code", "authCode": "auth-9999-unknown"}),
        "TOK-034",
        "TOK-134",
        ("b2b2c",),
    ),
    before(
        "unknown refreshToken",
        lambda d: d.with_json({"grantType": "refresh_token", "refreshToken": "refresh-unknown"}),
        "TOK-034",
        "TOK-134",
        ("b2b2c",),
    ),
    before(
        "refreshToken of 513 characters",
        lambda d: d.with_json({"grantType": "refresh_token", "refreshToken": "r" * 513}),
        "TOK-036 TOK-034",
        "TOK-136",
        ("b2b2c",),
    ),
    before(
        "authCode of 257 characters",
        lambda d: d.with_json({"grantType": "authorization_code", "authCode": "a" * 257}),
        "TOK-036 TOK-034",
        "TOK-136",
        ("b2b2c",),
    ),
)
