"""The permissible variants: whatever the page demands still holds on each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import pytest
from tests.simulator.more_probes import GOOD, KINDS, REFUSED
from tests.simulator.probes import Probe, merchant_of
from tests.simulator.support import CONTRACT, PATHS, reply

from kki.simulator.correct import CORRECT
from kki.simulator.outcomes import Response
from kki.simulator.persona import Persona
from kki.simulator.personas import PERSONAS, UnknownName
from kki.simulator.variants import VARIANTS, WHOLE, variant

# Those that take less are tried against the judge: tests/rules/test_fair.py.
_EACH = pytest.mark.parametrize("one", WHOLE, ids=[one.name for one in WHOLE])

# What a variant refuses beyond, or takes beyond, because its way of reading the documents says so.
_ALLOWED: Mapping[str, frozenset[str]] = {
    "no-refresh-token": frozenset({"refreshed customer token", "refresh token after a wrong signature"}),
    "reference-used-by-refusal": frozenset({"retry after a wrong OTP"}),
    "repeated-refund-told-again": frozenset({"same refund again", "same refund for another reason"}),
    "repeated-unbinding-accepted": frozenset({"second unbinding"}),
    "no-customer-token-for-a-cpan": frozenset({"no customer token"}),
    "duplicates-allowed": frozenset({
        "duplicate reference", "duplicate reference by token", "race on a reference",
        "duplicate reference when recurring", "duplicate reference when tokenising",
        "reference much later", "reference after its refund",
    }),
    "no-clock": frozenset({
        "two days old", "two days ahead", "token request of last week", "token request two days ahead", "26 hours old",
        *(f"{kind}, two days old" for kind in KINDS),
    }),
    "any-external-id": frozenset({
        "letters in X-EXTERNAL-ID", "external id with a sign", "external id with a decimal point",
    }),
    "any-length-of-ip-address": frozenset({"short X-IP-ADDRESS"}),
    "optional-as-described": frozenset(
        {"payment without reference", "payment with empty reference", "payment without OTP"}
    ),
    "any-card": frozenset({"card without members"}),
}  # fmt: skip


_PROBES = {probe.name: probe for probe in (*GOOD, *REFUSED)}


@cache
def _answer(name: str, probe: str) -> Response:
    """The same for each of the tests below."""
    one = VARIANTS[name]
    answer = _PROBES[probe].send(merchant_of(one.change(CORRECT), dict(one.readings)))
    assert isinstance(answer, Response), answer
    return answer


def _status(one: Persona, probe: Probe) -> int:
    return _answer(one.name, probe.name).status


def test_there_are_enough_and_no_persona_shares_a_name() -> None:
    assert len(VARIANTS) >= 18
    assert not VARIANTS.keys() & PERSONAS.keys()
    assert _ALLOWED.keys() <= VARIANTS.keys()
    with pytest.raises(UnknownName, match="wide-clock"):
        variant("wide-clocks")


@_EACH
def test_a_variant_is_another_simulator_or_another_reading(one: Persona) -> None:
    assert not one.caught_by
    assert one.readings or one.change(CORRECT) != CORRECT
    for reading, choice in one.readings.items():
        assert choice in {row.id for row in CONTRACT.readings[reading].choices}
        assert choice != CONTRACT.readings[reading].default


@_EACH
def test_a_variant_accepts_what_is_correct(one: Persona) -> None:
    beyond = _ALLOWED.get(one.name, frozenset())
    assert not [probe.name for probe in GOOD if probe.name not in beyond and _status(one, probe) not in (200, 202)]


@_EACH
def test_a_variant_refuses_what_is_not(one: Persona) -> None:
    beyond = _ALLOWED.get(one.name, frozenset())
    assert not [probe.name for probe in REFUSED if probe.name not in beyond and not 400 <= _status(one, probe) < 500]


@_EACH
def test_a_variant_keeps_the_envelope(one: Persona) -> None:
    if one.name == "gateway-in-front":
        return
    replay = one.name == "replay-with-earlier-body"
    for probe in (*GOOD, *REFUSED):
        answer = _answer(one.name, probe.name)
        members = json.loads(answer.body)
        assert members["responseCode"][:3] == str(answer.status) or (replay and answer.status == 409)
        assert 1 <= len(members["responseMessage"]) <= 150


# --- the order of the checks -------------------------------------------------------------------------


def _first(name: str, headers: dict[str, str | None], **body: object) -> str:
    """The code for a payment that is wrong in several ways."""
    merchant = merchant_of(variant(name).change(CORRECT) if name else CORRECT)
    request = merchant.request("payment", merchant.cpan_body(**body), headers=headers)
    return str(reply(merchant.ask(request))["responseCode"])


def test_which_of_two_faults_is_named_is_the_order_of_the_checks() -> None:
    wrong_twice: dict[str, str | None] = {"X-SIGNATURE": "none"}
    assert _first("", wrong_twice, otp="1") == "4015400"
    assert _first("fields-before-signature", wrong_twice, otp="1") == "4005401"
    lines: dict[str, str | None] = {"X-SIGNATURE": "none", "Authorization": "Bearer never"}
    assert _first("", lines) == "4015401"
    assert _first("token-after-signature", lines) == "4015400"


@pytest.mark.parametrize(
    ("name", "operation", "has"),
    [("redirect-on-unbinding", "unbind", "redirectUrl"), ("extra-reply-members", "unbind", "additionalInfo")],
)
def test_replies_may_hold_more(name: str, operation: str, has: str) -> None:
    assert operation in PATHS
    merchant = merchant_of(variant(name).change(CORRECT))
    assert has in reply(merchant.unbind())
