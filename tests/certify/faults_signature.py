# ruff: noqa: ARG005 - a hook is handed everything, and most look at one thing
"""Signatures of operations: merchants that get them wrong in one way each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta

from . import small_client as right
from .faulty import part, shelf, spaced, text
from .small_client import b64, compact

MERCHANTS, merchant = shelf("signature")

WRONG, WRONG_FORM = "SIG-010", "SIG-020"
BASE64 = {"signature-encoding": "base64"}
MINIFIED = {"body-canonical-form": "minified"}

merchant(
    "hmac-sha256", "Signs with HMAC-SHA256.", WRONG, WRONG_FORM, pins=BASE64,
    mac=lambda key, text: hmac.new(key, text.encode(), hashlib.sha256).digest(),
)  # fmt: skip
merchant(
    "hmac-sha384", "Signs with HMAC-SHA384.", WRONG, WRONG_FORM, pins=BASE64,
    mac=lambda key, text: hmac.new(key, text.encode(), hashlib.sha384).digest(),
)  # fmt: skip
merchant(
    "plain-sha512", "Hashes secret and text together instead of making an HMAC.", WRONG,
    mac=lambda key, text: hashlib.sha512(key + text.encode()).digest(),
)  # fmt: skip
merchant(
    "rsa-signature", "Signs operations with the private key, as token requests are.", WRONG, WRONG_FORM, pins=BASE64,
    signature=lambda kit, text: b64(right.rsa(kit.private_key, text)),
)  # fmt: skip
merchant("hex-lower", "Writes the signature in hexadecimal.", WRONG_FORM, pins=BASE64, encoded=lambda mac: mac.hex())
merchant(
    "hex-upper", "Writes the signature in upper-case hexadecimal.", WRONG_FORM, pins=BASE64,
    encoded=lambda mac: mac.hex().upper(),
)  # fmt: skip
merchant(
    "url-safe", "Writes the signature in URL-safe Base64.", WRONG_FORM, pins=BASE64,
    encoded=lambda mac: base64.urlsafe_b64encode(mac).decode(),
)  # fmt: skip
merchant(
    "unpadded", "Leaves the padding of Base64 away.", WRONG_FORM, pins=BASE64, encoded=lambda mac: b64(mac).rstrip("=")
)
merchant(
    "secret-wrong",
    "Has a character of the client secret wrong.",
    WRONG,
    key=lambda kit: kit.client_secret[:-1].encode() + b"~",
)
merchant(
    "secret-newline",
    "Reads the client secret with the newline of its file.",
    WRONG,
    key=lambda kit: kit.client_secret.encode() + b"\n",
)
merchant("secret-shared-key", "Signs with the shared key.", WRONG, key=lambda kit: kit.shared_key.encode())
merchant("secret-client-id", "Signs with the client id.", WRONG, key=lambda kit: kit.client_id.encode())
merchant(
    "secret-hashed", "Signs with the hash of the client secret.", WRONG,
    key=lambda kit: hashlib.sha256(kit.client_secret.encode()).digest(),
)  # fmt: skip
merchant(
    "digest-upper",
    "Writes the body digest in upper case.",
    WRONG,
    digest=lambda body: hashlib.sha256(body).hexdigest().upper(),
)
merchant(
    "digest-base64", "Writes the body digest in Base64.", WRONG, digest=lambda body: b64(hashlib.sha256(body).digest())
)
merchant(
    "digest-sha512", "Takes the body digest with SHA-512.", WRONG, digest=lambda body: hashlib.sha512(body).hexdigest()
)
merchant(
    "digest-double", "Hashes the digest once more.", WRONG,
    digest=lambda body: hashlib.sha256(hashlib.sha256(body).hexdigest().encode()).hexdigest(),
)  # fmt: skip
merchant("digest-of-nothing", "Digests an empty body.", WRONG, digested=lambda body: b"")
merchant(
    "not-minified", "Sends white space in the body and digests it with the rest.", "SIG-030", pins=MINIFIED,
    written=lambda operation, members: json.dumps(members, ensure_ascii=False).encode(),
)  # fmt: skip
merchant("digest-spaced", "Digests a spaced body and sends a compact one.", WRONG, digested=spaced)
merchant(
    "digest-sorted", "Digests the body with its members sorted, and sends them unsorted.", WRONG,
    digested=lambda body: compact(dict(sorted(json.loads(body).items()))),
    members=lambda operation, members, kit: {**members, "customer": {"b": 1, "a": 2}, "a": 1},
)  # fmt: skip
merchant(
    "digest-escaped", "Digests characters outside ASCII as escapes, and sends them as they are.", WRONG,
    digested=lambda body: json.dumps(json.loads(body), separators=(",", ":")).encode(),
)  # fmt: skip
merchant(
    "digest-unescaped", "Sends escapes, and digests the characters themselves.", "SIG-030", pins=MINIFIED,
    written=lambda operation, members: json.dumps(members, separators=(",", ":")).encode(),
    digested=lambda body: compact(json.loads(body)),
)  # fmt: skip
merchant(
    "signed-before-change", "Adds a member after signing.", WRONG,
    sent=lambda operation, body: body[:-1] + b',"channel":"web"}',
)  # fmt: skip
merchant(
    "method-lower", "Writes the method in lower case into the string to sign.", WRONG, **part(method=lambda p: "post")
)
merchant("method-missing", "Leaves the method out.", WRONG, **text(lambda p: f"{p.path}:{p.token}:{p.digest}:{p.at}"))
merchant("path-full-url", "Signs the full URL.", WRONG, **part(path=lambda p: "https://api.doku.example" + p.path))
merchant("path-no-slash", "Leaves out the slash at the beginning.", WRONG, **part(path=lambda p: p.path[1:]))
merchant(
    "path-other-version",
    "Signs the path of another version.",
    WRONG,
    **part(path=lambda p: p.path.replace("/v1/", "/v1.0/")),
)
merchant("path-with-query", "Signs a query that it does not send.", WRONG, **part(path=lambda p: p.path + "?lang=id"))
merchant(
    "bearer-kept",
    "Keeps `Bearer ` before the token in the string to sign.",
    WRONG,
    **part(token=lambda p: "Bearer " + p.token),
)
merchant(
    "signed-customer-token",
    "Signs with the customer's token in the place of the B2B token.",
    WRONG,
    **part(token=lambda p: p.customer or "none"),
)
merchant("signed-no-token", "Leaves the token empty in the string to sign.", WRONG, **part(token=lambda p: ""))
merchant(
    "signed-other-stamp",
    "Signs another moment than it sends.",
    WRONG,
    **part(at=lambda p: (datetime.fromisoformat(p.at) + timedelta(seconds=7)).isoformat()),
)
merchant(
    "signed-zulu",
    "Signs the time with Z and sends it with an offset.",
    WRONG,
    **part(at=lambda p: p.at.replace("+07:00", "Z")),
)
merchant(
    "separator-bar", "Puts bars between the parts.", WRONG, **text(lambda p: right.string_to_sign(p).replace(":", "|"))
)
merchant(
    "order-swapped",
    "Puts the time before the digest.",
    WRONG,
    **text(lambda p: f"{p.method}:{p.path}:{p.token}:{p.at}:{p.digest}"),
)
merchant(
    "trailing-newline",
    "Ends the string to sign with a newline.",
    WRONG,
    **text(lambda p: right.string_to_sign(p) + "\n"),
)
