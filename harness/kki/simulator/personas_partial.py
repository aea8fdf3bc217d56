"""Content with less than the whole: a part of a value, another key, another algorithm, another place."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable

from kki.simulator import token_requests
from kki.simulator.call import Call
from kki.simulator.checks import expected, is_signed
from kki.simulator.persona import (
    SYMMETRIC,
    TOKENS,
    Change,
    Persona,
    When,
    area,
    balking,
    both,
    lifting,
    loosened,
    off_limits,
    refusing,
)
from kki.simulator.world import Bound
from kki.snap import asymmetric, signature, timestamps
from kki.snap.canonical import Malformed

_signature, _tokens, _headers, _state = area("signature"), area("tokens"), area("headers"), area("state")
_success, _robustness = area("success"), area("robustness")

Form = Callable[[str], str]


def alike(form: Form, text: str, known: Iterable[str]) -> bool:
    """Whether the text is one of these values to a server that looks at this form of them alone."""
    return bool(text) and form(text) in {form(each) for each in known}


def _first(length: int) -> Form:
    return lambda text: text[:length]


def _last(length: int) -> Form:
    return lambda text: text[-length:]


def _but_the_last(text: str) -> str:
    return text[:-1]


# --- the signature ------------------------------------------------------------------------------------


def _beginning(call: Call) -> bool:
    return call.header("X-SIGNATURE")[:84] == expected(call).signature[:84]


def _with_upper_digest(call: Call) -> bool:
    right = expected(call)
    text = right.string_to_sign.replace(right.digest, right.digest.upper())
    return call.header("X-SIGNATURE") == signature.encoded(signature.mac(call.partner.client_secret, text))


def _signs(**other: Callable[[Call], str]) -> Change:
    """The signature over other ingredients is taken as well."""
    when: When = lambda call: is_signed(call, **{name: value(call) for name, value in other.items()})  # noqa: E731
    return lifting(when, "signature")


# --- token requests -------------------------------------------------------------------------------------


def _token_signed(scheme: str) -> Change:
    def when(call: Call) -> bool:
        client, stamp, given = call.header("X-CLIENT-KEY"), call.header("X-TIMESTAMP"), call.header("X-SIGNATURE")
        if scheme == "hmac":
            return given == signature.encoded(signature.mac(call.partner.client_secret, f"{client}|{stamp}"))
        return asymmetric.verifies_otherwise(
            client_id=client, timestamp=stamp, signature=given, public_key_pem=call.partner.public_key, scheme=scheme
        )

    return lifting(when, "token-signature")


def _ahead(call: Call) -> bool:
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    return not isinstance(seen, Malformed) and seen.moment > call.now


def _without_zone(call: Call) -> bool:
    return re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}", call.header("X-TIMESTAMP")) is not None


def _off_the_calendar(call: Call) -> bool:
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    return isinstance(seen, Malformed) and seen.step == "calendar"


def _refresh_as_code(call: Call) -> bool:
    return token_requests.code_name(call) == "authCode" and call.text("authCode") in call.world.refresh_tokens


# --- values ---------------------------------------------------------------------------------------------


def _bound(call: Call) -> list[str]:
    return [token for token, state in call.world.cards.items() if state is Bound.BOUND]


def _card(form: Form, member: str = "bankCardToken", step: str = "card-token") -> Change:
    return lifting(lambda call: alike(form, call.text(member), _bound(call)), step)


def _unbinding(form: Form) -> Change:
    return _card(form, "tokenId", "token-id")


def _decoded(call: Call) -> bool:
    try:
        return base64.b64decode(call.text("tokenId"), validate=True).decode() in _bound(call)
    except ValueError:
        return False


def _cpan(form: Form) -> Change:
    return lifting(lambda call: alike(form, call.text("chargeToken"), call.setup.cpans), "cpan")


def _otp(form: Form) -> Change:
    return lifting(lambda call: alike(form, call.text("otp"), [call.setup.otp]), "otp")


def original(form: Form) -> Change:
    paid: Callable[[Call], list[str]] = lambda call: [  # noqa: E731
        name for name, row in call.world.payments.items() if row.succeeded
    ]
    return lifting(lambda call: alike(form, call.text("originalPartnerReferenceNo"), paid(call)), "original")


def _partner(form: Form) -> Change:
    when: When = lambda call: alike(form, call.header("X-PARTNER-ID"), call.setup.partners)  # noqa: E731
    return lifting(when, "partner", "b2b-token", at=SYMMETRIC)


def _customer(form: Form) -> Change:
    return lifting(lambda call: alike(form, call.customer_token, call.world.customer_tokens), "customer-token")


def _has_charset(call: Call) -> bool:
    return "charset" in call.header("Content-Type").lower()


ALL: tuple[Persona, ...] = (
    _signature("ignores-end-of-signature", "Compares only the first 84 characters of X-SIGNATURE.", "SIG-110",
               lifting(_beginning, "signature"), "stated"),
    _signature("accepts-shared-key-as-secret", "Takes a signature made with the shared key.", "SIG-110",
               _signs(client_secret=lambda call: call.partner.shared_key), "stated"),
    _signature("accepts-client-id-as-secret", "Takes a signature made with the client id.", "SIG-110",
               _signs(client_secret=lambda call: call.partner.client_id), "stated"),
    _signature("accepts-empty-secret", "Takes a signature made with no secret.", "SIG-110",
               _signs(client_secret=lambda _: ""), "stated"),
    _signature("accepts-signed-lower-case-method", "Takes a signature over the method in lower case.", "SIG-110",
               _signs(method=lambda call: call.request.method.lower()), "stated"),
    _signature("accepts-signed-upper-case-digest", "Takes a signature over the digest in upper case.", "SIG-110",
               lifting(_with_upper_digest, "signature"), "stated"),
    _signature("accepts-signed-scheme", "Takes a signature over the token with its scheme.", "SIG-110",
               _signs(token=lambda call: call.header("Authorization")), "stated"),
    _signature("accepts-signed-customer-token", "Takes a signature over the customer token.", "SIG-110",
               _signs(token=lambda call: call.customer_token), "stated"),
    _signature("ignores-query-in-signature", "Takes a signature over the path without its query.", "SIG-110",
               _signs(target=lambda call: call.request.path), "stated"),
    _signature("forgets-signature-of-large-bodies", "Does not verify X-SIGNATURE of a body over 64 KiB.", "SIG-110",
               lifting(lambda call: len(call.request.body) > 65536, "signature"), "stated"),
    _success("refuses-charset", "Refuses a Content-Type that names a charset.", "PAY-150 BND-150 UNB-150 RFD-150",
             balking(_has_charset, *SYMMETRIC), "stated"),
    # token requests
    *(_tokens(f"accepts-token-requests-by-{slug}", f"Gives tokens for a signature by {name}.", "TOK-116",
              _token_signed(scheme))
      for slug, name, scheme in (("rsa-sha1", "RSA with SHA-1", "sha1"), ("rsa-sha512", "RSA with SHA-512", "sha512"),
                                 ("rsa-pss", "RSA-PSS", "pss"), ("hmac", "HMAC", "hmac"))),
    _tokens("accepts-future-time-for-a-token", "Gives tokens for a request that is days ahead.", "TOK-124",
            lifting(_ahead, "timestamp-fresh", at=TOKENS)),
    _tokens("accepts-zoneless-time-for-a-token", "Gives tokens for a request whose time has no zone.", "TOK-122",
            lifting(_without_zone, "timestamp-form", at=TOKENS)),
    _tokens("accepts-impossible-time-for-a-token", "Gives tokens for a request of month 13.", "TOK-122",
            lifting(_off_the_calendar, "timestamp-form", at=TOKENS)),
    _tokens("ignores-end-of-client-key", "Compares X-CLIENT-KEY but for its last character.", "TOK-120",
            lifting(lambda call: alike(_but_the_last, call.header("X-CLIENT-KEY"), call.setup.partners), "client")),
    _tokens("accepts-refresh-token-as-auth-code", "Takes a refresh token for an authCode.", "TOK-134",
            lifting(_refresh_as_code, "code")),
    _tokens("accepts-long-refresh-token", "Takes a refreshToken over the limit without looking it up.", "TOK-136",
            both(loosened("refreshToken", "b2b2c", max_length=None),
                 lifting(off_limits("b2b2c", "refreshToken"), "code"))),
    _robustness("fails-on-garbage-for-a-token", "Answers a token request that is no JSON with a server error.",
                "ROB-310", refusing("unreadable", 500, "00", *TOKENS)),
    _robustness("fails-on-null-for-a-token", "Answers a token request that is null with a server error.", "ROB-310",
                refusing("not-an-object", 500, "00", *TOKENS)),
    # values
    _headers("ignores-end-of-partner-id", "Compares X-PARTNER-ID but for its last character.", "HDR-126",
             _partner(_but_the_last)),
    _headers("ignores-case-of-partner-id", "Compares X-PARTNER-ID without regard to case.", "HDR-126",
             _partner(str.lower)),
    _tokens("ignores-end-of-customer-token", "Compares only the first 12 characters of a customer token.", "TOK-150",
            _customer(_first(12))),
    _tokens("ignores-beginning-of-customer-token", "Compares only the last 8 characters of a customer token.",
            "TOK-150", _customer(_last(8))),
    _tokens("ignores-case-of-customer-token", "Compares a customer token without regard to case.", "TOK-150",
            _customer(str.lower)),
    _state("ignores-end-of-otp", "Compares only the first 4 digits of the OTP.", "STA-140", _otp(_first(4))),
    _state("ignores-beginning-of-otp", "Compares only the last 4 digits of the OTP.", "STA-140", _otp(_last(4))),
    _state("ignores-end-of-cpan", "Compares only the first 12 digits of the CPAN.", "STA-132", _cpan(_first(12))),
    _state("ignores-beginning-of-cpan", "Compares only the last 4 digits of the CPAN.", "STA-132", _cpan(_last(4))),
    _state("ignores-beginning-of-card-token", "Compares only the last 8 characters of bankCardToken.", "STA-130",
           _card(_last(8))),
    _state("trims-card-token", "Compares bankCardToken without the blanks around it.", "STA-130", _card(str.strip)),
    _state("unbinds-by-beginning", "Compares only the first 8 characters of tokenId.", "STA-190",
           _unbinding(_first(8))),
    _state("unbinds-by-end", "Compares only the last 8 characters of tokenId.", "STA-190", _unbinding(_last(8))),
    _state("unbinds-in-any-case", "Compares tokenId without regard to case.", "STA-190", _unbinding(str.lower)),
    _state("unbinds-what-base64-holds", "Decodes a tokenId from Base64.", "STA-190", lifting(_decoded, "token-id")),
    _state("refunds-by-beginning", "Compares only the first 24 characters of the payment that is refunded.", "STA-150",
           original(_first(24))),
    _state("refunds-in-any-case", "Compares the reference of the payment that is refunded without regard to case.",
           "STA-150", original(str.lower)),
)  # fmt: skip
