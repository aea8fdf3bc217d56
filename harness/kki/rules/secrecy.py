"""What stands in clear where it should not, in requests and in replies. Findings say where, never what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable, Unknown
from kki.rules.carddata import Opened, opened
from kki.rules.registry import SYMMETRIC, Scene, rule
from kki.rules.words import masked

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
            r"\bSELECT\b.{1,200}\bFROM\b|\bINSERT INTO\b|\bUPDATE\b.{1,100}\bSET\b", re.IGNORECASE | re.DOTALL
        ),
    ),
)  # fmt: skip


def _broken(where: str, expected: str, actual: str) -> Broken:
    return Broken((Finding(where=where, expected=expected, actual=actual),))


def _whole(text: str, secret: str) -> bool:
    """Whether a text holds the secret as a whole word: digits inside longer digits are another number."""
    at = text.find(secret)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(secret) : at + len(secret) + 1]
        if not (before.isalnum() or after.isalnum()):
            return True
        at = text.find(secret, at + 1)
    return False


def card_numbers(scene: Scene) -> set[str]:
    """Every card number that the operator named or this request carries."""
    data = scene.knowledge.test_data
    numbers = {data.cpan, (data.card or {}).get("bankCardNo"), scene.view.text("chargeToken")}
    card = opened(scene)
    if isinstance(card, Opened) and card.payload:
        number = card.payload.get("bankCardNo")
        numbers.add(number if isinstance(number, str) else None)
    return {number for number in numbers if number and number.isdigit() and len(number) >= 12}


def _strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string and number of a JSON value, with its pointer. Iterative: nesting has no limit."""
    stack: list[tuple[str, object]] = [(path, value)]
    while stack:
        where, item = stack.pop()
        if isinstance(item, dict):
            stack.extend((f"{where}/{name}", one) for name, one in item.items())
            stack.extend((f"{where}/…", str(name)) for name in item)
        elif isinstance(item, list):
            stack.extend((f"{where}/{index}", one) for index, one in enumerate(item))
        elif isinstance(item, str):
            yield where, item
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield where, str(item)


def _request_places(scene: Scene, *, but: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    request, view = scene.view.exchange.request, scene.view
    yield "target", request.target
    yield from ((f"header {name}", value) for name, value in request.headers.pairs)
    if view.body.members is not None:
        skipped = set(but)
        yield from ((f"body {where}", text) for where, text in _strings(view.body.members) if where not in skipped)
    else:
        yield "body", request.body.decode("utf-8", "replace")


def _reply_places(scene: Scene, *, but: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    response, reply = scene.view.exchange.response, scene.view.reply
    if response is None:
        return
    yield from ((f"reply header {name}", value) for name, value in response.headers.pairs)
    if reply.members is not None:
        skipped = set(but)
        yield from ((f"reply {where}", text) for where, text in _strings(reply.members) if where not in skipped)
    else:
        yield "reply body", response.body.decode("utf-8", "replace")


# --- requests ------------------------------------------------------------------------------------


@rule("KKI-SEC-010", operations=(*SYMMETRIC, "b2b", "b2b2c"))
def card_number_stands_in_its_place(scene: Scene) -> Judgement | None:
    """A card number stands in clear nowhere but in the member that is for it."""
    numbers = card_numbers(scene)
    if not numbers:
        return Unknown("a card number to look for: test_data.cpan") if scene.view.name == "payment" else None
    payment = scene.view.name == "payment"
    for where, text in _request_places(scene, but={"/chargeToken"} if payment else set()):
        if where == "body" and payment:
            continue  # unreadable as it is: nobody can tell which member the number stands in
        if where == "body /cardData" and isinstance(opened(scene), Opened) and not text.startswith("{"):
            continue
        if any(_whole(text, number) for number in numbers):
            return _broken(where, "no card number in clear", "the customer's card number")
    return Holds()


@rule("KKI-SEC-020")
def secrets_stay_at_home(scene: Scene) -> Judgement | None:
    """The client secret, the shared key and the private key are in no request."""
    named = scene.knowledge.credentials
    secrets = {"the client secret": named.client_secret, "the shared key": named.shared_key}
    known = {name: value for name, value in secrets.items() if value and len(value) >= SHORTEST}
    line = next((one for one in (named.private_key or "").splitlines() if len(one) > 40 and "-" not in one), None)
    if line:
        known["the private key"] = line
    if not known:
        return Unknown("the secrets, without which nobody can look for them")
    for where, text in _request_places(scene):
        if "PRIVATE KEY-----" in text:
            return _broken(where, "no secret", "a private key")
        for name, value in known.items():
            if value in text:
                return _broken(where, "no secret", name)
    return Holds()


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
    for where, text in _reply_places(scene, but=but):
        if any(_whole(text, number) for number in numbers):
            return _broken(where, "no card number", "the customer's full card number")
    return Holds()


@rule("KKI-SEC-220")
def no_reply_holds_the_otp(scene: Scene) -> Judgement | None:
    """No reply holds the OTP."""
    otp = scene.view.text("otp")
    if scene.view.exchange.response is None or otp is None or len(otp) < 6 or masked(otp):
        return None
    others = [text for where, text in _request_places(scene, but={"/otp"}) if _whole(text, otp)]
    if others:
        return None  # it stands elsewhere in the request too, from where it may rightly be repeated
    for where, text in _reply_places(scene):
        if _whole(text, otp):
            return _broken(where, "no OTP", "the request's OTP")
    return Holds()


@rule("KKI-SEC-230")
def no_reply_holds_card_data(scene: Scene) -> Judgement | None:
    """No reply holds card data, opened or sealed."""
    sealed = scene.view.text("cardData")
    if scene.view.exchange.response is None or scene.view.name != "bind" or sealed is None or len(sealed) < 16:
        return None
    for where, text in _reply_places(scene):
        if sealed in text:
            return _broken(where, "no card data", "the request's cardData")
        if where.rsplit("/", 1)[-1] in ("cardData", "bankCardNo", "expiryDate", "bankCardType", "identificationNo"):
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
    for where, text in _reply_places(scene):
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
    for where, text in _reply_places(scene):
        # Longer texts are no error message; and no search of ours may take long, whatever a server sends.
        if where in ("reply /redirectUrl", "reply header Location") or len(text) > 20_000:
            continue
        for name, form in _INSIDE:
            match = form.search(text)
            if match is not None and match[0] not in sent and json.dumps(match[0])[1:-1] not in sent:
                return _broken(where, "nothing of the server's inside", name)
    return Holds()
