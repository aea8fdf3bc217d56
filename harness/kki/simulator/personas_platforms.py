"""What languages, frameworks and databases do unless they are told otherwise; and a partner taken for another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from kki.model.contract import FieldFact
from kki.model.http import Headers, Response
from kki.simulator.behaviour import Behaviour
from kki.simulator.business import opened_card
from kki.simulator.call import Call, read_json
from kki.simulator.checks import is_signed
from kki.simulator.outcomes import Answer, Refusal, Success
from kki.simulator.persona import SYMMETRIC, Change, Persona, area, balking, both, lifting, loosened, telling
from kki.simulator.personas_headers import CHARGES
from kki.simulator.personas_partial import alike, original
from kki.simulator.personas_readers import DAY, reads
from kki.simulator.personas_robustness import failure, guarding
from kki.simulator.world import Bound
from kki.snap import asymmetric

_signature, _tokens, _headers, _fields = area("signature"), area("tokens"), area("headers"), area("fields")
_state, _success, _robustness, _envelope = area("state"), area("success"), area("robustness"), area("envelope")
_secrecy = area("secrecy")


# --- partners -----------------------------------------------------------------------------------------


def _by_any_secret(call: Call) -> bool:
    secrets = [partner.client_secret for partner in call.setup.partners.values()]
    return any(secret and is_signed(call, client_secret=secret) for secret in secrets)


def _by_any_key(call: Call) -> bool:
    client, stamp, given = call.header("X-CLIENT-KEY"), call.header("X-TIMESTAMP"), call.header("X-SIGNATURE")
    return any(
        asymmetric.verify_token_request(
            client_id=client, timestamp=stamp, signature=given, public_key_pem=partner.public_key
        )
        is True
        for partner in call.setup.partners.values()
    )


def _client_in_any_case(call: Call) -> bool:
    return alike(str.lower, call.header("X-CLIENT-KEY"), call.setup.partners)


_GRANTS = ("client_credentials", "authorization_code", "refresh_token")


def _one_list_of_grants(operation: str) -> Change:
    """The grants of both endpoints in one enumeration."""
    knows: Change = loosened("grantType", operation, enum=_GRANTS)
    return both(knows, lifting(lambda call: call.text("grantType") == "client_credentials", "code-there", "code"))


def _is_refresh_token(call: Call) -> bool:
    return call.name in ("payment", "refund") and call.customer_token in call.world.refresh_tokens


# --- headers ------------------------------------------------------------------------------------------


def _for_browsers(call: Call, answer: Answer, response: Response) -> Response:
    if answer.accepted or "text/html" not in call.header("Accept"):
        return response
    page = b"<html><body><h1>Whitelabel Error Page</h1></body></html>"
    return replace(response, headers=Headers.of([("Content-Type", "text/html")]), body=page)


def _keeps_32(call: Call) -> bool:
    kept = {name[:32] for partner, name in call.world.external_ids if partner == call.header("X-PARTNER-ID")}
    return call.external_id[:32] in kept


# --- members ------------------------------------------------------------------------------------------


def _trimming(behaviour: Behaviour) -> Behaviour:
    def read(body: bytes) -> object:
        value = read_json(body)
        if not isinstance(value, dict):
            return value
        return {name: text.rstrip(" ") if isinstance(text, str) else text for name, text in value.items()}

    return replace(behaviour, read=read)


def _texts(call: Call) -> Iterable[str]:
    return (text for text in call.members.values() if isinstance(text, str))


def _has_nul(call: Call) -> bool:
    fields = {fact.name for fact in call.fields}
    return any("\0" in call.text(name) for name in call.members if name in fields)


def _has_quote(call: Call) -> bool:
    return call.name in SYMMETRIC and any("'" in text for text in _texts(call))


def _digits_alone(call: Call) -> bool:
    return call.text("custIdMerchant").isdigit()


def _has_hyphen(call: Call) -> bool:
    return "-" in call.text("partnerRefundNo")


# --- replies ------------------------------------------------------------------------------------------


def _redirecting(_call: Call, answer: Answer, response: Response) -> Response:
    url = str(answer.members.get("redirectUrl", ""))
    return Response(status=302, headers=Headers.of([("Location", url)]), body=b"") if url else response


def _template(_call: Call, members: dict[str, object]) -> dict[str, object]:
    return {**members, "redirectUrl": "https://doku.test/otp/${sessionId}"} if "redirectUrl" in members else members


def _card_in_the_address(call: Call, members: dict[str, object]) -> dict[str, object]:
    if "redirectUrl" not in members or not isinstance(opened_card(call), dict):
        return members
    return {**members, "redirectUrl": f"{members['redirectUrl']}?card={quote(call.text('cardData'), safe='')}"}


def _first_refund_of_the_number(behaviour: Behaviour) -> Behaviour:
    """A refund is looked up by its number alone, and what was answered then is answered again."""
    refund = behaviour.acts["refund"]

    def again(call: Call) -> Success | Refusal:
        earlier = call.world.refunds.get(call.text("partnerRefundNo"))
        return Success(members=earlier.members) if earlier else refund(call)

    return replace(behaviour.without("refund-new", at=("refund",)), acts={**behaviour.acts, "refund": again})


def _says(text: str) -> Change:
    """What the platform says of a duplicate, told to the merchant."""

    def dressed(_call: Call, answer: Answer) -> Answer:
        return replace(answer, message=f"{answer.message}. {text}") if answer.cause == "duplicate-reference" else answer

    return lambda behaviour: behaviour.dressing(dressed)


_SAID = (
    ("go", "json: cannot unmarshal number into Go struct field Payment.ref of type string"),
    ("node", "TypeError: Cannot read properties of undefined (reading 'id')"),
    ("postgres", 'duplicate key value violates unique constraint "payments_ref_key"'),
    ("mysql", "Duplicate entry 'INV-0001' for key 'payments.uk_ref'"),
)


def _as_number(fact: FieldFact) -> FieldFact:
    return replace(fact, pattern=r"^[+-]?[0-9]*\.?[0-9]+$")


def _by(operation: str, kind: str) -> Change:
    """Payments of this kind, told by a word of their body, are remembered, and their refunds are refused."""

    def paid(call: Call, success: Success) -> Success:
        if call.name == "payment" and kind.encode() in call.request.body:
            call.world.marks[f"{kind} {call.text('partnerReferenceNo')}"] = 1
        return success

    refuses = balking(lambda call: f"{kind} {call.text('originalPartnerReferenceNo')}" in call.world.marks, operation,
                      before="original", status=404, case="01")  # fmt: skip
    return both(lambda behaviour: behaviour.doing(paid), refuses)


def _blank_behind(call: Call) -> bool:
    bound = [token for token, state in call.world.cards.items() if state is Bound.BOUND]
    return re.sub(" +$", "", call.text("tokenId")) in bound


ALL: tuple[Persona, ...] = (
    _signature("accepts-another-partners-secret", "Takes a signature made with the secret of any partner.", "SIG-110",
               lifting(_by_any_secret, "signature"), "stated"),
    _tokens("accepts-another-partners-key", "Gives tokens for a signature by the key of any partner.", "TOK-116",
            lifting(_by_any_key, "token-signature")),
    _tokens("ignores-case-of-client-key", "Compares X-CLIENT-KEY without regard to case.", "TOK-120",
            lifting(_client_in_any_case, "client")),
    _tokens("gives-partners-tokens-for-codes", "Takes the grants of customers for a B2B token.", "TOK-118",
            _one_list_of_grants("b2b")),
    _tokens("gives-customer-tokens-to-partners", "Takes client_credentials for a customer token.", "TOK-130",
            _one_list_of_grants("b2b2c")),
    _tokens("accepts-refresh-token-as-customer-token", "Takes a refresh token for a customer token.", "TOK-150",
            lifting(_is_refresh_token, "customer-token")),
    _success("refuses-charset-for-a-token", "Refuses a B2B token request that names a charset.", "TOK-160",
             balking(lambda call: "charset" in call.header("Content-Type"), "b2b", before="members")),
    _envelope("answers-browsers-in-html", "Answers a refusal in HTML where the client takes that too.",
              "RSP-260 RSP-270 RSP-280", lambda behaviour: behaviour.writing(_for_browsers), "stated"),
    _success("refuses-utc-offset-of-refunds", "Refuses a refund whose X-TIMESTAMP has the offset +00:00.", "RFD-150",
             balking(lambda call: call.header("X-TIMESTAMP").endswith("+00:00"), "refund"), "stated"),
    _headers("accepts-time-without-seconds", "Takes an X-TIMESTAMP without seconds.", "HDR-112 HDR-114",
             reads(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\+07:00"), "stated"),
    _headers("accepts-a-zones-name", "Takes an X-TIMESTAMP with the name of a zone behind it.", "HDR-112 HDR-114",
             reads(DAY + r"\+07:00\[.+\]"), "stated"),
    _headers("accepts-external-id-as-number", "Takes any number for an X-EXTERNAL-ID.", "HDR-132",
             lambda behaviour: behaviour.knowing(
                 lambda operation, fact: _as_number(fact)
                 if fact.name == "X-EXTERNAL-ID" and operation in CHARGES else fact), "conflicted"),
    _success("keeps-32-characters-of-external-ids", "Keeps only the first 32 characters of an X-EXTERNAL-ID.",
             "BND-150", balking(_keeps_32, "bind", status=409), "stated"),
    _fields("trims-before-it-counts", "Drops the blanks behind a value before it counts characters.",
            "PAY-112 BND-110 RFD-120 RFD-124", _trimming, "stated"),
    _success("refuses-customers-of-digits", "Refuses a custIdMerchant of digits alone.", "BND-150",
             balking(_digits_alone, "bind", case="01"), "stated"),
    _success("refuses-hyphens-in-refund-number", "Refuses a partnerRefundNo like the page's example.", "RFD-150",
             balking(_has_hyphen, "refund", case="01"), "stated"),
    _robustness("fails-on-nul-in-its-members", "Answers a NUL in a documented text with a server error.", "ROB-310",
                guarding(_has_nul, failure)),
    _robustness("fails-on-quotes", "Answers an apostrophe in a value with a server error.", "ROB-310",
                guarding(_has_quote, failure)),
    _state("refunds-with-a-blank-behind", "Drops blanks behind the reference of the payment that is refunded.",
           "STA-150", original(str.rstrip)),
    _state("unbinds-with-a-blank-behind", "Drops blanks behind tokenId.", "STA-190",
           lifting(_blank_behind, "token-id")),
    _success("answers-another-payments-refund", "Answers a refund by its number alone with an earlier one.", "RFD-214",
             _first_refund_of_the_number),
    *(_success(f"refuses-refunds-{slug}", f"Refuses the refund of a payment {kind}.", "RFD-150", _by("refund", word),
               "stated")
      for slug, kind, word in (("of-recurring-payments", "that recurs", "RECURRING"),
                               ("of-tokenising-payments", "that tokenises", "isBindAndPay"))),
    _success("redirects-to-the-otp-page", "Answers a binding under DH with HTTP 302 to the OTP page.", "BND-150",
             lambda behaviour: behaviour.writing(_redirecting), "stated"),
    _success("gives-a-template-for-an-address", "Gives a redirectUrl whose variable nobody filled in.", "BND-230",
             telling(_template, "bind"), "stated"),
    _secrecy("puts-card-data-into-the-address", "Puts the sealed cardData into the query of redirectUrl.", "SEC-230",
             telling(_card_in_the_address, "bind")),
    *(_secrecy(f"tells-an-error-of-{slug}", f"Tells the merchant an error message of {slug}, word for word.",
               "SEC-250", _says(text)) for slug, text in _SAID),
)  # fmt: skip
