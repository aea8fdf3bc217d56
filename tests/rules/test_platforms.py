"""The suite's cases against what platforms do by themselves: each such server is caught by the case made for it."""

from __future__ import annotations

import pytest

from kki.model.verdict import Grade
from kki.simulator import personas_platforms
from kki.simulator.correct import CORRECT
from kki.simulator.personas import PERSONAS

from .stage import Stage
from .whole import results, tried

_NOT_MADE = ("state", "refused_for_its_content_was_not_made")
_DUPLICATE = ("state", "a_reference_is_charged_once[")
# Persona → the part of the suite, and what stands in the title of its case.
CASES: dict[str, tuple[str, str]] = {
    "accepts-another-partners-secret": ("tokens", "another_partners_secret"),
    "accepts-another-partners-key": ("tokens", "another_partners_key"),
    "ignores-case-of-client-key": ("tokens", "X-CLIENT-KEY in other case"),
    "gives-partners-tokens-for-codes": ("tokens", "grantType of a customer"),
    "gives-customer-tokens-to-partners": ("tokens", "grantType of a partner"),
    "accepts-refresh-token-as-customer-token": ("tokens", "a_refresh_token_is_no_customer_token"),
    "refuses-charset-for-a-token": ("headers", "with a charset"),
    "answers-browsers-in-html": ("headers", "whatever_else_the_client_takes"),
    "refuses-utc-offset-of-refunds": ("headers", "offset +00:00"),
    "accepts-time-without-seconds": ("headers", "without seconds"),
    "accepts-a-zones-name": ("headers", "zone's name"),
    "accepts-external-id-as-number": ("headers", "decimal point"),
    "keeps-32-characters-of-external-ids": ("headers", "differ_at_their_end"),
    "trims-before-it-counts": ("fields", "and-a-blank"),
    "refuses-customers-of-digits": ("fields", "bind-default-custIdMerchant"),
    "refuses-hyphens-in-refund-number": ("fields", "in-the-form-of-the-example"),
    "fails-on-nul-in-its-members": ("robustness", "NUL escape"),
    "fails-on-quotes": ("state", "an apostrophe behind"),
    "refunds-with-a-blank-behind": ("state", "a_refund_names_its_payment"),
    "unbinds-with-a-blank-behind": ("state", "a_token_is_unbound_as_it_is"),
    "answers-another-payments-refund": ("state", "the_same_refund_is_made_once"),
    "refuses-refunds-of-recurring-payments": ("state", "a_payment_of_each_kind_is_refunded"),
    "refuses-refunds-of-tokenising-payments": ("state", "a_payment_of_each_kind_is_refunded"),
    "redirects-to-the-otp-page": ("operations", "a_correct_binding"),
    "gives-a-template-for-an-address": ("operations", "a_correct_binding"),
    "puts-card-data-into-the-address": ("operations", "a_correct_binding"),
    "tells-an-error-of-go": _DUPLICATE,
    "tells-an-error-of-node": _DUPLICATE,
    "tells-an-error-of-postgres": _DUPLICATE,
    "tells-an-error-of-mysql": _DUPLICATE,
    "charges-despite-unknown-cpan": _NOT_MADE,
    "charges-despite-unknown-card": _NOT_MADE,
    "charges-despite-bad-otp": _NOT_MADE,
    "charges-despite-conflict": _NOT_MADE,
    "unbinds-despite-conflict": ("state", "an_unbinding_under_a_used_external_id"),
    "refunds-despite-conflict": ("state", "a_refund_that_was_not_trusted"),
}


def test_each_platform_has_its_case() -> None:
    assert {one.name for one in personas_platforms.ALL} <= set(CASES)


@pytest.mark.parametrize("name", list(CASES))
def test_a_platforms_own_way_is_caught(name: str) -> None:
    persona, (part, title) = PERSONAS[name], CASES[name]
    stage = Stage(persona.change(CORRECT), **persona.readings)
    tried(stage, (part,), named=title)
    # What a reading permits is a warning: the row is broken all the same.
    broken = {row.id for row in results(stage).values() if row.grade in (Grade.VIOLATION, Grade.WARNING)}
    assert broken & persona.caught_by


@pytest.mark.parametrize(("part", "title"), sorted(set(CASES.values())))
def test_the_correct_server_is_not(part: str, title: str) -> None:
    stage = Stage()
    tried(stage, (part,), named=title)
    assert len(stage.exchanges) > 2
    assert not [row.id for row in results(stage).values() if row.grade in (Grade.VIOLATION, Grade.WARNING)]
