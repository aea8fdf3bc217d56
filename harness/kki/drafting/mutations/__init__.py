"""Named spoilings. Each breaks exactly one thing, before signing (then the signature is right) or after it.

`breaks` names the client rows that a request so spoiled breaks, `tries` the server rows it puts to the test;
harmless ones break none. Ids are strings on purpose: nothing here judges.
"""

from __future__ import annotations

from kki.drafting.mutations.base import EVERY, SYMMETRIC, TOKENS, Mutation, Stage
from kki.drafting.mutations.bodies import HARMLESS, LENIENT, ROBUSTNESS
from kki.drafting.mutations.headers import CHARSET, HEADERS, JAVA_ACCEPTS, MORE_HEADERS
from kki.drafting.mutations.routes import ROUTES
from kki.drafting.mutations.signature import SIGNATURE, SIGNATURE_ORDER
from kki.drafting.mutations.tokens import BARE_TOKEN, CUSTOMER_TOKEN, TOKEN, TOKEN_ENDPOINTS, unsigned_token

__all__ = [
    "ALL", "BARE_TOKEN", "BY_NAME", "CHARSET", "CUSTOMER_TOKEN", "EVERY", "HARMLESS", "HEADERS", "JAVA_ACCEPTS",
    "LENIENT", "MORE_HEADERS", "ROBUSTNESS", "ROUTES", "SIGNATURE", "SIGNATURE_ORDER", "SYMMETRIC", "TOKEN", "TOKENS",
    "TOKEN_ENDPOINTS", "Mutation", "Stage", "mutation", "unsigned_token",
]  # fmt: skip

ALL: tuple[Mutation, ...] = (
    *SIGNATURE,
    SIGNATURE_ORDER,
    *HARMLESS,
    *TOKEN,
    *CUSTOMER_TOKEN,
    BARE_TOKEN,
    *HEADERS,
    *MORE_HEADERS,
    CHARSET,
    *TOKEN_ENDPOINTS,
    *ROBUSTNESS,
    *LENIENT,
    *ROUTES,
)


def mutation(name: str) -> Mutation:
    """The mutation of this name. KeyError for an unknown one."""
    return BY_NAME[name]


BY_NAME = {each.name: each for each in ALL}
