"""The personas: each declared well, each wrong where it says, and no requirement without one."""

from __future__ import annotations

import re
from functools import cache

import pytest
from tests.simulator.more_probes import PROBES
from tests.simulator.probes import Probe, merchant_of
from tests.simulator.support import CONTRACT, reply

from kki.model.requirement import Party
from kki.simulator import personas_kinds, personas_memory, personas_partial, personas_platforms, personas_readers
from kki.simulator.correct import CORRECT
from kki.simulator.outcomes import Drop, Hang, Response, Result, Slow
from kki.simulator.personas import PERSONAS, Persona, UnknownName, by_name, persona

# Wrong about one of the later probes.
LATER = (
    *personas_kinds.ALL, *personas_partial.ALL, *personas_memory.ALL, *personas_readers.ALL, *personas_platforms.ALL,
)  # fmt: skip
_BY_NAME = {probe.name: probe for probe in PROBES}
_EACH = pytest.mark.parametrize("one", PERSONAS.values(), ids=list(PERSONAS))
_STRENGTH = ("stated", "implied", "conflicted")


@cache
def _correct(probe: str, readings: tuple[tuple[str, str], ...]) -> Result:
    return _BY_NAME[probe].send(merchant_of(CORRECT, dict(readings)))


def _differs(one: Persona, probe: Probe) -> bool:
    right = _correct(probe.name, tuple(sorted(one.readings.items())))
    return probe.send(merchant_of(one.change(CORRECT), dict(one.readings))) != right


# --- what is declared -----------------------------------------------------------------------------


def test_there_are_many_and_in_every_area() -> None:
    assert len(PERSONAS) >= 90
    areas = {one.area for one in PERSONAS.values()}
    assert areas == {
        "signature", "tokens", "headers", "fields", "card-data", "envelope", "reasons", "success", "secrecy", "state",
        "robustness",
    }  # fmt: skip


@_EACH
def test_a_persona_is_declared_well(one: Persona) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.name)
    assert re.fullmatch(r"[A-Z][^.]*(\.[^ ][^.]*)*\.", one.says), one.says  # one sentence
    assert one.caught_by
    for requirement in one.caught_by:
        row = CONTRACT.requirements[requirement]
        assert row.party is Party.SERVER, requirement
        assert row.untestable is None, requirement
    strongest = min((CONTRACT.requirements[row].standing.value for row in one.caught_by), key=_STRENGTH.index)
    # No stronger than its rows; weaker where the deviation itself rests on a document of less weight.
    assert _STRENGTH.index(one.standing) >= _STRENGTH.index(strongest)
    for reading, choice in one.readings.items():
        assert choice in {row.id for row in CONTRACT.readings[reading].choices}


def test_every_requirement_on_servers_has_a_persona() -> None:
    wanted = {row.id for row in CONTRACT.requirements.values() if row.party is Party.SERVER and not row.untestable}
    assert wanted - {row for one in PERSONAS.values() for row in one.caught_by} == set()


def test_names_are_unique_and_found() -> None:
    one = persona("accepts-any-otp")
    assert one is PERSONAS["accepts-any-otp"]
    with pytest.raises(UnknownName, match="accepts-any-otp"):
        persona("accept-any-otp")
    with pytest.raises(ValueError, match="stands twice"):
        by_name([one, one])


# --- what it does -----------------------------------------------------------------------------------


@_EACH
def test_a_persona_answers_some_request_otherwise_than_the_correct_simulator(one: Persona) -> None:
    assert one.change(CORRECT) != CORRECT
    likely_first = reversed(PROBES) if one in LATER else PROBES
    assert any(_differs(one, probe) for probe in likely_first)


