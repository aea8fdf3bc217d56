"""X-SIGNATURE: over what, by which algorithm, in which encoding. Symmetric for operations, RSA for token requests."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

from kki.model.verdict import Unknown
from kki.rules.faults import NOBODY, Detection, Fault, Force, cases, detector
from kki.rules.registry import SYMMETRIC, TOKENS, Scene
from kki.rules.view import View
from kki.rules.words import length, masked
from kki.snap import asymmetric, signature
from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_text, utf8
from kki.snap.signature import Signing
from kki.snap.tokens import bearer

WHERE = "header X-SIGNATURE"
UNAUTHORISED = cases("401/00")
MALFORMED = cases("401/00", "400/01")  # for what is no Base64 of such a length, whoever signed
_SECRET = "the client secret, without which no signature can be computed"
_HIDDEN = "the values that were hidden when the recording was made; the signature covers them"
_WRITTEN = "Base64 with padding, 88 characters"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The signature against what it should be. `form`: the canonical form of the body under which the MAC is right.

    `encoding`: "base64", "hex", or "" for another way of writing the right MAC. Both None: the MAC is another.
    """

    given: str
    right: Signing = field(repr=False)
    form: str | None = None
    encoding: str | None = None


def compared(scene: Scene) -> Comparison | Unknown | None:
    """None where the string to sign is not defined: a part of it is missing or unreadable. Computed once a request."""
    view = scene.view
    if "signature" not in view.cache:
        view.cache["signature"] = _compared(scene)
    found: Comparison | Unknown | None = view.cache["signature"]
    return found


def _compared(scene: Scene) -> Comparison | Unknown | None:
    view = scene.view
    given, stamp, token = view.header("X-SIGNATURE"), view.header("X-TIMESTAMP"), _signed_token(scene)
    if not given or stamp is None or token is None or view.body.fault is not None:
        return None
    secret = scene.knowledge.held_by(view.header("X-PARTNER-ID")).client_secret
    if secret is None:
        return Unknown(_SECRET)
    if any(masked(text) for text in (given, stamp, token)) or (b"\xe2\x80\xb9" in view.body.octets and _hidden(view)):
        return Unknown(_HIDDEN)
    forms = {"minified": view.body.thin or b""}
    right = _signed(view, forms["minified"], token, stamp, secret)
    encoding = _encoding(given, right.mac)
    if encoding is not None:
        return Comparison(given, right, "minified", encoding)
    return _other_form(view, given, token, stamp, secret, right)


def _signed_token(scene: Scene) -> str | None:
    """The token that the string to sign holds: without a scheme. None where there is none to speak of."""
    value = scene.view.header("Authorization")
    if not value or scene.view.token is None:
        return None
    if not isinstance(bearer(value), Malformed) or value.lower().startswith("bearer "):
        return scene.view.token
    return value if " " not in value else None


def _hidden(view: View) -> bool:
    return masked(view.body.octets.decode("utf-8", "replace"))


def _signed(view: View, body: bytes, token: str, stamp: str, secret: str) -> Signing:
    request = view.exchange.request
    return signature.sign_raw(
        method=request.method, target=request.target, body=body, token=token, timestamp=stamp, client_secret=secret
    )


def _encoding(given: str, mac: bytes) -> str | None:
    right = base64_text(mac)
    if signature.same(given, right):
        return "base64"
    if signature.same(given, mac.hex()):
        return "hex"
    others = {mac.hex().upper(), right.rstrip("="), base64.urlsafe_b64encode(mac).decode()}
    return "" if given in others | {other.rstrip("=") for other in others} else None


def _other_form(view: View, given: str, token: str, stamp: str, secret: str, right: Signing) -> Comparison:
    forms = {"as-sent": view.body.octets}
    if view.body.readable:
        text = json.dumps(view.body.value, ensure_ascii=False, separators=(",", ":"))
        forms["reserialised"] = utf8(text)
    for form, body in forms.items():
        encoding = _encoding(given, _signed(view, body, token, stamp, secret).mac)
        if encoding is not None:
            return Comparison(given, right, form, encoding)
    return Comparison(given, right)


@detector(
    client="KKI-SIG-010",
    server=("KKI-SIG-110", "KKI-SIG-120", "KKI-SIG-130", "KKI-SIG-150"),
    reason="KKI-RSN-110",
    fitting=UNAUTHORISED,
    operations=SYMMETRIC,
)
def signature_matches(scene: Scene) -> Detection:
    """X-SIGNATURE is the HMAC-SHA512 of what was sent."""
    found = compared(scene)
    if not isinstance(found, Comparison):
        return found
    if found.form is not None:
        return ()
    server = _kind(found.given, found.right)
    expected = "the HMAC-SHA512 of METHOD:path:token:digest of the body:X-TIMESTAMP, in Base64"
    actual = f"another text of {length(found.given)}"
    why = signature.explain(found.right, found.given)
    fitting = UNAUTHORISED if _written(found.given) else MALFORMED
    return (Fault(where=WHERE, expected=expected, actual=actual, diagnosis=why, server=server, fitting=fitting),)


def _kind(given: str, right: Signing) -> str:
    """Which of the server's rows this wrong signature puts to the test."""
    whole = right.signature
    if given.lower() == whole.lower():
        return "KKI-SIG-130"
    if len(given) >= 8 and (whole.startswith(given) or given.startswith(whole.rstrip("=")) or given.strip() == whole):
        return "KKI-SIG-120"
    if len(given) >= 8 and (whole in given or whole.endswith(given)):
        return "KKI-SIG-120"
    return "KKI-SIG-150" if _other_algorithm(given, right.string_to_sign) else "KKI-SIG-110"


