"""A merchant's client of DOKU's Kartu Kredit Indonesia (KKI) host-to-host API, in one file. Read it, copy it.

    KKI_BASE_URL=http://127.0.0.1:8080 KKI_CLIENT_ID=… KKI_CLIENT_SECRET=… KKI_SHARED_KEY=… \\
    KKI_PRIVATE_KEY=merchant.pem KKI_CPAN=… KKI_OTP=… KKI_CARD_TOKENS=…,… python merchant.py

`Doku` is the client: tokens, signing, sealing, and what to do when a call does not end well. The rest is a day in the
life of a shop that uses it. Needs requests and cryptography, Python 3.11 or later.

Four rules carry everything below:
- A request is made anew for every attempt: new X-EXTERNAL-ID, new X-TIMESTAMP, new signature. Only its body stays.
- A charge whose fate is unknown is asked for again under the same partnerReferenceNo, never under a new one.
- What was refused for a reason is not sent again unless the reason is gone: another OTP, another token.
- What a reply has beyond what we know is ignored; a code that we do not know settles nothing.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

B2B = "/authorization/v1/access-token/b2b"
B2B2C = "/authorization/v1/access-token/b2b2c"
PAYMENT = "/direct-debit/core/v1/debit/payment-host-to-host"
REFUND = "/direct-debit/core/v1/debit/refund"
BIND = "/direct-debit/core/v1/registration-card-bind"
UNBIND = "/direct-debit/core/v1/registration-card-unbind"

JAKARTA = timezone(timedelta(hours=7))
PAUSES = (0.2, 0.5, 1.0)  # seconds before the second, third and fourth attempt: then we stop
LONGEST_WAIT = 60.0  # seconds that we are ready to wait after 429
EARLY = timedelta(seconds=30)  # a token is replaced this long before it ends


# --- the protocol: signing and sealing ---------------------------------------------------------------


def timestamp() -> str:
    return datetime.now(JAKARTA).isoformat(timespec="seconds")


def compact(value: Mapping[str, Any]) -> bytes:
    """JSON without white space. These very octets are hashed and sent."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signature(secret: str, path: str, token: str, body: bytes, at: str) -> str:
    """X-SIGNATURE of an operation: HMAC-SHA512, in Base64. `token`: the B2B token, without `Bearer `."""
    text = f"POST:{path}:{token}:{hashlib.sha256(body).hexdigest()}:{at}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha512).digest()).decode()


