"""The two token endpoints, and what a token is good for."""

from __future__ import annotations

import pytest

from kki.drafting.mutations import TOKEN, TOKEN_ENDPOINTS, unsigned_token

from .probes import each, probe

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


@pytest.mark.parametrize(("operation", "name"), each(TOKEN))
def test_a_spoiled_token_is_refused(server, operation, name):
    server.send(server.a(operation), name)


@pytest.mark.parametrize(
    "operation",
    [
        probe(op, id=op, operation=op, exercises=["KKI-TOK-148"], level="quick" if op == "payment" else "standard")
        for op in SYMMETRIC
    ],
)
def test_the_customer_token_is_no_b2b_token(server, operation):
    customer = server.session.tokens.customer
    if not customer:
        pytest.skip("undecided: there is no customer token; add auth_code or customer_token to the profile")
    server.send(server.a(operation).with_header("Authorization", f"Bearer {customer}"))


@pytest.mark.parametrize(
    "operation",
    [
        probe(op, id=op, operation=op, exercises=["KKI-TOK-152"], level="quick" if op == "payment" else "standard")
        for op in ("payment", "refund")
    ],
)
def test_the_b2b_token_is_no_customer_token(server, operation):
    draft = server.a(operation)
    server.send(draft.with_header("Authorization-customer", draft.request.headers.get("Authorization")))


@pytest.mark.parametrize(
    "operation",
    [
        probe(op, id=op, operation=op, exercises=["KKI-TOK-150"], level="quick" if op == "payment" else "standard")
        for op in ("payment", "refund")
    ],
)
def test_a_customer_token_that_was_never_issued_is_refused(server, operation):
    server.send(server.a(operation).with_header("Authorization-customer", "Bearer never-issued-customer-token"))


@pytest.mark.parametrize(
    "operation",
    [probe(op, id=op, operation=op, level="quick" if op == "refund" else "standard") for op in ("payment", "refund")],
)
def test_the_customer_token_without_its_scheme_is_orderly(server, operation):
    draft = server.a(operation, to_succeed=True)
    server.send(draft.with_header("Authorization-customer", server.session.tokens.customer or "none"))


@pytest.mark.parametrize(
    "operation",
    [
        probe(op, id=op, operation=op, exercises=["KKI-TOK-144"], level="quick" if op == "bind" else "standard")
        for op in SYMMETRIC
    ],
)
def test_a_token_forged_without_a_signature_is_refused(server, operation):
    draft = server.a(operation)
    server.send(unsigned_token(draft))


@pytest.mark.parametrize(
    "operation",
    [
        probe(op, id=op, operation=op, exercises=["KKI-TOK-146"], level="quick" if op == "payment" else "standard")
        for op in SYMMETRIC
    ],
)
def test_another_partners_token_is_refused(server, operation):
    other = server.session.other_partners_token()
    if not other:
        pytest.skip("undecided: no second partner is known at the target; add [other_partner] to the profile")
    server.send(server.a(operation).with_header("Authorization", f"Bearer {other}"))


@pytest.mark.operation("payment")
def test_our_token_under_another_partners_name_is_refused(server):
    other = server.session.profile.other_partner
    if other is None or not other.client_id:
        pytest.skip("undecided: no second partner is known at the target; add [other_partner] to the profile")
    server.send(server.a("payment").with_header("X-PARTNER-ID", other.client_id))


@pytest.mark.parametrize(
    "operation",
    [
        probe(op, id=op, operation=op, exercises=["KKI-TOK-142"], level="quick" if op == "payment" else "standard")
        for op in SYMMETRIC
    ],
)
def test_an_expired_token_is_refused(server, operation):
    expired = server.test_data.expired_b2b_token
    if not expired:
        pytest.skip("undecided: no expired token is at hand; add expired_b2b_token to the profile's [test_data]")
    server.send(server.a(operation).with_header("Authorization", f"Bearer {expired}"))
