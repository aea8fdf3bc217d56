"""The two token endpoints, and what a token is good for."""

from __future__ import annotations

import pytest

from kki.drafting.bounds import NEAR
from kki.drafting.drafts import a_b2b2c_token_request
from kki.drafting.mutations import BARE_TOKEN, TOKEN, TOKEN_ENDPOINTS, unsigned_token

from .probes import KINDS, each, of_kinds, spread

SYMMETRIC = ("payment", "bind", "unbind", "refund")


@pytest.mark.level("quick")
@pytest.mark.operation("b2b")
@pytest.mark.exercises("KKI-TOK-160", "KKI-TOK-210", "KKI-TOK-212", "KKI-TOK-214", "KKI-TOK-228")
def test_a_correct_token_request_is_answered_with_a_token(server):
    server.session.fetch_b2b()


@pytest.mark.level("quick")
@pytest.mark.operation("b2b")
@pytest.mark.exercises("KKI-TOK-164")
def test_a_fresh_token_is_accepted(server):
    server.session.fetch_b2b()
    server.send(server.a("payment"))


@pytest.mark.level("quick")
@pytest.mark.operation("b2b2c")
@pytest.mark.exercises("KKI-TOK-162", "KKI-TOK-220")
def test_a_correct_customer_token_request_is_answered_with_a_token(server):
    server.session.take_customer(server.send(server.a_customer_token_request()))


@pytest.mark.parametrize(("operation", "name"), each(TOKEN_ENDPOINTS))
def test_a_spoiled_token_request_is_refused(server, operation, name):
    server.send(server.a(operation), name)


@pytest.mark.parametrize(("operation", "name"), each((*TOKEN, BARE_TOKEN)))
def test_a_spoiled_token_is_refused(server, operation, name):
    server.send(server.a(operation), name)


@pytest.mark.parametrize("operation", spread(SYMMETRIC, ["KKI-TOK-148"], quick="payment", start=0))
def test_the_customer_token_is_no_b2b_token(server, operation):
    customer = server.session.tokens.customer
    if not customer:
        pytest.skip("undecided: there is no customer token; add auth_code or customer_token to the profile")
    server.send(server.a(operation).with_header("Authorization", f"Bearer {customer}"))


@pytest.mark.parametrize("operation", spread(("payment", "refund"), ["KKI-TOK-152"], quick="payment", start=1))
def test_the_b2b_token_is_no_customer_token(server, operation):
    draft = server.a(operation)
    server.send(draft.with_header("Authorization-customer", draft.request.headers.get("Authorization")))


@pytest.mark.parametrize(
    "operation", of_kinds((*KINDS["payment"], *KINDS["refund"]), ["KKI-TOK-150"], quick="payment")
)
def test_a_customer_token_that_was_never_issued_is_refused(server, operation):
    server.send(server.a(operation), "customer token of rubbish")


@pytest.mark.exercises("KKI-TOK-150")
@pytest.mark.parametrize(
    ("operation", "change"),
    [
        pytest.param("payment token", "shortened", marks=pytest.mark.operation("payment")),
        pytest.param("refund", "in other case", marks=pytest.mark.operation("refund")),
        pytest.param("payment", "with another beginning", marks=pytest.mark.operation("payment")),
    ],
)
def test_a_customer_token_counts_as_it_is_or_not_at_all(server, operation, change):
    customer = server.session.tokens.customer
    if not customer:
        pytest.skip("undecided: there is no customer token; add auth_code or customer_token to the profile")
    server.send(server.a(operation).with_header("Authorization-customer", f"Bearer {NEAR[change](customer)}"))


@pytest.mark.operation("b2b2c")
@pytest.mark.exercises("KKI-TOK-162")
def test_a_code_is_not_spent_by_a_request_that_was_not_trusted(server):
    server.send(server.a("b2b2c"), "RSA signature's middle character changed")
    server.send(server.a("b2b2c"))


@pytest.mark.level("quick")
@pytest.mark.operation("b2b2c")
@pytest.mark.exercises("KKI-TOK-134")
def test_a_refresh_token_is_no_authorisation_code(server):
    refresh = server.session.tokens.refresh
    if not refresh:
        pytest.skip("undecided: the target gives no refresh tokens, so that none can be sent in another place")
    server.send(a_b2b2c_token_request(server.session.bare_kit(), auth_code=refresh))


@pytest.mark.parametrize("operation", spread(("payment", "refund"), ["KKI-TOK-150"], quick="none", start=1))
def test_a_refresh_token_is_no_customer_token(server, operation):
    refresh = server.session.tokens.refresh
    if not refresh:
        pytest.skip("undecided: the target gives no refresh tokens, so that none can be sent in another place")
    server.send(server.a(operation).with_header("Authorization-customer", f"Bearer {refresh}"))


@pytest.mark.parametrize("operation", spread(("payment", "refund"), [], quick="refund", start=3))
def test_the_customer_token_without_its_scheme_is_orderly(server, operation):
    draft = server.a(operation, to_succeed=True)
    server.send(draft.with_header("Authorization-customer", server.session.tokens.customer or "none"))


@pytest.mark.parametrize("operation", spread(SYMMETRIC, ["KKI-TOK-144"], quick="bind", start=3))
def test_a_token_forged_without_a_signature_is_refused(server, operation):
    draft = server.a(operation)
    server.send(unsigned_token(draft))


@pytest.mark.parametrize("operation", spread(SYMMETRIC, ["KKI-TOK-146"], quick="payment", start=5))
def test_another_partners_token_is_refused(server, operation):
    other = server.session.other_partners_token()
    if not other:
        pytest.skip("undecided: no second partner is known at the target; add [other_partner] to the profile")
    server.send(server.a(operation).with_header("Authorization", f"Bearer {other}"))


@pytest.mark.parametrize("operation", of_kinds(("b2b", "b2b2c"), ["KKI-TOK-116"], quick="none"))
def test_another_partners_key_signs_no_token_request_of_ours(server, operation):
    other = server.session.profile.other_partner
    if other is None or not other.private_key:
        pytest.skip("undecided: no second partner is known at the target; add [other_partner] to the profile")
    server.send(server.a(operation).planned(private_key=other.private_key))


@pytest.mark.level("quick")
@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-SIG-110")
def test_another_partners_secret_signs_no_request_of_ours(server):
    other = server.session.profile.other_partner
    if other is None or not other.client_secret:
        pytest.skip("undecided: no second partner's secret is known; add client_secret to [other_partner]")
    server.send(server.a("payment").planned(secret=other.client_secret))


@pytest.mark.operation("payment")
def test_our_token_under_another_partners_name_is_refused(server):
    other = server.session.profile.other_partner
    if other is None or not other.client_id:
        pytest.skip("undecided: no second partner is known at the target; add [other_partner] to the profile")
    server.send(server.a("payment").with_header("X-PARTNER-ID", other.client_id))


@pytest.mark.parametrize("operation", spread(SYMMETRIC, ["KKI-TOK-142"], quick="payment", start=6))
def test_an_expired_token_is_refused(server, operation):
    expired = server.test_data.expired_b2b_token
    if not expired:
        pytest.skip("undecided: no expired token is at hand; add expired_b2b_token to the profile's [test_data]")
    server.send(server.a(operation).with_header("Authorization", f"Bearer {expired}"))
