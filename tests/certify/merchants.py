"""Merchants that are wrong in one way each, and which requirements they break by it.

`MERCHANTS` and `CORRECT`; `merchant.run(base_url, kit)` sends its day to a server over real sockets,
`merchant.client(kit, wire)` is its client on any other way to one.

`breaks` are the rows that the judge must find broken, and no others. `pins`: the readings on which a broken row rests
where the documents disagree: pinned to these it is a violation, else a warning.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys

from . import small_client as right
from .small_client import SCENARIOS, Kit, Lines, Members, Parts, SmallClient, Socket, Ways, Wire, b64, compact


@dataclass(frozen=True, kw_only=True)
class FaultyMerchant:
    """`area`: signature, token, header, field, card data, secrecy, uniqueness, conduct."""

    name: str
    area: str
    says: str
    breaks: frozenset[str]
    ways: Ways
    pins: Mapping[str, str] = field(default_factory=dict)

    def client(self, kit: Kit, wire: Wire, scenarios: Mapping[str, str] = SCENARIOS) -> SmallClient:
        return SmallClient(kit=kit, wire=wire, ways=self.ways, scenarios=scenarios)

    def run(
        self, base_url: str, kit: Kit, *, scenarios: Mapping[str, str] = SCENARIOS, timeout_s: float = 5.0
    ) -> None:
        """Its day at a server. `scenarios`: which trouble a reference that begins so is to meet, in the server's terms."""
        self.client(kit, Socket(base_url, timeout_s), scenarios).day()


CORRECT = FaultyMerchant(name="correct", area="", says="Does everything right.", breaks=frozenset(), ways=Ways())
MERCHANTS: list[FaultyMerchant] = []
_area = ""


def merchant(name: str, says: str, *breaks: str, pins: Mapping[str, str] | None = None, **ways: Any) -> None:
    """`breaks` without "KKI-"."""
    rows = frozenset(f"KKI-{row}" for row in breaks)
    MERCHANTS.append(
        FaultyMerchant(name=name, area=_area, says=says, breaks=rows, ways=replace(Ways(), **ways), pins=pins or {})
    )


# --- hooks ------------------------------------------------------------------------------------------------


def on(*operations: str, **members: Any) -> Callable[[str, Members, Kit], Members]:
    """These operations with these members; a callable is given the old value, None takes the member away."""

    def change(operation: str, old: Members, _kit: Kit) -> Members:
        if operation not in operations:
            return old
        new = dict(old)
        for name, value in members.items():
            if value is None:
                new.pop(name, None)
            else:
                new[name] = value(old.get(name)) if callable(value) else value
        return new

    return change


def where(has: str, **members: Any) -> Callable[[str, Members, Kit], Members]:
    """As `on("payment")`, for the payments that have this member."""
    change = on("payment", **members)
    return lambda operation, old, kit: change(operation, old, kit) if has in old else old


def lines(*operations: str, drop: str = "", **values: str) -> Callable[[str, Lines], Lines]:
    """Headers of these operations (none: all): one taken away, others with this text; `_` stands for `-`."""

    def change(operation: str, old: Lines) -> Lines:
        if operations and operation not in operations:
            return old
        given = {name.replace("_", "-").lower(): value for name, value in values.items()}
        kept = [(name, given.get(name.lower(), value)) for name, value in old if name.lower() != drop.lower()]
        there = {name.lower() for name, _ in kept}
        return kept + [(name, value) for name, value in given.items() if name not in there]

    return change


def text(change: Callable[[Parts], str]) -> dict[str, Any]:
    return {"text": change}


def part(**changes: Callable[[Parts], str]) -> dict[str, Any]:
    """The string to sign with other parts."""
    return text(
        lambda parts: right.string_to_sign(replace(parts, **{name: to(parts) for name, to in changes.items()}))
    )


def spaced(body: bytes) -> bytes:
    return json.dumps(json.loads(body), ensure_ascii=False).encode()


def by_operation(change: Callable[[str], str], *operations: str) -> Callable[[str, datetime], str]:
    """X-TIMESTAMP of these operations, rewritten."""
    return lambda operation, now: (
        change(right.stamp(operation, now)) if operation in operations else right.stamp(operation, now)
    )


def zulu(_operation: str, now: datetime) -> str:
    return now.astimezone(right.JAKARTA).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


