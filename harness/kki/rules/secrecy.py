"""What stands in clear where it should not, in requests and in replies. Findings say where, never what."""

from __future__ import annotations

import json
import re

from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable, Unknown
from kki.rules.carddata import Opened, opened
from kki.rules.places import LONGEST, holds_card, holds_digits, holds_secret, reply_places, request_places
from kki.rules.registry import SYMMETRIC, Scene, rule
from kki.rules.signing import Comparison, compared
from kki.rules.words import masked

AES_KEY = 16  # characters of the shared key
LEAST_TOKEN = 16  # characters
LEAST_OTP = 6  # characters: a shorter one stands in many a text
ADDRESSES = ("reply /redirecturl", "reply header location", "reply header set-cookie")  # these have paths
SHORTEST = 8  # characters of a secret below which its appearance is chance
_TLS = re.compile(r"(?:TLSv1\.[23]|QUIC.*|TLS 1\.[23])", re.IGNORECASE)
_INSIDE = (
    (
        "a stack trace",
        re.compile(
            r"Traceback \(most recent call last\)|\bat [\w.$<>]{1,200}\([\w$]{1,80}\.(?:java|kt|scala|js|cs):\d+\)"
        ),
    ),
    (
        "a stack trace",
        re.compile(
            r"\bgoroutine \d+ \[|\bat .{1,80} \(?(?:/|node:)[^)\n]{1,120}:\d+:\d+\)?"
            r"|#\d{1,4} /[\w./-]{1,200}\.php\(\d+\)"
        ),
    ),
    (
        "the name of an exception",
        re.compile(
            r"\b(?:java|javax|org|com|kotlin)\.[\w.]{1,120}(?:Exception|Error)\b|\bSQLSTATE\b|\bORA-\d{5}\b"
        ),
    ),
    (
        "an error of its language or database, word for word",
        re.compile(
            r"\bcannot unmarshal \w+ into Go\b|\bruntime error: (?:invalid memory|index out of range)"
            r"|\bCannot read propert(?:y|ies) of (?:undefined|null)\b|\bCannot deserialize value of type\b"
            r"|\bNullPointerException\b|\bCall to a member function \w+\(\)|\bUndefined (?:array key|index|variable)\b"
            r"|\bviolates (?:unique|foreign key|not-null|check) constraint\b|\bDuplicate entry '[^']{0,200}' for key\b"
            r"|\bE11000 duplicate key\b|\bE(?:CONNREFUSED|NOTFOUND|TIMEDOUT)\b"
        ),
    ),
    (
        "a file path",
        re.compile(
            r"(?<![\w:/.])/(?:usr|home|var|etc|opt|srv|root|app|src)/[\w.-]+(?:/[\w.-]+)*|\b[A-Z]:\\\\?\w+\\"
        ),
    ),
    (
        "a line of source",
        re.compile(r"\b[\w/-]{1,80}\.(?:java|py|go|php|rb|cs|kt|ts):\d+|\bFile \"[^\"]{1,200}\", line \d+"),
    ),
    (
        "a query",
        re.compile(
            r"\bSELECT\s.{1,200}?\sFROM\s|\bINSERT INTO\s+[\w.\"`]+\s*\(|\bUPDATE\s+[\w.\"`]+\s+SET\s+[\w.\"`]+\s*="
            # as object mappers write it; "please select another card from the list" is a sentence
            r"|(?i:\bselect\s+(?:\*|\w+[._]\w+|\w+\s*,)[^;]{0,200}?\sfrom\s+\w|\bupdate\s+\w+\s+set\s+\w+\s*=)",
            re.DOTALL,
        ),
    ),
)  # fmt: skip


def _broken(where: str, expected: str, actual: str) -> Broken:
    return Broken((Finding(where=where, expected=expected, actual=actual),))


def card_numbers(scene: Scene) -> set[str]:
    """Every card number that the operator named or this request carries."""
    data = scene.knowledge.test_data
    numbers = {data.cpan, (data.card or {}).get("bankCardNo"), scene.view.text("chargeToken")}
    card = opened(scene)
    if isinstance(card, Opened) and card.payload:
        number = card.payload.get("bankCardNo")
        numbers.add(number if isinstance(number, str) else None)
    return {number for number in numbers if number and number.isdigit() and len(number) >= 12}


