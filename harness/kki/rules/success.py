"""What a reply to an accepted request holds: echoes, references, where the customer goes on, tokens."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable
from kki.rules.registry import TOKENS, Scene, rule
from kki.rules.view import ABSENT
from kki.rules.words import described, kind, masked, shown
from kki.snap import timestamps, tokens
from kki.snap.canonical import Malformed

_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?")
_NO_COLON = re.compile(r"(T.*)([+-][0-9]{2})([0-9]{2})$")
_NEVER = re.compile(r"[\s<>\"{}\\^`\x00-\x1f]")  # in no address (RFC 3986): a template that nobody filled in
LIFETIME = 900  # seconds; DOKU, token page
SKEW = timedelta(seconds=60)  # by which exp may miss the reply's own count: clocks, and the way


def _broken(where: str, expected: str, actual: str) -> Broken:
    return Broken((Finding(where=where, expected=expected, actual=actual),))


def _present(scene: Scene, name: str) -> Judgement | None:
    if not scene.view.accepted:
        return None
    value = scene.view.reply.member(name)
    if value is not ABSENT and value is not None and value != "":
        return Holds()
    return _broken(f"reply /{name}", "a value", "missing" if value is ABSENT else "null or empty")


def void(scene: Scene, value: object) -> bool:
    """An optional member without a value, where that is read as none."""
    return (value is None or value == "") and scene.knowledge.choice("null-members") == "absent"


def _echo(scene: Scene, name: str) -> Judgement | None:
    """A member that, where present, repeats the request's of the same name."""
    if not scene.view.accepted:
        return None
    given, wanted = scene.view.reply.member(name), scene.view.member(name)
    if given is ABSENT or void(scene, given):
        return NotApplicable()
    if given is None or not isinstance(wanted, str):
        return None
    return Holds() if given == wanted else _broken(f"reply /{name}", f"the request's, {shown(wanted)}", shown(given))


# --- payment -------------------------------------------------------------------------------------


@rule("KKI-PAY-216", operations=("payment",), reading=("reference-on-success", "expected"))
def payment_gets_a_reference(scene: Scene) -> Judgement | None:
    """A successful payment's reply carries referenceNo."""
    return _present(scene, "referenceNo")


# --- binding and unbinding -------------------------------------------------------------------------


@rule("KKI-BND-216", operations=("bind",))
def binding_under_dh_redirects(scene: Scene) -> Judgement | None:
    """A successful binding under CHANNEL-ID DH is answered with a redirectUrl."""
    return _present(scene, "redirectUrl") if scene.view.channel == "DH" else None


@rule("KKI-BND-218", operations=("bind",))
def binding_under_h2h_does_not_redirect(scene: Scene) -> Judgement | None:
    """A binding under CHANNEL-ID H2H is answered without redirectUrl."""
    return _no_redirect(scene)


@rule("KKI-UNB-218", operations=("unbind",))
def unbinding_under_h2h_does_not_redirect(scene: Scene) -> Judgement | None:
    """An unbinding under CHANNEL-ID H2H is answered without redirectUrl."""
    return _no_redirect(scene)


def _no_redirect(scene: Scene) -> Judgement | None:
    if scene.view.channel != "H2H" or not scene.view.accepted:
        return None
    if scene.view.reply.member("redirectUrl") in (ABSENT, None):
        return Holds()
    return _broken("reply /redirectUrl", "absent, since the request says CHANNEL-ID: H2H", "there")


@rule("KKI-BND-220", operations=("bind",), reading=("channel-default", "dh"))
def binding_without_channel_redirects(scene: Scene) -> Judgement | None:
    """A successful binding without CHANNEL-ID is answered as under DH, with a redirectUrl."""
    return _present(scene, "redirectUrl") if scene.view.channel is None else None


@rule("KKI-BND-222", operations=("bind",), reading=("h2h-auth-code", "expected"))
def binding_under_h2h_gives_a_code(scene: Scene) -> Judgement | None:
    """A successful binding under CHANNEL-ID H2H is answered with additionalInfo.authCode."""
    if scene.view.channel != "H2H" or not scene.view.accepted:
        return None
    info = scene.view.reply.member("additionalInfo")
    code = info.get("authCode") if isinstance(info, dict) else None
    if isinstance(code, str) and code:
        return Holds()
    return _broken("reply /additionalInfo/authCode", "a string that is not empty", "missing, empty or no string")


