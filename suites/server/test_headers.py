"""Headers: presence, form, uniqueness, currency."""

from __future__ import annotations

import pytest

from kki.drafting.mutations import CHARSET, HEADERS, JAVA_ACCEPTS, MORE_HEADERS

from .probes import KINDS, each, of_kinds, probe

SYMMETRIC = ("payment", "bind", "unbind", "refund")


@pytest.mark.parametrize(
    ("operation", "name"),
    [*each(HEADERS), *each(MORE_HEADERS, quick="none"), *each((CHARSET,), quick="payment")],
)
def test_a_header_is_held_to_its_form(server, operation, name):
    server.send(server.a(operation), name)


@pytest.mark.parametrize(
    "operation",
    [  # a replayed refund or unbinding is wrong in two ways, so that its refusal does not tell which was seen
        probe(
            kind,
            id=kind,
            operation=operation,
            exercises=["KKI-HDR-140", "KKI-RSN-170"] if operation in ("payment", "bind") else [],
            level="quick" if kind == operation else "standard",
        )
        for operation in SYMMETRIC
        for kind in (KINDS[operation] if operation == "bind" else [operation])
    ],
)
def test_a_replayed_request_is_refused(server, operation):
    draft = server.a(operation, to_succeed=True)
    server.send(draft)
    server.send(draft)
    if operation == "bind":  # a conflict is no reason to forget
        server.send(draft)


@pytest.mark.parametrize(
    "operation",
    # The very same payment again would be refused for its reference as well.
    of_kinds((*KINDS["payment"], "bind", "refund"), ["KKI-HDR-140"], quick="bind"),
)
def test_an_external_id_is_not_used_for_another_body(server, operation):
    first = server.a(operation, to_succeed=True)
    server.send(first)
    second = server.a(operation, to_succeed=True)
    server.send(second.with_header("X-EXTERNAL-ID", first.request.headers.get("X-EXTERNAL-ID")))


@pytest.mark.level("quick")
@pytest.mark.operation("bind")
@pytest.mark.exercises("KKI-BND-150")
def test_external_ids_that_differ_at_their_end_are_two(server):
    """36 characters, as the page allows on a binding."""
    name = server.kit().external_id.rjust(36, "9")
    for last in "45":
        server.send(server.a("bind").with_header("X-EXTERNAL-ID", name[:-1] + last))


@pytest.mark.level("quick")
@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-RSP-260")
def test_a_refusal_is_json_whatever_else_the_client_takes(server):
    server.send(server.a("payment").with_header("Accept", JAVA_ACCEPTS), "signature of rubbish")


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-HDR-140")
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param("refund", marks=pytest.mark.level("quick")),
        pytest.param("bind", marks=pytest.mark.level("standard")),
    ],
)
def test_an_external_id_is_not_used_for_another_operation(server, operation):
    payment = server.a("payment")
    server.send(payment)
    other = server.a(operation, to_succeed=True)
    server.send(other.with_header("X-EXTERNAL-ID", payment.request.headers.get("X-EXTERNAL-ID")))
