"""What the tests of this folder share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from tests.diagnosis import wrong_cards as cards
from tests.diagnosis import wrong_clients as clients

from kki.diagnosis.cards import CardMaterial, diagnose_card
from kki.diagnosis.parts import Material
from kki.diagnosis.results import Diagnosis
from kki.diagnosis.search import diagnose
from kki.model.http import Request
from kki.snap.carddata import Container

quick = settings(deadline=None, database=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def material(request: Request, secret: str = clients.SECRET, **more: object) -> Material:
    known: dict[str, object] = {
        "client_secret": secret, "client_id": clients.CLIENT, "shared_key": clients.SHARED,
        "public_key": clients.public_pem(), "private_keys": (clients.private_pem(), clients.private_pem(1)),
        "earlier_tokens": (clients.EARLIER,), "origin": request.origin,
        "paths": (clients.REFUND, clients.PAYMENT, clients.B2B),
    }  # fmt: skip
    return Material(request=request, **{**known, **more})


def diagnosed(wrong: clients.Wrong) -> Diagnosis:
    return diagnose(material(wrong.request(), wrong.secret), token_request=wrong.token_request)


def card_diagnosed(
    text: str, container: str = "ciphertext|iv", shared: str = cards.SHARED, **more: object
) -> Diagnosis:
    known: dict[str, object] = {"client_secret": cards.SECRET, "client_id": cards.CLIENT}
    return diagnose_card(
        CardMaterial(text=text, shared_key=shared, container=Container(container), **{**known, **more})
    )
