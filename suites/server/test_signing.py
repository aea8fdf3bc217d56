"""X-SIGNATURE: what is wrong is refused, what is merely unusual is accepted."""

from __future__ import annotations

import pytest

from kki.drafting.mutations import HARMLESS, SIGNATURE, SIGNATURE_ORDER

from .probes import each


@pytest.mark.parametrize(("operation", "name"), each((*SIGNATURE, SIGNATURE_ORDER), share=2))
def test_a_spoiled_signature_is_refused(server, operation, name):
    server.send(server.a(operation), name)


@pytest.mark.parametrize(("operation", "name"), each(HARMLESS, quick="payment"))
def test_a_correctly_signed_unusual_body_is_accepted(server, operation, name):
    server.send(server.a(operation, to_succeed=True), name)
