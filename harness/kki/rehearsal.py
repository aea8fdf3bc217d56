"""One correctly signed request that can do no harm, before the trial: does the target know this client_secret at all?

A wrong secret would make every reply a refusal and the whole run a pile of violations that are none. A server whose own
check is wrong refuses too, and has to be put on trial: so one refusal is not enough, nor is that of one operation.
"""

from __future__ import annotations

import json

from kki.drafting import drafts, mutations
from kki.drafting.drafts import Draft, Kit
from kki.edges.preflight import Check
from kki.model.exchange import Exchange
from kki.session import Session

NAME = "client secret"
_SPOILED = tuple(
    each
    for each in mutations.SIGNATURE
    if each.stage is mutations.Stage.AT_SIGNING or each.tries & {"KKI-SIG-130", "KKI-SIG-140"}
)


def rehearsed(session: Session) -> Check:
    """Sends one such request; only where its signature is refused, a second one, and then wrong signatures.

    Fatal only where all of them are refused alike. The exchanges are evidence as any other.
    """
    session.ensure_tokens()
    for make in (_refund, _unbinding, *((drafts.a_binding,) if _has_card(session) else ())):
        exchange = session.send(make(session.bare_kit()))
        if not signature_refused(exchange):
            return Check(NAME, True, _taken(exchange), fatal=False)
    for spoil in _SPOILED:
        if not signature_refused(session.send(spoil(_refund(session.bare_kit())))):
            said = f'the target refuses a right signature, but not a wrong one ("{spoil.name}")'
            return Check(NAME, False, said, "its check is at fault, so the run goes on", fatal=False)
    return Check(
        NAME, False,
        "the target gave a B2B token, but refused every request that was signed with client_secret as 401/00, however "
        "it was signed: either client_secret is not the one that it keeps for this client_id, or it checks X-SIGNATURE "
        "in a way of its own",
        "compare client_secret with the target's, and the clocks; if both are right, put the server on trial with "
        "--trust-secret",
    )  # fmt: skip


def _refund(kit: Kit) -> Draft:
    """Of a payment that never was. The members in order: for servers that sort them."""
    refund = drafts.a_refund(kit, kit.reference)
    refund = refund.with_json(dict(sorted(refund.json.items())))
    return refund if kit.customer_token else refund.without_header("Authorization-customer")


def _unbinding(kit: Kit) -> Draft:
    return drafts.an_unbinding(kit, kit.reference[::-1])  # of a token that never was


def _has_card(session: Session) -> bool:
    """For a server that calls whatever it refuses 401/00: a binding as the trial has many.

    It comes to anything only where the two before were refused although the secret is right.
    """
    return bool(session.profile.test_data.card and session.profile.credentials.shared_key)


def signature_refused(exchange: Exchange) -> bool:
    """401 with case 00 (DOKU, "HTTP status and case code": Unauthorized, of the signature)."""
    if exchange.response is None or exchange.response.status != 401:
        return False
    try:
        code = json.loads(exchange.response.body)["responseCode"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return len(str(code)) == 7 and str(code).startswith("401") and str(code).endswith("00")


def _taken(exchange: Exchange) -> str:
    if exchange.response is None:
        return f"a harmless signed request got no reply ({exchange.failure}), so nothing is known of it"
    return f"a harmless signed request was not refused for its signature (HTTP {exchange.response.status})"
