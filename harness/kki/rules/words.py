"""How values are spoken of in findings: enough to find the place, never a secret in clear."""

from __future__ import annotations

from kki.model.contract import Operation
from kki.redaction import PSEUDONYM

# Members and headers whose values are described, not shown.
SECRET = frozenset(
    name.lower()
    for name in (
        "otp", "chargeToken", "bankCardToken", "tokenId", "cardData", "authCode", "refreshToken", "accessToken",
        "phoneNo", "X-SIGNATURE", "Authorization", "Authorization-customer",
    )
)  # fmt: skip
LONGEST = 64  # characters of a value that are shown


def kind(value: object) -> str:
    """The JSON type, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return "another type"


def length(text: str) -> str:
    """ "an empty text", "1 character", "33 characters"."""
    if not text:
        return "an empty text"
    return "1 character" if len(text) == 1 else f"{len(text)} characters"


def shown(value: object) -> str:
    """A value that is no secret, quoted and cut to a length that fits a line."""
    if not isinstance(value, str):
        return kind(value)
    return repr(value) if len(value) <= LONGEST else f"{value[:LONGEST]!r}… ({length(value)})"


def described(value: object) -> str:
    """A value that may be a secret, by type and length only."""
    if not isinstance(value, str):
        return kind(value)
    return length(value)


def spoken(name: str, value: object) -> str:
    """`shown` or `described`, by the name of the member or header."""
    return described(value) if name.lower() in SECRET else shown(value)


def operation_noun(operation: Operation | None) -> str:
    """ "payment", "binding", …: what the request is called in a sentence."""
    names = {"bind": "binding", "unbind": "unbinding", "b2b": "B2B token request", "b2b2c": "B2B2C token request"}
    return names.get(operation.name, operation.name) if operation else "request"


def masked(value: object) -> bool:
    """Whether a value, or a part of it, was hidden when the recording was made: nothing can be said of its form."""
    if not isinstance(value, str):
        return False
    cut = len(value) == 9 and value.endswith("…")  # how redaction leaves a signature
    return cut or ("‹" in value and PSEUDONYM.search(value) is not None)
