"""The page's field tables, read off by hand for these tests alone; and a reader of the page's text, if it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SEED = Path(__file__).resolve().parents[2].parent / "shared" / "seed" / "kki-host-to-host.txt"

HEX = "85be817c55b2c135157c7e89f52499bf0c25ad6eeebe04a986e8c862561b19a5"
CUSTOMER = "Bearer fa8sjjEj813Y9JGoqwOeOPWbnt4CUpvIJbU1mMU4a11MNDZ7Sg5u9a"
BEARER = (
    "Bearer eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE2OTgwNTA3NDMsImlzcyI6IkRPS1UiLCJjbGllbnRJZCI6IkJSTi0wMjExLTE2OTY5MTk2NTE5"
    "MTgifQ.x-D5VlK6TlVZbLPUSCr-Gbfgh4tnp0QDJmedYFHJGHFjg1c4x39pszU4sLvRhr0Jk0vKdMIzxUZeNhKoesWqDJitnG3kfrNZNsMb_WYUC0"
    "tJW91onXzYOKXiTgsHwRNFoWPQHlXIEtT3RQm-SRlCpk_E0gsavgkQn2-kbJEBnPhIs4eKg5IUY9GYi4hRr-_GHsudDl8sd2B5UBB_rHYq36BRmL"
    "XH7i7MQADHPsB1ktPVgk3ZWF0jebEjI-lJ88p-omL1vQNvRseXej2HKBa9chGLmPDvXYBQaRmmstHz-tv1boFrHfwsHJebcUec-i3WE1vMvP_3EP"
    "Xdbqb45N4ciQ"
)
OFFSET = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+\-]\d{2}:\d{2}$"
R, OPT = "Required", "Optional"


@dataclass(frozen=True)
class Fact:
    block: str  # payment's four requests by variant, else the operation
    place: str
    name: str
    label: str
    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    example: str | None = None
    in_keyword: bool = False  # the limit stands beside the type rather than in the description


def _payment(block: str, token: str, charge: str) -> list[Fact]:
    return [
        *_symmetric(block),
        Fact(block, "header", "Authorization-customer", R, example=CUSTOMER),
        Fact(block, "header", "Authorization", R, example=BEARER),
        Fact(block, "body", "partnerReferenceNo", R, most=32, example="INV-0001"),
        Fact(block, "body", "bankCardToken", token, most=64, example="de52e5820f4c381db88a1cf91d57b73e"),
        Fact(block, "body", "chargeToken", charge, most=20, example="9360001609987000000"),
        Fact(block, "body", "otp", charge, 8, 8, example="12345678"),
        Fact(block, "reply", "responseCode", R, 1, 7, example="2005400"),
        Fact(block, "reply", "responseMessage", R, 1, 150, example="Successful"),
        Fact(block, "reply", "referenceNo", OPT, example="REF-DOKU-0001"),
    ]


def _symmetric(block: str) -> list[Fact]:
    return [
        Fact(block, "header", "X-TIMESTAMP", R, example="2020-12-21T07:56:11.000Z"),
        Fact(block, "header", "X-SIGNATURE", R, example=HEX),
        Fact(block, "header", "X-PARTNER-ID", R, example="821508239190"),
        Fact(block, "header", "X-EXTERNAL-ID", R, example="418075533589"),
    ]


def _card(block: str, external: str, time: str, signature: str) -> list[Fact]:
    return [
        Fact(block, "header", "X-PARTNER-ID", R, most=32, example="merchant-client-id-001", in_keyword=True),
        Fact(block, "header", "X-EXTERNAL-ID", R, most=36, example=external, in_keyword=True),
        Fact(block, "header", "Authorization", R, example="Bearer eyJhbGciOiJSUzI1NiJ9..."),
        Fact(block, "header", "X-TIMESTAMP", R, pattern=OFFSET, example=time),
        Fact(block, "header", "X-SIGNATURE", R, example=signature),
        Fact(block, "header", "CHANNEL-ID", OPT, example="DH"),
    ]


FILLER = "Ra7o1bLJAh2oV9eb33129stQc5xFm5s7"
TABLE: list[Fact] = [
    *_payment("cpan", OPT, R),
    *_payment("cpan-tokenise", OPT, R),
    *_payment("token", R, OPT),
    *_payment("token-recurring", R, OPT),
    *_card("bind", "ext-bind-20260526-00001", "2026-05-26T10:00:00+07:00", HEX),
    Fact("bind", "body", "partnerReferenceNo", OPT, most=64, example="BIND-REF-20260526-001", in_keyword=True),
    Fact("bind", "body", "cardData", R, example="U2FsdGVkX1+A1B2C3D4E5F6G7H8I9J0K..."),
    Fact("bind", "body", "custIdMerchant", R, most=64, pattern="^[a-zA-Z0-9]+$", example="CUST001", in_keyword=True),
    Fact("bind", "body", "journeyId", OPT, example="journey-bind-20260526-001"),
    Fact("bind", "body", "phoneNo", OPT, example="08123456789"),
    Fact("bind", "reply", "responseCode", OPT, example="2000100"),
    Fact("bind", "reply", "responseMessage", OPT, example="Successful"),
    Fact("bind", "reply", "referenceNo", OPT, example="REF-KKI-20260526-001"),
    Fact("bind", "reply", "redirectUrl", OPT, example="https://app.doku.com/direct-debit/kki/binding/SESSION-ABC123"),
    Fact(
        "bind", "reply", "bankCardToken", OPT,
        example="eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE2OTgwNTA3NDMsImlzcyI6IkRPS1UifQ...",
    ),
    Fact("bind", "reply", "chargeToken", OPT, example="CHG-TOKEN-ABC123"),
    *_card("unbind", "ext-unbind-20260526-00001", "2026-05-26T10:05:00+07:00", "a1b2c3d4e5f6..."),
    Fact("unbind", "header", "X-IP-ADDRESS", OPT, example="103.31.4.0"),
    Fact("unbind", "body", "tokenId", R, example="TOKEN-KKI-ABC123XYZ"),
    Fact("unbind", "reply", "responseCode", OPT, example="2000500"),
    Fact("unbind", "reply", "responseMessage", OPT, example="Successful"),
    Fact("unbind", "reply", "referenceNo", OPT, example="REF-UNBIND-20260526-001"),
    *_symmetric("refund"),
    Fact("refund", "header", "X-IP-ADDRESS", R, 10, 15, example="192.168.1.1"),
    Fact("refund", "header", "Authorization-customer", R, example=CUSTOMER),
    Fact("refund", "header", "Authorization", R, example=BEARER),
    Fact("refund", "body", "originalPartnerReferenceNo", R, 32, 64, example="INV0001"),
    Fact("refund", "body", "originalExternalId", OPT, most=36, example="REQ-0001"),
    Fact("refund", "body", "reason", OPT, most=255, example="Request by Customer"),
    Fact("refund", "body", "partnerRefundNo", R, most=12, example="INV-REF-0001"),
    Fact("refund", "reply", "responseCode", R, 1, 7, example="2000700"),
    Fact("refund", "reply", "responseMessage", R, 1, 150, example="Successful"),
    Fact("refund", "reply", "originalPartnerReferenceNo", OPT, example=FILLER),
    Fact("refund", "reply", "originalReferenceNo", OPT, example=FILLER),
    Fact("refund", "reply", "refundNo", OPT, example=FILLER),
    Fact("refund", "reply", "partnerRefundNo", OPT, example=FILLER),
    Fact("refund", "reply", "refundTime", OPT, example="2024-01-01T09:09:00.123"),
]  # fmt: skip

# Where the contract demands more than the page's keywords and descriptions say, and which reading or row it rests on.
ADDED = {
    ("payment", "header", "X-SIGNATURE", "minLength"): "KKI-HDR-020 says: not empty",
    ("bind", "header", "X-SIGNATURE", "minLength"): "KKI-HDR-020",
    ("unbind", "header", "X-SIGNATURE", "minLength"): "KKI-HDR-020",
    ("refund", "header", "X-SIGNATURE", "minLength"): "KKI-HDR-020",
    ("payment", "header", "X-PARTNER-ID", "minLength"): "KKI-HDR-022 says: not empty",
    ("bind", "header", "X-PARTNER-ID", "minLength"): "KKI-HDR-022",
    ("unbind", "header", "X-PARTNER-ID", "minLength"): "KKI-HDR-022",
    ("refund", "header", "X-PARTNER-ID", "minLength"): "KKI-HDR-022",
    ("payment", "header", "X-EXTERNAL-ID", "minLength"): "KKI-HDR-030 says: not empty",
    ("bind", "header", "X-EXTERNAL-ID", "minLength"): "KKI-HDR-030",
    ("unbind", "header", "X-EXTERNAL-ID", "minLength"): "KKI-HDR-030",
    ("refund", "header", "X-EXTERNAL-ID", "minLength"): "KKI-HDR-030",
    ("payment", "header", "X-EXTERNAL-ID", "maxLength"): "KKI-HDR-036, the national standard",
    ("refund", "header", "X-EXTERNAL-ID", "maxLength"): "KKI-HDR-036, the national standard",
    ("payment", "header", "X-EXTERNAL-ID", "pattern"): "the words Numeric String",
    ("refund", "header", "X-EXTERNAL-ID", "pattern"): "the words Numeric String",
    ("refund", "body", "originalPartnerReferenceNo", "pattern"): "the word AlphaNumeric",
    ("bind", "reply", "responseCode", "required"): "reading response-code-required",
    ("bind", "reply", "responseMessage", "required"): "reading response-code-required",
    ("unbind", "reply", "responseCode", "required"): "reading response-code-required",
    ("unbind", "reply", "responseMessage", "required"): "reading response-code-required",
    ("bind", "reply", "additionalInfo", "type"): "named in the description of the 200 reply only",
}

_FIELD = re.compile(r"^(?P<name>[A-Za-z-]+?)string(?: · (?P<kind>.*?))?(?P<label>Required|Optional)$")
_PLACES = {"Header parameters": "header", "Body": "body", "application/json": "reply", "Authorizations": ""}
_BLOCKS = ("cpan", "cpan-tokenise", "token", "token-recurring", "bind", "unbind", "refund")


def read(text: str) -> list[Fact]:
    """The same table out of the page's plain text; a block ends where its path is printed."""
    facts: list[Fact] = []
    block, place = 0, ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        place = _PLACES.get(line, place)
        if line.startswith("/direct-debit/"):
            block, place = block + 1, ""
        found = _FIELD.match(line)
        if found and place:
            facts.append(_fact(found, _BLOCKS[block], place, lines[number + 1 :]))
    return facts


def _fact(found: re.Match[str], block: str, place: str, rest: list[str]) -> Fact:
    example = next(line for line in rest if line.startswith(("Example: ", "Default: ")))
    description = " ".join(rest[: rest.index(example)])
    kind = found["kind"] or ""
    pattern = example.partition("Pattern: ")[2] or None
    return Fact(
        block=block,
        place=place,
        name=found["name"],
        label=found["label"],
        least=_number(r"min(?: length)?: (\d+)", description),
        most=_number(r"max(?: length)?: (\d+)", f"{kind} {description}"),
        pattern=pattern,
        example=example.split("Example: ")[1].split("Pattern: ")[0].split("Possible values:")[0],
        in_keyword="max:" in kind,
    )


def _number(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text)
    return int(found[1]) if found else None