@rule("KKI-BND-224", operations=("bind",), reading=("token-before-otp", "absent"))
def token_comes_after_the_otp(scene: Scene) -> Judgement | None:
    """bankCardToken is in no reply to a binding whose OTP was not yet verified."""
    if not scene.view.accepted:
        return None
    if scene.view.reply.member("bankCardToken") in (ABSENT, None, ""):
        return Holds()
    return _broken(
        "reply /bankCardToken", "absent until the OTP is verified", "there, in the reply to the binding itself"
    )


@rule("KKI-BND-230", operations=("bind",))
def redirect_url_is_an_address(scene: Scene) -> Judgement | None:
    """redirectUrl, where present, is a string that holds an absolute http or https address."""
    if not scene.view.accepted:
        return None
    url = scene.view.reply.member("redirectUrl")
    if url is ABSENT or void(scene, url):
        return NotApplicable()
    if isinstance(url, str) and _is_address(url):
        return Holds()
    return _broken("reply /redirectUrl", "an absolute http or https address", shown(url))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not _NEVER.search(url)


# --- refund --------------------------------------------------------------------------------------


@rule("KKI-RFD-214", operations=("refund",))
def refund_repeats_the_original(scene: Scene) -> Judgement | None:
    """originalPartnerReferenceNo in a refund's reply, where present, is the request's."""
    return _echo(scene, "originalPartnerReferenceNo")


@rule("KKI-RFD-220", operations=("refund",))
def refund_repeats_its_number(scene: Scene) -> Judgement | None:
    """partnerRefundNo in a refund's reply, where present, is the request's."""
    return _echo(scene, "partnerRefundNo")


@rule("KKI-RFD-216", operations=("refund",))
def refund_names_the_payments_reference(scene: Scene) -> Judgement | None:
    """originalReferenceNo in a refund's reply, where present, is the referenceNo of that payment's reply."""
    if not scene.view.accepted:
        return None
    given = scene.view.reply.member("originalReferenceNo")
    if given is ABSENT or void(scene, given):
        return NotApplicable()
    wanted = scene.trail.reference_of.get(scene.view.text("originalPartnerReferenceNo") or "")
    if wanted is None or not isinstance(given, str):
        return None
    if given == wanted:
        return Holds()
    return _broken("reply /originalReferenceNo", f"the payment's referenceNo, {shown(wanted)}", shown(given))


@rule("KKI-RFD-222", operations=("refund",))
def refund_time_is_a_time(scene: Scene) -> Judgement | None:
    """refundTime, where present, is a date and time in one of the documented forms."""
    if not scene.view.accepted:
        return None
    given = scene.view.reply.member("refundTime")
    if given is ABSENT or void(scene, given):
        return NotApplicable()
    wanted = scene.knowledge.choice("refund-time-form")
    seen = _time_form(given)
    if seen is not None and wanted in ("either", seen):
        return Holds(f"refund-time-form={seen}")
    forms = {"offset": "yyyy-MM-ddTHH:mm:ss with an offset", "local": "yyyy-MM-ddTHH:mm:ss.SSS without an offset"}
    expected = " or ".join(forms[form] for form in forms if wanted in ("either", form))
    return _broken("reply /refundTime", expected, shown(given))


def _time_form(given: object) -> str | None:
    if not isinstance(given, str):
        return None
    if not isinstance(timestamps.parse(given), Malformed):
        return "offset"
    # A local time is read as if it had a zone: only its form and its place in the calendar matter.
    is_local = _LOCAL.fullmatch(given) and not isinstance(timestamps.parse(given + "Z"), Malformed)
    return "local" if is_local else None


@rule("KKI-RFD-224", operations=("refund",), reading=("reference-on-success", "expected"))
def refund_gets_identifiers(scene: Scene) -> Judgement | None:
    """A successful refund's reply carries the identifiers of payment and refund."""
    if not scene.view.accepted:
        return None
    names = ("originalPartnerReferenceNo", "originalReferenceNo", "refundNo", "partnerRefundNo")
    missing = [name for name in names if scene.view.reply.member(name) in (ABSENT, None, "")]
    return Holds() if not missing else _broken("reply body", ", ".join(names), f"without {', '.join(missing)}")


# --- tokens --------------------------------------------------------------------------------------


@rule("KKI-TOK-212", operations=TOKENS)
def token_type_is_bearer(scene: Scene) -> Judgement | None:
    """tokenType in a token reply is Bearer."""
    if not scene.view.accepted:
        return None
    given = scene.view.reply.member("tokenType")
    if isinstance(given, str) and given.lower() == "bearer":  # RFC 6750: case does not matter
        return Holds()
    return _broken("reply /tokenType", "Bearer", "missing" if given is ABSENT else shown(given))