# Persona, situation, the code of its reply; other situations of the same kind, in which it is right.
_WRONG = (
    ("accepts-any-signature", "signature of another secret", "2005400", "no signature"),
    ("accepts-missing-signature", "no signature", "2005400", "signature of another secret"),
    ("accepts-shortened-signature", "signature cut", "2005400", "signature lengthened"),
    ("accepts-lengthened-signature", "signature lengthened", "2005400", "signature cut"),
    ("ignores-signature-case", "signature in other case", "2005400", "signature in hex"),
    ("accepts-hex-signature", "signature in hex", "2005400", "HMAC-SHA256"),
    ("accepts-hmac-sha256", "HMAC-SHA256", "2005400", "HMAC-SHA384"),
    ("ignores-signed-body", "signed without body", "2005400", "signed without token"),
    ("ignores-added-members", "member added", "2005400", "body changed"),
    ("ignores-member-order", "order changed", "2005400", "body changed"),
    ("ignores-signed-path", "signed for another path", "2005400", "signed for another method"),
    ("ignores-signed-method", "signed for another method", "2005400", "signed for another path"),
    ("ignores-signed-token", "signed without token", "2005400", "signed without body"),
    ("ignores-signed-timestamp", "signed for another time", "2005400", "signed for another path"),
    ("accepts-expired-b2b-token", "expired token", "2005400", "altered token"),
    ("accepts-altered-b2b-token", "altered token", "2005400", "expired token"),
    ("accepts-another-partners-token", "another partner's token", "2005400", "token never issued"),
    ("accepts-any-scheme", "Basic scheme", "2005400", "another partner's token"),
    ("accepts-stale-timestamp", "two days old", "2005400", "two days ahead"),
    ("accepts-replay-of-the-same-body", "replay", "2000100", "replay with another body"),
    ("keeps-external-ids-by-operation", "replay on another operation", "2000500", "replay"),
    ("accepts-cpan-one-too-long", "CPAN of 21", "2005400", "CPAN of 60"),
    ("accepts-short-otp", "OTP of 7", "2005400", "OTP of 9"),
    ("accepts-newline-after-customer-id", "customer with line feed", "2000100", "customer with hyphen"),
    ("accepts-letters-of-any-script", "customer in another script", "2000100", "customer with hyphen"),
    ("counts-bytes", "longest reason, multi-byte", "4000701", "reason of 256"),
    ("counts-utf16-units", "longest reason, astral", "4000701", "longest reason, multi-byte"),
    ("accepts-ecb-card-data", "card data in ECB", "2000100", "card data with wrong padding"),
    ("ignores-card-data-padding", "card data with wrong padding", "2000100", "card without members"),
    ("accepts-salted-card-data", "card data behind a salt", "2000100", "card data behind its vector"),
    ("accepts-plain-card-data", "card data in clear", "2000100", "card data in Base64"),
    ("refuses-otp-as-card", "wrong OTP", "4045411", "unknown CPAN"),
    ("refuses-signature-as-bad-request", "body changed", "4005400", "expired token"),
    ("accepts-duplicate-reference", "duplicate reference", "2005400", "replay"),
    ("races-on-reference", "race on a reference", "2005400", "duplicate reference"),
    ("races-on-external-id", "race on an external id", "2005400", "replay"),
    ("accepts-beginning-of-card-token", "another token with the same beginning", "2005400", "unknown card token"),
    ("accepts-otp-of-zeros", "OTP of zeros", "2005400", "wrong OTP"),
    ("refunds-unknown-payments", "refund of an unknown payment", "2000700", "refund of a refused payment"),
    ("refunds-refused-payments", "refund of a refused payment", "2000700", "refund of an unknown payment"),
    ("refunds-twice", "same refund again", "2000700", "further refund of a payment"),
    ("accepts-unbound-card-token", "payment with an unbound card", "2005400", "unknown card token"),
    ("unbinds-unknown-tokens", "unbinding of an unknown token", "2000500", "second unbinding"),
    ("accepts-trailing-comma", "trailing comma", "2005400", "garbage"),
    ("accepts-forms", "form", "2005400", "garbage"),
    ("accepts-other-octets", "other octets", "2000100", "garbage"),
    ("fails-on-deep-nesting", "deep nesting", "5005400", "1 MiB"),
    ("accepts-unknown-auth-code", "unknown authCode", "2007400", "unknown refreshToken"),
    ("accepts-any-rsa-signature", "token request signed by another", "2007300", "token request of a stranger"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "wrong", "code", "right"), _WRONG, ids=[row[0] for row in _WRONG])
def test_a_persona_is_wrong_in_this_way_and_right_in_the_next(name: str, wrong: str, code: str, right: str) -> None:
    one = persona(name)
    answer = _BY_NAME[wrong].send(merchant_of(one.change(CORRECT), dict(one.readings)))
    assert isinstance(answer, Response)
    assert reply(answer)["responseCode"] == code
    assert not _differs(one, _BY_NAME[right])


@pytest.mark.parametrize(
    ("name", "situation", "kind"),
    [
        ("hangs-on-garbage", "garbage", Hang),
        ("drops-on-deep-nesting", "deep nesting", Drop),
        ("cuts-replies-to-repeated-members", "member twice", Drop),
        ("drops-after-garbage", "payment after garbage", Drop),
        ("tells-padding-in-time", "card that is no JSON", Slow),
    ],
)
def test_some_give_no_answer_or_a_late_one(name: str, situation: str, kind: type) -> None:
    answer = _BY_NAME[situation].send(merchant_of(persona(name).change(CORRECT)))
    assert isinstance(answer, kind)