# --- requests ------------------------------------------------------------------------------------


@rule("KKI-SEC-010", operations=(*SYMMETRIC, "b2b", "b2b2c"))
def card_number_stands_in_its_place(scene: Scene) -> Judgement | None:
    """A card number stands in clear nowhere but in the member that is for it."""
    numbers = card_numbers(scene)
    if not numbers:
        return Unknown("a card number to look for: test_data.cpan") if scene.view.name == "payment" else None
    payment = scene.view.name == "payment"
    for where, text in request_places(scene, but={"/chargeToken"} if payment else set()):
        if where == "body" and payment:
            continue  # unreadable as it is: nobody can tell which member the number stands in
        if where == "body /cardData" and isinstance(opened(scene), Opened) and not text.startswith("{"):
            continue
        if any(holds_card(text, number) for number in numbers):
            return _broken(where, "no card number in clear", "the customer's card number")
    return Holds()


@rule("KKI-SEC-014", operations=SYMMETRIC)
def passing_secrets_stand_in_their_places(scene: Scene) -> Judgement | None:
    """The OTP and the access tokens stand in no other place of a request than in their own."""
    view = scene.view
    tokens = {token for token in (view.token, view.customer_token) if token and len(token) >= LEAST_TOKEN}
    otp = view.text("otp") or ""
    for where, text in request_places(scene, but={"/otp"}):
        if where.lower() not in _OF_TOKENS and any(token in text for token in tokens):
            return _broken(where, "no access token", "an access token")
        if len(otp) >= LEAST_OTP and where not in _NUMBERS and holds_digits(text, otp):
            return _broken(where, "no OTP", "the customer's OTP")
    return Holds() if tokens or otp else None


_OF_TOKENS = frozenset({"header authorization", "header authorization-customer"})
_NUMBERS = frozenset({"header X-EXTERNAL-ID", "body /partnerReferenceNo", "body /phoneNo"})  # which have digits too


@rule("KKI-SEC-020")
def secrets_stay_at_home(scene: Scene) -> Judgement | None:
    """The client secret, the shared key and the private key are in no request."""
    known = _named_secrets(scene)
    private = scene.knowledge.credentials.private_key or ""
    line = next((one for one in private.splitlines() if len(one) > 40 and "-" not in one), None)
    if line:
        known["the private key"] = line
    if not known:
        return Unknown("the secrets, without which nobody can look for them")
    for where, text in request_places(scene):
        if "PRIVATE KEY-----" in text:
            return _broken(where, "no secret", "a private key")
        for name, value in known.items():
            if holds_secret(text, value):
                return _broken(where, "no secret", name)
    return Holds()


def _named_secrets(scene: Scene) -> dict[str, str]:
    """The secrets that are known and long enough not to appear by chance."""
    named = scene.knowledge.credentials
    aes_key = (named.shared_key or "")[:AES_KEY]  # what the first container encrypts under
    secrets = {"the client secret": named.client_secret, "the shared key": named.shared_key, "the card key": aes_key}
    return {name: value for name, value in secrets.items() if value and len(value) >= SHORTEST}


@rule("KKI-SEC-030")
def tls_is_recent(scene: Scene) -> Judgement | None:
    """Where TLS is used, it is TLS 1.2 or later."""
    version = scene.view.exchange.tls
    if version is None:
        return NotApplicable()
    return Holds() if _TLS.fullmatch(version) else _broken("connection", "TLS 1.2 or later", version[:20])


# --- replies -------------------------------------------------------------------------------------


@rule("KKI-SEC-210")
def no_reply_holds_a_card_number(scene: Scene) -> Judgement | None:
    """No reply holds the customer's full CPAN or card number."""
    numbers = card_numbers(scene)
    if scene.view.exchange.response is None or not numbers:
        return None
    # What payment calls chargeToken is the CPAN, and what a binding gives may be meant for it (contradiction 32).
    but = {"/chargeToken"} if scene.view.name == "bind" else set()
    for where, text in reply_places(scene, but=but):
        if any(holds_card(text, number) for number in numbers):
            return _broken(where, "no card number", "the customer's full card number")
    return Holds()