@rule("KKI-TOK-214", operations=("b2b",))
def token_lives_fifteen_minutes(scene: Scene) -> Judgement | None:
    """expiresIn in the B2B reply is at most 900 seconds, as a number or as a string of digits."""
    if not scene.view.accepted:
        return None
    given, wanted = scene.view.reply.member("expiresIn"), scene.knowledge.choice("expires-in-type")
    seen = "string" if _seconds(given) else "number" if _is_number(given) and 1 <= given <= LIFETIME else None
    if seen is not None and wanted in ("either", seen):
        return Holds(f"expires-in-type={seen}")
    words = {"either": f'{LIFETIME} or "{LIFETIME}"', "number": str(LIFETIME), "string": f'"{LIFETIME}"'}
    actual = "missing" if given is ABSENT else str(given) if _is_number(given) else shown(given)
    return _broken("reply /expiresIn", f"{words[wanted]}, or less", actual[:40])


def _seconds(value: object) -> bool:
    """A token may say what is left of its life: DOKU gives the same one again while it lives."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4
    return digits and 1 <= int(str(value)) <= LIFETIME


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@rule("KKI-TOK-216", operations=("b2b",))
def token_is_a_jwt(scene: Scene) -> Judgement | None:
    """The B2B access token is a JWT signed with RS256, and its exp agrees with expiresIn."""
    token = scene.view.reply.member("accessToken")
    if not scene.view.accepted or not isinstance(token, str) or masked(token):
        return None
    where = "reply /accessToken"
    if _header(token).get("alg") != "RS256":
        return _broken(where, "a JWT signed with RS256", f"{described(token)} of another form")
    claims, at = tokens.peek(token), scene.view.exchange.answered_at or scene.view.exchange.sent_at
    if claims is None:
        return _broken(where, "a JWT with exp, iss and clientId", "a JWT without them")
    seconds = scene.view.reply.member("expiresIn")
    if not str(seconds).isascii() or not str(seconds).isdigit() or len(str(seconds)) > 9:
        return Holds()
    gap = claims.expires - (at + timedelta(seconds=int(seconds)))
    if abs(gap) <= SKEW:
        return Holds()
    return _broken(
        where, f"an exp {seconds} s ahead, as expiresIn says", f"an exp {int(gap.total_seconds())} s off that"
    )


def _header(token: str) -> dict[str, Any]:
    head = token.split(".")[0]
    try:
        value = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and token.count(".") == 2 else {}


@rule("KKI-TOK-222", operations=("b2b2c",))
def expiry_times_lie_ahead(scene: Scene) -> Judgement | None:
    """accessTokenExpiryTime and refreshTokenExpiryTime, where present, are ISO 8601 dates and times in the future."""
    if not scene.view.accepted:
        return None
    found: list[Finding] = []
    names = ("accessTokenExpiryTime", "refreshTokenExpiryTime")
    given = {name: scene.view.reply.member(name) for name in names}
    for name, value in given.items():
        if value is ABSENT or void(scene, value):
            continue
        parsed = _latest(value) if isinstance(value, str) else None
        if parsed is None or isinstance(parsed, Malformed):
            actual = shown(value) if isinstance(value, str) else kind(value)
            found.append(
                Finding(where=f"reply /{name}", expected="an ISO 8601 date and time with a zone", actual=actual)
            )
        elif parsed.moment <= scene.view.exchange.sent_at:
            found.append(Finding(where=f"reply /{name}", expected="a time in the future", actual=shown(value)))
    if found:
        return Broken(tuple(found))
    return NotApplicable() if all(value is ABSENT for value in given.values()) else Holds()


def _latest(value: str) -> timestamps.Timestamp | Malformed:
    """A date and time in one of ISO 8601's forms; one without a zone as late as it can be meant."""
    text = _NO_COLON.sub(r"\1\2:\3", value)
    return timestamps.parse(text + "Z" if _LOCAL.fullmatch(text) else text)


@rule("KKI-TOK-226", operations=TOKENS)
def token_reply_repeats_the_client(scene: Scene) -> Judgement | None:
    """A token reply repeats X-CLIENT-KEY and carries X-TIMESTAMP."""
    response = scene.view.exchange.response
    if not scene.view.accepted or response is None:
        return None
    wanted, given = scene.view.header("X-CLIENT-KEY"), response.headers.get("X-CLIENT-KEY")
    found: list[Finding] = []
    if given is None or given != wanted:
        actual = "missing" if given is None else shown(given)
        found.append(Finding(where="reply header X-CLIENT-KEY", expected="the request's client id", actual=actual))
    if response.headers.get("X-TIMESTAMP") is None:
        found.append(Finding(where="reply header X-TIMESTAMP", expected="the time of the reply", actual="missing"))
    return Broken(tuple(found)) if found else Holds()