# --- signature --------------------------------------------------------------------------------------------

_area = "signature"
WRONG, WRONG_FORM = "SIG-010", "SIG-020"
BASE64 = {"signature-encoding": "base64"}
MINIFIED = {"body-canonical-form": "minified"}

merchant(
    "hmac-sha256", "Signs with HMAC-SHA256.", WRONG, WRONG_FORM,
    mac=lambda key, text: hmac.new(key, text.encode(), hashlib.sha256).digest(),
)  # fmt: skip
merchant(
    "hmac-sha384", "Signs with HMAC-SHA384.", WRONG, WRONG_FORM,
    mac=lambda key, text: hmac.new(key, text.encode(), hashlib.sha384).digest(),
)  # fmt: skip
merchant(
    "plain-sha512", "Hashes secret and text together instead of making an HMAC.", WRONG,
    mac=lambda key, text: hashlib.sha512(key + text.encode()).digest(),
)  # fmt: skip
merchant(
    "rsa-signature", "Signs operations with the private key, as token requests are.", WRONG, WRONG_FORM,
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
merchant("secret-wrong", "Has a character of the client secret wrong.", WRONG, key=lambda kit: kit.client_secret[:-1].encode() + b"~")
merchant("secret-newline", "Reads the client secret with the newline of its file.", WRONG, key=lambda kit: kit.client_secret.encode() + b"\n")
merchant("secret-shared-key", "Signs with the shared key.", WRONG, key=lambda kit: kit.shared_key.encode())
merchant("secret-client-id", "Signs with the client id.", WRONG, key=lambda kit: kit.client_id.encode())
merchant(
    "secret-hashed", "Signs with the hash of the client secret.", WRONG,
    key=lambda kit: hashlib.sha256(kit.client_secret.encode()).digest(),
)  # fmt: skip
merchant("digest-upper", "Writes the body digest in upper case.", WRONG, digest=lambda body: hashlib.sha256(body).hexdigest().upper())
merchant("digest-base64", "Writes the body digest in Base64.", WRONG, digest=lambda body: b64(hashlib.sha256(body).digest()))
merchant("digest-sha512", "Takes the body digest with SHA-512.", WRONG, digest=lambda body: hashlib.sha512(body).hexdigest())
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
    members=lambda operation, members, kit: dict(reversed(sorted(members.items()))) | {"customer": {"b": 1, "a": 2}},
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
merchant("method-lower", "Writes the method in lower case into the string to sign.", WRONG, **part(method=lambda p: "post"))
merchant("method-missing", "Leaves the method out.", WRONG, **text(lambda p: f"{p.path}:{p.token}:{p.digest}:{p.at}"))
merchant("path-full-url", "Signs the full URL.", WRONG, **part(path=lambda p: "https://api.doku.example" + p.path))
merchant("path-no-slash", "Leaves out the slash at the beginning.", WRONG, **part(path=lambda p: p.path[1:]))
merchant("path-other-version", "Signs the path of another version.", WRONG, **part(path=lambda p: p.path.replace("/v1/", "/v1.0/")))
merchant("path-with-query", "Signs a query that it does not send.", WRONG, **part(path=lambda p: p.path + "?lang=id"))
merchant("bearer-kept", "Keeps `Bearer ` before the token in the string to sign.", WRONG, **part(token=lambda p: "Bearer " + p.token))
merchant("signed-customer-token", "Signs with the customer's token in the place of the B2B token.", WRONG, **part(token=lambda p: p.customer or "none"))
merchant("signed-no-token", "Leaves the token empty in the string to sign.", WRONG, **part(token=lambda p: ""))
merchant("signed-other-stamp", "Signs another moment than it sends.", WRONG, **part(at=lambda p: (datetime.fromisoformat(p.at) + timedelta(seconds=7)).isoformat()))
merchant("signed-zulu", "Signs the time with Z and sends it with an offset.", WRONG, **part(at=lambda p: p.at.replace("+07:00", "Z")))
merchant("separator-bar", "Puts bars between the parts.", WRONG, **text(lambda p: right.string_to_sign(p).replace(":", "|")))
merchant("order-swapped", "Puts the time before the digest.", WRONG, **text(lambda p: f"{p.method}:{p.path}:{p.token}:{p.at}:{p.digest}"))
merchant("trailing-newline", "Ends the string to sign with a newline.", WRONG, **text(lambda p: right.string_to_sign(p) + "\n"))

# --- tokens -----------------------------------------------------------------------------------------------

_area = "token"
OTHER_KEY = rsa_keys.generate_private_key(public_exponent=65537, key_size=2048)
FORM = {"timestamp-form": "any"}


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


merchant("token-text-swapped", "Signs time and client id in this order.", "TOK-016", token_text=lambda client, at: f"{at}|{client}")
merchant("token-text-colon", "Puts a colon between client id and time.", "TOK-016", token_text=lambda client, at: f"{client}:{at}")
merchant("token-key-wrong", "Signs token requests with another private key.", "TOK-016", token_signature=other_rsa)
merchant(
    "token-hmac", "Signs token requests with HMAC under the client secret.", "TOK-016",
    token_signature=lambda kit, text: b64(right.hmac_sha512(kit.client_secret.encode(), text)),
)  # fmt: skip
merchant(
    "token-sha1", "Signs token requests over SHA-1.", "TOK-016",
    token_signature=lambda kit, text: b64(right.rsa_key(kit.private_key).sign(text.encode(), rsa_padding.PKCS1v15(), hashes.SHA1())),  # noqa: S303
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
merchant("token-no-client", "Asks for a token without X-CLIENT-KEY.", "TOK-010", token_late=token_lines(drop="X-CLIENT-KEY"))
merchant("token-no-stamp", "Asks for a token without X-TIMESTAMP.", "TOK-012", token_late=token_lines(drop="X-TIMESTAMP"))
merchant("token-no-signature", "Asks for a token without X-SIGNATURE.", "TOK-014", token_late=token_lines(drop="X-SIGNATURE"))
merchant("token-grant-wrong", "Asks for a B2B token with another grantType.", "TOK-018", token_members=grant("b2b", grantType="password"))
merchant("token-other-client", "Asks for a token as somebody else.", "TOK-020", token_client=lambda kit: "BRN-9999-0000000000009")
merchant("token-stamp-blank", "Writes the time of a token request with a blank.", "TOK-022", token_stamp=lambda now: right.stamp("", now).replace("T", " "))
merchant("token-stamp-old", "Asks for a token with the time of two days ago.", "TOK-024", token_stamp=lambda now: right.stamp("", now - timedelta(days=2)))
merchant("customer-grant-capitals", "Writes the grantType of the customer's token in capitals.", "TOK-030", token_members=grant("b2b2c", grantType="AUTHORIZATION_CODE"))
merchant("customer-no-code", "Asks for the customer's token without authCode.", "TOK-032", token_members=grant("b2b2c", authCode=None))
merchant("customer-other-code", "Asks for the customer's token with a code of its own.", "TOK-034", token_members=grant("b2b2c", authCode="code-of-my-own-0001"))
merchant("customer-code-long", "Asks for the customer's token with a code of 300 characters.", "TOK-034", "TOK-036", token_members=grant("b2b2c", authCode=lambda code: str(code).ljust(300, "0")))
merchant("token-fetched-anew", "Fetches a token for every request.", "TOK-060", hoards_tokens=False)
merchant("no-authorization", "Sends no Authorization.", "HDR-050", lines=lines(drop="Authorization"))
merchant(
    "token-bare", "Sends the token without Bearer.", "HDR-052", pins={"bearer-scheme": "bearer"},
    late=lambda operation, old: [(name, value.removeprefix("Bearer ") if name == "Authorization" else value) for name, value in old],
)  # fmt: skip
merchant("token-made-up", "Sends a token that nobody issued.", "TOK-040", "BEH-010", token_used=lambda token, kit, customer: "0123456789abcdef0123456789abcdef")
merchant("token-forged", "Sends a token that it made itself.", "TOK-040", "BEH-010", token_used=lambda token, kit, customer: forged(kit))
merchant("token-altered", "Cuts the end of the token off.", "TOK-040", token_used=lambda token, kit, customer: token[:-8])
merchant("token-expired", "Goes on with a token that expired long ago.", "TOK-042", "BEH-010", token_used=lambda token, kit, customer: kit.expired_token)
merchant("token-customer", "Sends the customer's token in Authorization.", "TOK-048", "BEH-010", token_used=lambda token, kit, customer: customer or token)
merchant("customer-token-missing", "Sends no Authorization-customer.", "HDR-060", pins={"customer-token-required": "label"}, lines=lines(drop="Authorization-customer"))
merchant(
    "customer-token-b2b", "Sends the B2B token as the customer's.", "TOK-052",
    late=lambda operation, old: [(name, dict(old)["Authorization"] if name == "Authorization-customer" else value) for name, value in old],
)  # fmt: skip
merchant(
    "customer-token-made-up", "Sends a customer's token that nobody issued.", "TOK-050",
    lines=lines("payment", "refund", Authorization_customer="Bearer customer-token-of-my-own"),
)  # fmt: skip

# --- headers ----------------------------------------------------------------------------------------------

_area = "header"
ALL = ("payment", "refund", "bind", "unbind")
merchant("no-timestamp", "Sends no X-TIMESTAMP.", "HDR-010", lines=lines(drop="X-TIMESTAMP"))
merchant("payment-stamp-no-zone", "Writes the time of a payment without a zone.", "HDR-012", pins=FORM, stamp=by_operation(lambda at: at[:19], "payment"))
merchant("bind-stamp-millis", "Writes the time of a binding with milliseconds and Z.", "HDR-014", stamp=by_operation(lambda at: at[:19] + ".000Z", "bind"))
merchant("unbind-stamp-no-colon", "Writes the offset of an unbinding without its colon.", "HDR-014", stamp=by_operation(lambda at: at[:-3] + at[-2:], "unbind"))
merchant("stamp-month-13", "Writes a thirteenth month.", "HDR-016", stamp=lambda operation, now: right.stamp("", now)[:5] + "13" + right.stamp("", now)[7:])
merchant("stamp-old", "Writes the time of two days ago.", "HDR-018", stamp=lambda operation, now: right.stamp("", now - timedelta(days=2)))
merchant("stamp-tomorrow", "Writes the time of the day after tomorrow.", "HDR-018", stamp=lambda operation, now: right.stamp("", now + timedelta(days=2)))
merchant("no-signature", "Sends no X-SIGNATURE.", "HDR-020", late=lines(drop="X-SIGNATURE"))
merchant("signature-empty", "Sends an empty X-SIGNATURE.", "HDR-020", late=lines(X_SIGNATURE=""))
merchant("no-partner", "Sends no X-PARTNER-ID.", "HDR-022", lines=lines(drop="X-PARTNER-ID"))
merchant("partner-long", "Sends an X-PARTNER-ID of 40 characters with bindings.", "HDR-024", "HDR-026", lines=lines("bind", X_PARTNER_ID="P" * 40))
merchant("partner-other", "Sends another X-PARTNER-ID than its own.", "HDR-026", lines=lines(X_PARTNER_ID="821508239190"))
merchant("no-external-id", "Sends no X-EXTERNAL-ID.", "HDR-030", lines=lines(drop="X-EXTERNAL-ID"))
merchant("external-id-letters", "Sends UUIDs as X-EXTERNAL-ID of payments.", "HDR-032", pins={"external-id-form": "by-operation"}, external_id=lambda operation, count: ("PAY-" if operation == "payment" else "") + right.external_id("", count))
merchant("external-id-long-bind", "Sends an X-EXTERNAL-ID of 37 characters with bindings.", "HDR-034", external_id=lambda operation, count: right.external_id("", count).ljust(37 if operation == "bind" else 18, "0"))
merchant("external-id-long-payment", "Sends an X-EXTERNAL-ID of 37 digits with payments.", "HDR-036", external_id=lambda operation, count: right.external_id("", count).ljust(37 if operation == "payment" else 18, "0"))
merchant("no-ip-address", "Refunds without X-IP-ADDRESS.", "HDR-070", lines=lines("refund", drop="X-IP-ADDRESS"))
merchant("ip-address-short", "Refunds with an X-IP-ADDRESS of 7 characters.", "HDR-072", pins={"ip-address-length": "limits"}, lines=lines("refund", X_IP_ADDRESS="1.1.1.1"))
merchant("ip-address-none", "Refunds with an X-IP-ADDRESS that is no address.", "HDR-074", lines=lines("refund", X_IP_ADDRESS="999.999.999.1"))
merchant("channel-unknown", "Sends CHANNEL-ID: WEB.", "HDR-080", lines=lines("bind", CHANNEL_ID="WEB"))
merchant("channel-lower", "Writes CHANNEL-ID in lower case.", "HDR-080", lines=lambda operation, old: [(name, value.lower() if name == "CHANNEL-ID" else value) for name, value in old])
merchant("content-type-text", "Says Content-Type: text/plain.", "HDR-090", lines=lines(Content_Type="text/plain"))
merchant("header-twice", "Sends X-EXTERNAL-ID twice.", "HDR-092", lines=lambda operation, old: [*old, ("X-EXTERNAL-ID", "1")])

# --- fields -----------------------------------------------------------------------------------------------

_area = "field"
LABEL = {"required-or-optional": "label"}
merchant("pay-no-reference", "Pays without partnerReferenceNo.", "PAY-010", pins=LABEL, members=on("payment", partnerReferenceNo=None))
merchant("pay-reference-long", "Pays with a partnerReferenceNo of 33 characters.", "PAY-012", members=on("payment", partnerReferenceNo=lambda old: str(old).ljust(33, "0")))
merchant("pay-nothing-named", "Pays without naming what is charged.", "PAY-014", members=on("payment", chargeToken=None, bankCardToken=None, otp=None))
merchant("pay-no-otp", "Pays by CPAN without otp.", "PAY-016", pins=LABEL, members=where("chargeToken", otp=None))
merchant("pay-card-token-long", "Pays with a bankCardToken of 65 characters.", "PAY-018", "STA-020", members=where("bankCardToken", bankCardToken=lambda old: str(old).ljust(65, "0")))
merchant("pay-cpan-long", "Pays with a chargeToken of 21 characters.", "PAY-020", members=where("chargeToken", chargeToken=lambda old: str(old).ljust(21, "0")))
merchant("pay-otp-six", "Pays with an otp of 6 digits.", "PAY-022", members=where("chargeToken", otp=lambda old: old[:6]))
merchant("pay-otp-number", "Sends otp as a number.", "PAY-022", members=where("chargeToken", otp=int))
merchant("pay-reference-number", "Sends partnerReferenceNo as a number.", "PAY-012", members=on("payment", partnerReferenceNo=lambda old: int.from_bytes(str(old).encode()[-3:], "big")))
merchant("pay-cpan-null", "Pays by CPAN with chargeToken null.", "FLD-010", "PAY-020", members=where("chargeToken", chargeToken=lambda old: None))
merchant("pay-card-token-empty", "Pays with an empty bankCardToken.", "FLD-010", members=where("bankCardToken", bankCardToken=""))
merchant("refund-no-original", "Refunds without originalPartnerReferenceNo.", "RFD-010", members=on("refund", originalPartnerReferenceNo=None))
merchant("refund-original-long", "Refunds with an originalPartnerReferenceNo of 65 characters.", "RFD-012", "RFD-026", refunded=lambda paid: paid.ljust(65, "0"))
merchant("refund-external-id-long", "Refunds with an originalExternalId of 37 characters.", "RFD-018", members=on("refund", originalExternalId="4" * 37))
merchant("refund-reason-long", "Gives a reason of 256 characters.", "RFD-020", members=on("refund", reason="x" * 256))
merchant("refund-no-number", "Refunds without partnerRefundNo.", "RFD-022", members=on("refund", partnerRefundNo=None))
merchant("refund-number-long", "Refunds with a partnerRefundNo of 13 characters.", "RFD-024", refund_number=lambda count: secrets.token_hex(7)[:13])
merchant("refund-unpaid", "Refunds what nobody paid.", "RFD-026", refunded=lambda paid: right.reference("", 0))
merchant("bind-reference-long", "Binds with a partnerReferenceNo of 65 characters.", "BND-010", members=on("bind", partnerReferenceNo="B" * 65))
merchant("bind-no-card", "Binds without cardData.", "BND-012", members=on("bind", cardData=None))
merchant("bind-no-customer", "Binds without custIdMerchant.", "BND-014", members=on("bind", custIdMerchant=None))
merchant("bind-customer-long", "Binds with a custIdMerchant of 65 characters.", "BND-016", members=on("bind", custIdMerchant="C" * 65))
merchant("bind-customer-hyphen", "Binds with a hyphen in custIdMerchant.", "BND-018", members=on("bind", custIdMerchant="CUST-0001"))
merchant("bind-journey-number", "Sends journeyId as a number.", "BND-020", members=on("bind", journeyId=17))
merchant("bind-phone-number", "Sends phoneNo as a number.", "BND-022", members=on("bind", phoneNo=6281234567890))
merchant("unbind-no-token", "Unbinds without tokenId.", "UNB-010", members=on("unbind", tokenId=None))
merchant("unbind-token-list", "Unbinds with a list of tokens.", "UNB-012", members=on("unbind", tokenId=lambda old: [old]))
merchant("unbind-token-encoded", "Unbinds with the token in Base64.", "STA-020", "UNB-014", members=on("unbind", tokenId=lambda old: b64(str(old).encode())))
merchant("unbind-token-unknown", "Unbinds a card that was never bound.", "STA-020", members=on("unbind", tokenId="never-issued-0001"))
merchant("card-token-unknown", "Pays with a card token that was never issued.", "STA-020", members=where("bankCardToken", bankCardToken="never-issued-0001"))
merchant("card-token-unbound", "Pays with a card token that it has unbound.", "STA-020", uses_unbound=True)
merchant("body-list", "Wraps the body in a list.", "FLD-020", written=lambda operation, members: compact([members]))
merchant("body-member-twice", "Sends a member twice.", "FLD-050", written=lambda operation, members: compact(members)[:-1] + b',"channel":"a","channel":"b"}')
merchant("body-trailing-comma", "Ends the body with a comma too many.", "FLD-060", written=lambda operation, members: compact(members)[:-1] + b",}")
merchant("body-latin-1", "Sends the body in ISO 8859-1.", "FLD-060", written=lambda operation, members: compact(members).decode().encode("latin-1"), )

# --- uniqueness -------------------------------------------------------------------------------------------

_area = "uniqueness"
merchant("external-id-by-operation", "Counts X-EXTERNAL-ID anew for each operation.", "HDR-040", external_id=lambda operation, count: str(1000 + count - (5 if operation == "refund" else 0)))
merchant("reference-reused", "Pays twice under one partnerReferenceNo.", "STA-010", reference=lambda begin, count: begin.ljust(32, "A") if begin else "INV" + str(count // 5).rjust(29, "0"))
merchant("refund-number-reused", "Gives every refund the same partnerRefundNo.", "RFD-028", refund_number=lambda count: "INV-REF-0001")

# --- card data --------------------------------------------------------------------------------------------

_area = "card data"
CONTAINER = {"card-data-container": "ciphertext|iv"}


def sealed(kit: Kit, plain: bytes, *, key: bytes | None = None, iv: bytes | None = None) -> tuple[bytes, bytes]:
    vector = secrets.token_bytes(16) if iv is None else iv
    return right.aes_cbc(plain, right.aes_key(kit.shared_key) if key is None else key, vector), vector


def barred(pair: tuple[bytes, bytes]) -> str:
    return f"{b64(pair[0])}|{b64(pair[1])}"


def salted(kit: Kit, plain: bytes) -> str:
    """As CryptoJS and `openssl enc -md md5` make it of a passphrase."""
    salt, made = secrets.token_bytes(8), b""
    last = b""
    while len(made) < 48:
        last = hashlib.md5(last + kit.shared_key.encode() + salt).digest()  # noqa: S324 - what EVP_BytesToKey does
        made += last
    return b64(b"Salted__" + salt + right.aes_cbc(plain, made[:32], made[32:48]))


def iv_first(kit: Kit, plain: bytes) -> str:
    octets, iv = sealed(kit, plain)
    return b64(iv + octets)


merchant("card-plain", "Sends the card in clear.", "CRD-010", "SEC-010", seal=lambda kit, plain: plain.decode())
merchant("card-base64", "Sends the card in Base64, not encrypted.", "CRD-010", seal=lambda kit, plain: b64(plain))
merchant("card-key-secret", "Seals with the client secret, as the SDKs do.", "CRD-010", seal=lambda kit, plain: barred(sealed(kit, plain, key=right.aes_key(kit.client_secret))))
merchant("card-key-hashed", "Seals with AES-256 under the hash of the shared key, in hexadecimal and without the IV.", "CRD-010", seal=lambda kit, plain: sealed(kit, plain, key=hashlib.sha256(kit.shared_key.encode()).digest())[0].hex())
merchant("card-iv-lost", "Sends another IV than it sealed with.", "CRD-010", seal=lambda kit, plain: f"{b64(sealed(kit, plain)[0])}|{b64(bytes(range(16)))[:-4]}", )
merchant("card-salted", "Seals with a passphrase, as CryptoJS does.", "CRD-012", pins=CONTAINER, seal=salted)
merchant("card-iv-first", "Puts the IV before the ciphertext.", "CRD-012", pins=CONTAINER, seal=iv_first)
merchant("card-iv-static", "Uses one IV for ever.", "CRD-016", seal=lambda kit, plain: barred(sealed(kit, plain, iv=b"0123456789abcdef")))
merchant("card-iv-zero", "Uses an IV of zeros.", "CRD-016", seal=lambda kit, plain: barred(sealed(kit, plain, iv=bytes(16))))
merchant("card-payload-list", "Seals a list instead of an object.", "CRD-014", pins={"card-data-payload": "any-object"}, card=lambda card: list(card.values()))
merchant("card-payload-number", "Seals the card's number alone.", "CRD-014", pins={"card-data-payload": "any-object"}, card=lambda card: card["bankCardNo"])
merchant("card-payload-lacking", "Seals the card without its expiry date.", "CRD-014", pins={"card-data-payload": "sdk"}, card=lambda card: {name: card[name] for name in card if name != "expiryDate"})
merchant("card-expiry-yymm", "Writes the expiry date as YYMM.", "CRD-018", card=lambda card: {**card, "expiryDate": "3012"})

# --- secrecy ----------------------------------------------------------------------------------------------

_area = "secrecy"
merchant("card-number-in-info", "Repeats the card number in additionalInfo.", "SEC-010", members=where("chargeToken", note="card 9360001609987000000"))
merchant("secret-in-header", "Sends its client secret along.", "SEC-020", members=lambda operation, members, kit: {**members, "secretKey": kit.client_secret})
merchant("shared-key-in-body", "Sends the shared key with the card.", "SEC-020", members=lambda operation, members, kit: {**members, "sharedKey": kit.shared_key} if operation == "bind" else members)

# --- conduct ----------------------------------------------------------------------------------------------

_area = "conduct"
LOST = frozenset({"lost"})
merchant("refused-token-kept", "Sends again with the token that was refused.", "BEH-010", renews_token=False)
merchant("retry-same-external-id", "Sends again under the same X-EXTERNAL-ID.", "BEH-020", "BEH-080", "HDR-040", renumbers=False)
merchant("retry-same-everything", "Sends the same octets again.", "BEH-020", "BEH-080", "HDR-040", renumbers=False, remakes=False)
merchant("lost-charged-anew", "Charges under a new reference after a lost reply.", "BEH-030", charges_anew_after=LOST)
merchant("timeout-charged-anew", "Charges under a new reference after 504.", "BEH-030", charges_anew_after=frozenset({"504"}))
merchant("failure-charged-anew", "Charges under a new reference after 500.", "BEH-040", charges_anew_after=frozenset({"500"}))
merchant("never-waits", "Does not wait after 429.", "BEH-050", waits=0.0, obeys_retry_after=False)
merchant("retry-after-ignored", "Waits less after 429 than it was told.", "BEH-050", obeys_retry_after=False)
merchant("insists", "Sends a declined charge again.", "BEH-060", insists=True)
merchant("same-otp-again", "Sends a wrong OTP again.", "BEH-070", retypes_otp=False)
merchant("duplicate-charged-anew", "Charges under a new reference after 409/01.", "BEH-090", charges_anew_after=frozenset({"409/01"}))
merchant("odd-charged-anew", "Charges under a new reference after a reply that surprised it.", "BEH-100", charges_anew_after=frozenset({"odd"}))
merchant("odd-repeated", "Repeats the charge after a reply that surprised it.", "BEH-100", "STA-010", repeats_odd=True)
merchant("redirect-query-added", "Adds a query to the redirectUrl.", "BEH-110", follows=lambda url: url + ("&" if "?" in url else "?") + "lang=id")
merchant("redirect-cut", "Cuts the end of the redirectUrl off.", "BEH-110", follows=lambda url: url[:-4])