@rule("KKI-SEC-220")
def no_reply_holds_the_otp(scene: Scene) -> Judgement | None:
    """No reply holds the OTP."""
    if scene.view.exchange.response is None:
        return None
    mine, right = scene.view.text("otp"), scene.knowledge.test_data.otp
    otps = {otp for otp in (mine, right) if otp and len(otp) >= LEAST_OTP and not masked(otp)}
    # It may stand elsewhere in the request too, from where it may rightly be repeated.
    said = [text for _, text in request_places(scene, but={"/otp"})]
    otps = {otp for otp in otps if not any(holds_digits(text, otp) for text in said)}
    for where, text in reply_places(scene):
        if any(holds_digits(text, otp) for otp in otps):
            return _broken(where, "no OTP", "the customer's OTP")
    return Holds() if mine in otps else None


@rule("KKI-SEC-230")
def no_reply_holds_card_data(scene: Scene) -> Judgement | None:
    """No reply holds card data, opened or sealed."""
    sealed = scene.view.text("cardData")
    if scene.view.exchange.response is None or scene.view.name != "bind" or sealed is None or len(sealed) < 16:
        return None
    for where, text in reply_places(scene):
        if holds_secret(text, sealed):
            return _broken(where, "no card data", "the request's cardData")
        if where.rsplit("/", 1)[-1] in ("cardData", "expiryDate", "identificationNo"):
            return _broken(where, "no card data", "a member of the card's data")
    return Holds()


@rule("KKI-SEC-240")
def no_reply_holds_an_access_token(scene: Scene) -> Judgement | None:
    """No reply holds an access token, except the token endpoint's own."""
    view = scene.view
    if view.exchange.response is None:
        return None
    tokens = {token for token in (view.token, view.customer_token) if token and len(token) >= 16}
    own = view.name in ("b2b", "b2b2c")
    if not tokens and own:
        return Holds()
    for where, text in reply_places(scene):
        if any(token in text for token in tokens) or (not own and text in view_tokens(scene, text)):
            return _broken(where, "no access token", "an access token")
        if not own and where.endswith(("/accessToken", "/refreshToken")):
            return _broken(where, "no access token", "a member that holds one")
    return Holds()


def view_tokens(scene: Scene, text: str) -> tuple[str, ...]:
    """The text itself, if it is a token that was issued in this trail."""
    return (text,) if text in scene.trail.tokens and len(text) >= 16 else ()


@rule("KKI-SEC-250")
def no_reply_shows_the_inside(scene: Scene) -> Judgement | None:
    """No reply shows the inside of the server: a stack trace, a file path, a query."""
    response = scene.view.exchange.response
    if response is None:
        return None
    sent = scene.view.exchange.request.body.decode("utf-8", "replace") + scene.view.exchange.request.target
    for where, text in reply_places(scene):
        # Longer texts are no error message; and no search of ours may take long, whatever a server sends.
        if len(text) > LONGEST or where.lower() in ADDRESSES:
            continue
        for name, form in _INSIDE:
            match = form.search(text)
            if match is not None and match[0] not in sent and json.dumps(match[0])[1:-1] not in sent:
                return _broken(where, "nothing of the server's inside", name)
    return Holds()


@rule("KKI-SEC-260")
def no_reply_tells_a_secret(scene: Scene) -> Judgement | None:
    """No reply tells the client secret, the shared key, or the signature that would have been right."""
    secrets, found = _named_secrets(scene), compared(scene)
    if isinstance(found, Comparison):
        secrets["the right signature"] = found.right.signature
        secrets["the right signature in hexadecimal"] = found.right.mac.hex()
    if scene.view.exchange.response is None or not secrets:
        return None
    # What the request itself says may rightly be repeated: its own signature above all.
    sent = [text for _, text in request_places(scene)]
    secrets = {name: value for name, value in secrets.items() if not any(value in text for text in sent)}
    for where, text in reply_places(scene):
        for name, value in secrets.items():
            if holds_secret(text, value):
                return _broken(where, "no secret", name)
    return Holds()
