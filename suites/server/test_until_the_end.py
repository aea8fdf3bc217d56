"""What a server must not have forgotten by the end of a run: many requests, and another token, later."""

from __future__ import annotations

import pytest


@pytest.mark.operation("bind")
@pytest.mark.exercises("KKI-HDR-140")
def test_an_external_id_is_remembered_all_day(server):
    first = server.first("bind")
    server.session.fetch_b2b()
    server.send(server.a("bind").with_header("X-EXTERNAL-ID", first.request.headers.get("X-EXTERNAL-ID")))


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-120")
def test_a_reference_is_remembered(server):
    first = server.first("payment")
    server.send(server.a("payment").having(partnerReferenceNo=first.json["partnerReferenceNo"]))
