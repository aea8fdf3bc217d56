# ruff: noqa: ARG005 - a hook is handed everything, and most look at one thing
"""Token requests, and tokens in use: merchants that get them wrong in one way each."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys

from . import small_client as right
from .faulty import bare, lines, on, rewritten, shelf
from .small_client import Kit, Lines, Members, b64, compact

MERCHANTS, merchant = shelf("token")

OTHER_KEY = rsa_keys.generate_private_key(public_exponent=65537, key_size=2048)


def other_rsa(_kit: Kit, signed: str) -> str:
    return b64(OTHER_KEY.sign(signed.encode(), rsa_padding.PKCS1v15(), hashes.SHA256()))


def forged(kit: Kit) -> str:
    """A well-formed JWT of the merchant's own making."""
    head, claims = ({"alg": "RS256", "typ": "JWT"}, {"exp": 4102444800, "iss": "DOKU", "clientId": kit.client_id})
    halves = [base64.urlsafe_b64encode(compact(half)).decode().rstrip("=") for half in (head, claims)]
    return ".".join([*halves, base64.urlsafe_b64encode(bytes(256)).decode().rstrip("=")])


def token_lines(*, drop: str = "", **values: str) -> Callable[[Lines], Lines]:
    change = lines(drop=drop, **values)
    return lambda old: change("", old)


def grant(operation: str, **members: Any) -> Callable[[str, Members], Members]:
    change = on(operation, **members)
    return lambda asked, old: change(asked, old, None)  # type: ignore[arg-type]  # `on` does not look at the kit


merchant(
    "token-text-swapped",
    "Signs time and client id in this order.",
    "TOK-016",
    token_text=lambda client, at: f"{at}|{client}",
)
merchant(
    "token-text-colon",
    "Puts a colon between client id and time.",
    "TOK-016",
    token_text=lambda client, at: f"{client}:{at}",
)
merchant("token-key-wrong", "Signs token requests with another private key.", "TOK-016", token_signature=other_rsa)
merchant(
    "token-hmac", "Signs token requests with HMAC under the client secret.", "TOK-016",
    token_signature=lambda kit, text: b64(right.hmac_sha512(kit.client_secret.encode(), text)),
)  # fmt: skip
merchant(
    "token-sha1", "Signs token requests over SHA-1.", "TOK-016",
    token_signature=lambda kit, text: b64(
        right.rsa_key(kit.private_key).sign(text.encode(), rsa_padding.PKCS1v15(), hashes.SHA1())
    ),
)  # fmt: skip
merchant(
    "token-pss", "Signs token requests with RSA-PSS.", "TOK-016",
    token_signature=lambda kit, text: b64(
        right.rsa_key(kit.private_key).sign(
            text.encode(), rsa_padding.PSS(rsa_padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
        )
    ),
)  # fmt: skip
merchant(
    "token-hex", "Writes the token request's signature in hexadecimal.", "TOK-016",
    token_signature=lambda kit, text: right.rsa(kit.private_key, text).hex(),
)  # fmt: skip
merchant(
    "token-no-client", "Asks for a token without X-CLIENT-KEY.", "TOK-010", token_late=token_lines(drop="X-CLIENT-KEY")
)
merchant(
    "token-no-stamp", "Asks for a token without X-TIMESTAMP.", "TOK-012", token_late=token_lines(drop="X-TIMESTAMP")
)
merchant(
    "token-no-signature", "Asks for a token without X-SIGNATURE.", "TOK-014", token_late=token_lines(drop="X-SIGNATURE")
)
merchant(
    "token-grant-wrong",
    "Asks for a B2B token with another grantType.",
    "TOK-018",
    token_members=grant("b2b", grantType="password"),
)
merchant(
    "token-other-client",
    "Asks for a token as somebody else.",
    "TOK-020",
    token_client=lambda kit: "BRN-9999-0000000000009",
)
merchant(
    "token-stamp-blank",
    "Writes the time of a token request with a blank.",
    "TOK-022",
    token_stamp=lambda now: right.stamp("", now).replace("T", " "),
)
merchant(
    "token-stamp-old",
    "Asks for a token with the time of two days ago.",
    "TOK-024",
    token_stamp=lambda now: right.stamp("", now - timedelta(days=2)),
)
merchant(
    "customer-grant-capitals",
    "Writes the grantType of the customer's token in capitals.",
    "TOK-030",
    token_members=grant("b2b2c", grantType="AUTHORIZATION_CODE"),
)
merchant(
    "customer-no-code",
    "Asks for the customer's token without authCode.",
    "TOK-032",
    token_members=grant("b2b2c", authCode=None),
)
merchant(
    "customer-other-code",
    "Asks for the customer's token with a code of its own.",
    "TOK-034",
    token_members=grant("b2b2c", authCode="code-of-my-own-0001"),
)
merchant(
    "customer-code-long",
    "Asks for the customer's token with a code of 300 characters.",
    "TOK-034",
    "TOK-036",
    token_members=grant("b2b2c", authCode=lambda code: str(code).ljust(300, "0")),
)
merchant("token-fetched-anew", "Fetches a token for every request.", "TOK-060", hoards_tokens=False)
merchant("no-authorization", "Sends no Authorization.", "HDR-050", lines=lines(drop="Authorization"))
merchant(
    "token-bare", "Sends the token without Bearer.", "HDR-052", pins={"bearer-scheme": "bearer"},
    late=rewritten("Authorization", bare),
)  # fmt: skip
merchant(
    "token-made-up",
    "Sends a token that nobody issued.",
    "TOK-040",
    "BEH-010",
    token_used=lambda token, kit, customer: "0123456789abcdef0123456789abcdef",
)
merchant(
    "token-forged",
    "Sends a token that it made itself.",
    "TOK-040",
    "BEH-010",
    token_used=lambda token, kit, customer: forged(kit),
)
merchant(
    "token-altered", "Cuts the end of the token off.", "TOK-040", token_used=lambda token, kit, customer: token[:-8]
)
merchant(
    "token-expired",
    "Goes on with a token that expired long ago.",
    "TOK-042",
    "BEH-010",
    token_used=lambda token, kit, customer: kit.expired_token,
)
merchant(
    "token-customer",
    "Sends the customer's token in Authorization.",
    "TOK-048",
    "BEH-010",
    token_used=lambda token, kit, customer: customer or token,
)
merchant(
    "customer-token-missing",
    "Sends no Authorization-customer.",
    "HDR-060",
    pins={"customer-token-required": "label"},
    lines=lines(drop="Authorization-customer"),
)
merchant(
    "customer-token-b2b", "Sends the B2B token as the customer's.", "TOK-052",
    late=lambda operation, old: [
        (name, dict(old)["Authorization"] if name == "Authorization-customer" else value) for name, value in old
    ],
)  # fmt: skip
merchant(
    "customer-token-made-up", "Sends a customer's token that nobody issued.", "TOK-050",
    lines=lines("payment", "refund", Authorization_customer="Bearer customer-token-of-my-own"),
)  # fmt: skip

merchant(
    "customer-token-kept", "Sends a customer's token again that was refused.", "TOK-050", "BEH-012",
    lines=lines("payment", "refund", Authorization_customer="Bearer customer-token-of-my-own"), keeps_customer=True,
)  # fmt: skip

merchant(
    "customer-token-bare", "Sends the customer's token without Bearer.", "HDR-062",
    pins={"customer-token-scheme": "bearer"}, late=rewritten("Authorization-customer", bare),
)  # fmt: skip