def token_signature(private_key: Any, client_id: str, at: str) -> str:
    """X-SIGNATURE of a token request: RSA-SHA256 (PKCS#1 v1.5), in Base64."""
    made = private_key.sign(f"{client_id}|{at}".encode(), rsa_padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(made).decode()


def seal(card: Mapping[str, str], shared_key: str) -> str:
    """cardData: AES-128-CBC under the first 16 octets of the shared key, with a new IV each time."""
    key, iv = shared_key.encode()[:16].ljust(16, b"-"), secrets.token_bytes(16)
    padder = padding.PKCS7(128).padder()
    plain = padder.update(compact(card)) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(plain) + encryptor.finalize()
    return f"{base64.b64encode(sealed).decode()}|{base64.b64encode(iv).decode()}"


# --- the client ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """`status` 0: nothing came that we could read. `doubt`: an earlier attempt may have been carried out."""

    status: int = 0
    members: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None
    doubt: bool = False

    @property
    def code(self) -> str:
        """responseCode, "" where there is none."""
        return str(self.members.get("responseCode", ""))

    @property
    def case(self) -> str:
        """HTTP status and case code, "404/15"; without a readable responseCode only "404/"."""
        return f"{self.status}/{self.code[5:] if len(self.code) == 7 else ''}"

    @property
    def done(self) -> bool:
        return self.case == "200/00"

    @property
    def unsettled(self) -> bool:
        """Nobody knows what became of the request."""
        return self.status == 0 or self.status >= 500


def session(ca_file: str) -> requests.Session:
    """`ca_file`: who vouches for the server; "": the usual authorities."""
    made = requests.Session()
    made.trust_env = False  # or a ~/.netrc would replace our Authorization
    made.verify = ca_file or True
    return made


class TokenError(Exception):
    """No token to be had: nothing more can be done."""


@dataclass
class Token:
    value: str
    ends: datetime
    refresh: str = ""  # what gets the next one, for a customer's token

    @property
    def good(self) -> bool:
        return bool(self.value) and datetime.now(JAKARTA) < self.ends - EARLY


NO_TOKEN = Token("", datetime.min.replace(tzinfo=JAKARTA))


class Doku:
    """One merchant at one base URL. For one thread; several of them share nothing but the credentials."""

    def __init__(
        self, base_url: str, client_id: str, secret: str, private_key: str, *, timeout: float = 10.0, ca_file: str = ""
    ) -> None:
        self.base_url, self.client_id, self.timeout = base_url.rstrip("/"), client_id, timeout
        self._secret = secret
        self._key = serialization.load_pem_private_key(private_key.encode(), None)
        self._http = session(ca_file)
        self._b2b, self._customer = NO_TOKEN, NO_TOKEN

    # -- tokens

    def b2b_token(self) -> str:
        """The token of the merchant: fetched once, used until it ends."""
        if not self._b2b.good:
            told = self._fetch(B2B, {"grantType": "client_credentials"})
            ends = datetime.now(JAKARTA) + timedelta(seconds=int(told.get("expiresIn", 900)))
            self._b2b = Token(str(told["accessToken"]), ends)
        return self._b2b.value

    def authorise_customer(self, auth_code: str) -> None:
        """The customer's token, for the code that a binding gave."""
        self._take_customer(self._fetch(B2B2C, {"grantType": "authorization_code", "authCode": auth_code}))

    def customer_token(self) -> str:
        if not self._customer.good and self._customer.refresh:
            body = {"grantType": "refresh_token", "refreshToken": self._customer.refresh}
            self._take_customer(self._fetch(B2B2C, body))
        return self._customer.value

    def _take_customer(self, told: Mapping[str, Any]) -> None:
        ends = datetime.fromisoformat(str(told["accessTokenExpiryTime"]))
        self._customer = Token(str(told["accessToken"]), ends, str(told.get("refreshToken", "")))

    def _fetch(self, path: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        for pause in (*PAUSES, None):
            at = timestamp()
            headers = {
                "X-CLIENT-KEY": self.client_id, "X-TIMESTAMP": at,
                "X-SIGNATURE": token_signature(self._key, self.client_id, at),
            }  # fmt: skip
            reply = self._post(path, headers, compact(body))
            if reply.done and "accessToken" in reply.members:
                return reply.members
            if pause is None or not (reply.unsettled or reply.status == 429):
                break
            time.sleep(self._wait(reply, pause))
        raise TokenError(f"{path}: no token, {reply.code or 'no reply'}")

    # -- operations

    def call(self, path: str, body: Mapping[str, Any], *, customer: bool = False, **headers: str) -> Reply:
        """The reply to this body, after as many attempts as make sense. `headers`: further ones, `_` for `-`."""
        octets, doubt, reply = compact(body), False, Reply()
        for pause in (*PAUSES, None):
            reply = self._attempt(path, octets, customer, headers)
            if reply.case in ("401/01", "401/03"):
                self._b2b = NO_TOKEN  # ended before its time: the next attempt fetches another
            elif reply.case in ("401/02", "401/04") and self._customer.refresh:
                self._customer.ends = NO_TOKEN.ends
            elif reply.unsettled:
                doubt = True
            elif reply.status != 429 and reply.case != "409/00":  # after a conflict the new X-EXTERNAL-ID will do
                break
            if pause is None or (reply.retry_after or 0) > LONGEST_WAIT:
                break
            time.sleep(self._wait(reply, pause))
        return Reply(reply.status, reply.members, reply.retry_after, doubt)

    def _attempt(self, path: str, octets: bytes, customer: bool, more: Mapping[str, str]) -> Reply:
        token, at = self.b2b_token(), timestamp()
        headers = {
            "X-PARTNER-ID": self.client_id,
            "X-EXTERNAL-ID": f"{time.time_ns()}{secrets.randbelow(10**6):06}",  # digits, and never the same
            "X-TIMESTAMP": at,
            "Authorization": f"Bearer {token}",
            "X-SIGNATURE": signature(self._secret, path, token, octets, at),
        }
        if customer:
            headers["Authorization-customer"] = f"Bearer {self.customer_token()}"
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return self._post(path, headers, octets)

    def _post(self, path: str, headers: Mapping[str, str], octets: bytes) -> Reply:
        try:
            came = self._http.post(
                self.base_url + path, data=octets, headers={"Content-Type": "application/json", **headers},
                timeout=self.timeout, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException:  # time-out, closed connection, half a reply: all the same to us
            return Reply()
        try:
            members = came.json()
        except ValueError:
            members = {}
        told = came.headers.get("Retry-After", "")
        seconds = float(told) if told.isascii() and told.isdigit() else None
        return Reply(came.status_code, members if isinstance(members, dict) else {}, seconds)

    @staticmethod
    def _wait(reply: Reply, pause: float) -> float:
        """What we were told to wait; after 429 at least a second."""
        return max(reply.retry_after or 0.0, pause, 1.0 if reply.status == 429 else 0.0)


# --- the shop -----------------------------------------------------------------------------------------


def new_reference(begin: str = "") -> str:
    """32 letters and digits, the only form that both a payment and its refund accept under every reading."""
    return (begin + secrets.token_hex(16))[:32]


def pay(doku: Doku, reference: str, charge: Mapping[str, Any], otps: Iterable[str] = ()) -> str:
    """Gives "paid", "declined", "duplicate" or "open": ask again later, under this reference.

    `otps`: what the customer types, one after the other, for a charge that needs an OTP.
    """
    asked = iter(otps)
    otp = next(asked, None)
    while True:
        body = {"partnerReferenceNo": reference, **charge, **({"otp": otp} if otp else {})}
        reply = doku.call(PAYMENT, body, customer=True)
        if reply.case == "404/15" and (otp := next(asked, None)):
            continue  # the customer mistyped: another OTP, the same payment
        if reply.done or (reply.case == "409/01" and reply.doubt):
            return "paid"  # a duplicate after a lost reply: the first attempt had come through
        if reply.case == "409/01":
            return "duplicate"  # this reference was paid for before: a second charge would be a fraud
        return "declined" if 400 <= reply.status < 500 else "open"


def refund(doku: Doku, original: str, ip_address: str) -> bool:
    body = {
        "originalPartnerReferenceNo": original,
        "reason": "Request by Customer",
        "partnerRefundNo": secrets.token_hex(6),  # 12 characters, no more are taken
    }
    reply = doku.call(REFUND, body, customer=True, X_IP_ADDRESS=ip_address)
    return reply.done or reply.case == "404/18"  # 404/18, inconsistent request: it was refunded already


def bind(doku: Doku, card: Mapping[str, str], shared_key: str, channel: str) -> Reply:
    """DH: the reply's redirectUrl is where the customer types the OTP. H2H: it has an authCode."""
    body = {
        "partnerReferenceNo": new_reference(),
        "cardData": seal(card, shared_key),
        "custIdMerchant": "CUST" + secrets.token_hex(6),
        "phoneNo": "6281234567890",
    }
    return doku.call(BIND, body, CHANNEL_ID=channel)


def unbind(doku: Doku, card_token: str) -> bool:
    """True: under way. It becomes final later, and nobody tells us when."""
    return doku.call(UNBIND, {"tokenId": card_token}).done


class Form(HTMLParser):
    """The first form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.otp = ""  # the name of the field that the customer fills in
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self._inside = have.get("action", ""), True
        elif tag == "input" and self._inside and have.get("name"):
            self.fields[have["name"]] = have.get("value", "")
            if have.get("type", "text") not in ("hidden", "submit", "button", "checkbox"):
                self.otp = self.otp or have["name"]

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"


def customer_types(url: str, otps: Iterable[str], ca_file: str) -> bool:
    """The customer's browser: opens the redirectUrl exactly as it was given and types one OTP after the other.

    Here only so that the example runs by itself: a shop answers its customer with a redirect to `url`, and no more.
    """
    with session(ca_file) as browser:
        page = browser.get(url, timeout=10)
        for otp in otps:
            form = Form(page.text)
            if form.action is None or not form.otp:
                return False  # no page for that here
            page = browser.post(urljoin(page.url, form.action), data={**form.fields, form.otp: otp}, timeout=10)
        return page.ok


# --- a day in its life ----------------------------------------------------------------------------------

# What `kki certify` steers: a reference that begins so meets the trouble of that name. Elsewhere they are references.
SCENARIOS = {
    "expired token": "EXPIREDTOKEN",
    "insufficient funds": "INSUFFICIENTFUNDS",
    "card blocked": "CARDBLOCKED",
    "conflict": "CONFLICT",
    "duplicate": "DUPLICATE",
    "too many requests": "TOOMANYREQUESTS",
    "server error": "SERVERERROR",
    "gateway time-out": "GATEWAYTIMEOUT",
    "no reply": "NOREPLY",
    "unknown case": "UNKNOWNCASE",
    "extra members": "EXTRAMEMBERS",
    "slow reply": "SLOWREPLY",
    "closed connection": "CLOSEDCONNECTION",
}
NEEDED = (
    "KKI_BASE_URL", "KKI_CLIENT_ID", "KKI_CLIENT_SECRET", "KKI_SHARED_KEY", "KKI_PRIVATE_KEY", "KKI_CPAN", "KKI_OTP",
    "KKI_CARD_TOKENS",
)  # fmt: skip


def day(env: Mapping[str, str], scenarios: Mapping[str, str]) -> Iterator[tuple[str, str, bool]]:
    """(what was done, what came of it, whether that is as it should be), one after the other."""
    ca_file = env.get("KKI_CA_FILE", "")
    doku = Doku(
        env["KKI_BASE_URL"], env["KKI_CLIENT_ID"], env["KKI_CLIENT_SECRET"],
        Path(env["KKI_PRIVATE_KEY"]).read_text("utf-8"), timeout=float(env.get("KKI_TIMEOUT_S", "10")), ca_file=ca_file,
    )  # fmt: skip
    cpan, otp, tokens = {"chargeToken": env["KKI_CPAN"]}, env["KKI_OTP"], env["KKI_CARD_TOKENS"].split(",")
    card = {"bankCardNo": env["KKI_CPAN"], "bankCardType": "D", "expiryDate": env.get("KKI_CARD_EXPIRY", "1230")}
    typo = ("0" if otp[0] != "0" else "1") + otp[1:]  # as many characters, and wrong

    bound = bind(doku, card, env["KKI_SHARED_KEY"], "H2H")
    yield "binding, host to host", bound.code, bound.done
    info = bound.members.get("additionalInfo")
    doku.authorise_customer(str(info["authCode"]) if isinstance(info, dict) else env.get("KKI_AUTH_CODE", ""))
    yield "customer token", "fetched", True

    first = new_reference()
    by_token = {"bankCardToken": tokens[0]}
    payments: tuple[tuple[str, str, Mapping[str, Any], tuple[str, ...]], ...] = (
        ("payment by CPAN, one mistyped OTP", first, cpan, (typo, otp)),
        ("the same, to be tokenised", new_reference(), {**cpan, "additionalInfo": {"isBindAndPay": "true"}}, (otp,)),
        ("payment by token", new_reference(), by_token, ()),
        ("the same, recurring", new_reference(), {**by_token, "additionalInfo": {"paymentType": "RECURRING"}}, ()),
    )
    for name, reference, charge, typed in payments:
        came = pay(doku, reference, charge, typed)
        yield name, came, came == "paid"
    done = refund(doku, first, env.get("KKI_IP_ADDRESS", "192.168.1.1"))
    yield "refund", "refunded" if done else "refused", done

    bound = bind(doku, card, env["KKI_SHARED_KEY"], "DH")
    yield "binding, DOKU hosted", bound.code, bound.done
    url = bound.members.get("redirectUrl")
    typed_in = isinstance(url, str) and customer_types(url, (typo, otp), ca_file)
    yield "OTP at the redirectUrl", "typed" if typed_in else "no page to type it into", True

    for name, begin in scenarios.items():
        # A payment names no amount: without something of its own an order looks like the one before, charged twice.
        came = pay(doku, new_reference(begin), {**cpan, "additionalInfo": {"order": name}}, (otp,))
        yield f"in trouble: {name}", came, True  # whatever came of it: we are still here, and nobody paid twice

    done = unbind(doku, tokens[-1])
    yield "unbinding", "under way" if done else "refused", done


def main() -> int:
    parser = argparse.ArgumentParser(description="A day in the life of a KKI merchant.")
    parser.add_argument("--base-url", help="instead of KKI_BASE_URL")
    parser.add_argument("--scenarios", metavar="FILE", help='JSON, {"name": "how the reference begins"}; default: all')
    given = parser.parse_args()
    env = dict(os.environ) | ({"KKI_BASE_URL": given.base_url} if given.base_url else {})
    missing = [name for name in NEEDED if not env.get(name)]
    if missing:
        print(f"Expected in the environment: {', '.join(missing)}.", file=sys.stderr)  # noqa: T201
        return 2
    scenarios = json.loads(Path(given.scenarios).read_text("utf-8")) if given.scenarios else SCENARIOS
    all_well = True
    try:
        for what, came, well in day(env, scenarios):
            print(f"{'ok   ' if well else 'FAILS'} {what}: {came}", flush=True)  # noqa: T201
            all_well = all_well and well
    except TokenError as error:
        print(f"FAILS {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