def _other_algorithm(given: str, text: str) -> bool:
    """A signature of another length than HMAC-SHA512 has was made by another algorithm, whatever it covers."""
    plain = hashlib.sha512(utf8(text)).digest()  # as long, but without a key
    if given in (base64_text(plain), plain.hex()):
        return True
    sizes = {hashlib.new(name).digest_size for name in ("md5", "sha1", "sha224", "sha256", "sha384")} | {256}  # RSA
    if len(given) in {2 * size for size in sizes} and all(one in "0123456789abcdefABCDEF" for one in given):
        return True
    try:
        octets = base64.b64decode(given.encode("ascii"), validate=True)
    except ValueError:
        return False
    return len(octets) in sizes


@detector(
    operations=SYMMETRIC, server=("KKI-SIG-140",), client="KKI-SIG-020", reason="KKI-RSN-110", fitting=UNAUTHORISED
)
def signature_encoding(scene: Scene) -> Detection:
    """X-SIGNATURE is written in standard Base64 with padding, 88 characters."""
    given = scene.view.header("X-SIGNATURE")
    if not given:
        return None
    if masked(given):
        return Unknown("X-SIGNATURE, which was hidden when the recording was made")
    found = compared(scene)
    wanted = scene.knowledge.choice("signature-encoding")
    seen = found.encoding if isinstance(found, Comparison) and found.form else _written(given)
    if seen == wanted:
        return ()
    expected = _WRITTEN if wanted == "base64" else "lower-case hexadecimal, 128 digits"
    why = signature.explain(found.right, given) if isinstance(found, Comparison) else ""
    proved = isinstance(found, Comparison) and found.form is not None
    # Only the right MAC in another form puts the server's row to the test; rubbish belongs to the row on matching.
    return (
        Fault(
            where=WHERE, expected=expected, actual=f"a text of {length(given)} in another form", diagnosis=why,
            server="" if proved else NOBODY, reason="" if proved else NOBODY,
            force=Force.MUST_REFUSE if proved else Force.MAY_REFUSE, fitting=MALFORMED,
        ),
    )  # fmt: skip


def _written(given: str) -> str:
    if len(given) == 128 and all(one in "0123456789abcdef" for one in given):
        return "hex"
    try:
        octets = base64.b64decode(given.encode("ascii"), validate=True)
    except ValueError:
        return ""
    return "base64" if base64_text(octets) == given and len(octets) == 64 else ""


@detector(client="KKI-SIG-030", fitting=UNAUTHORISED, operations=SYMMETRIC)
def body_form(scene: Scene) -> Detection:
    """The body digest in the string to sign is taken over the canonical form in force."""
    found = compared(scene)
    if not isinstance(found, Comparison):
        return found
    if found.form is None:
        return None
    wanted = scene.knowledge.choice("body-canonical-form")
    view = scene.view
    same = found.form == wanted or (found.form == "minified" and _coincide(view, wanted))
    if same:
        return ()
    expected = f"made over the {wanted} body"
    actual = f"made over the body {found.form}" if found.form != "minified" else "made over the minified body"
    return (Fault(where=WHERE, expected=expected, actual=actual, force=Force.MAY_REFUSE),)


def _coincide(view: View, form: str) -> bool:
    """Whether this body looks the same minified and in that form."""
    if form == "as-sent":
        return view.body.octets == view.body.thin
    text = json.dumps(view.body.value, ensure_ascii=False, separators=(",", ":")) if view.body.readable else None
    return text is not None and utf8(text) == view.body.thin


@detector(client="KKI-TOK-016", server="KKI-TOK-116", reason="KKI-RSN-220", fitting=UNAUTHORISED, operations=TOKENS)
def token_signature_verifies(scene: Scene) -> Detection:
    """A token request's X-SIGNATURE is RSA-SHA256 over client id, vertical bar and X-TIMESTAMP."""
    view, credentials = scene.view, scene.knowledge.credentials
    given, stamp, client = view.header("X-SIGNATURE"), view.header("X-TIMESTAMP"), view.header("X-CLIENT-KEY")
    if not given or stamp is None or not client:
        return None
    other = scene.knowledge.other_partner
    if other is not None and client == other.client_id:
        credentials = other
    public = credentials.public_key or _public(credentials.private_key)
    if public is None:
        return Unknown("the client's public key, without which no token signature can be checked")
    if masked(given) or masked(stamp) or masked(client):
        return Unknown(_HIDDEN)
    right = asymmetric.verify_token_request(client_id=client, timestamp=stamp, signature=given, public_key_pem=public)
    if isinstance(right, Malformed):
        return Unknown("a usable public key of the client")
    if right:
        return ()
    expected = "the RSA-SHA256 (PKCS#1 v1.5) signature of X-CLIENT-KEY|X-TIMESTAMP, in Base64"
    actual = f"a text of {length(given)} that does not verify"
    return (Fault(where=WHERE, expected=expected, actual=actual, fitting=UNAUTHORISED if _b64(given) else MALFORMED),)


def _b64(given: str) -> bool:
    try:
        return len(base64.b64decode(given.encode("ascii"), validate=True)) >= 128
    except ValueError:
        return False


def _public(private: str | None) -> str | None:
    key = asymmetric.public_key_of(private) if private else None
    return key if isinstance(key, str) else None
