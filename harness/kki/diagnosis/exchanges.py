"""The diagnosis of a watched exchange: what certify, judge and `kki diagnose` call.

Cheap where all is well: one HMAC or RSA verification, one decryption. Texts in an answer hold bodies as they were
sent: redact them before they are shown. Keys and secrets never stand in one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kki.diagnosis.cards import CardMaterial, diagnose_card
from kki.diagnosis.containers import packings
from kki.diagnosis.parts import Material
from kki.diagnosis.results import Diagnosis, Outcome
from kki.diagnosis.search import diagnose, is_right, token_is_right
from kki.model.contract import Contract, Operation
from kki.model.http import Request
from kki.model.profile import Credentials, TestData
from kki.snap.carddata import Container

_MOST_TOKENS = 20  # that are tried, the newest


def diagnose_request(
    request: Request,
    credentials: Credentials,
    contract: Contract,
    *,
    readings: Mapping[str, str] | None = None,
    test_data: TestData | None = None,
    tokens_seen: Sequence[str] = (),
    requests_seen: Sequence[Request] = (),
    references: Sequence[str] = (),
    pairs: bool = True,
    microseconds: bool = False,
) -> Diagnosis | None:
    """Why the request's X-SIGNATURE is wrong; None where it is right, or where the request carries none.

    `tokens_seen`: access tokens of earlier exchanges, newest last; `requests_seen`: earlier requests, whose signatures
    may have been used again. `references`: how settings name the client secret, "env:NAME" for example. `pairs` False:
    single mistakes only, in a fraction of the time. `microseconds`: see `diagnose`.
    """
    if not request.headers.get("X-SIGNATURE"):
        return None
    token_request = is_token_request(request, contract)
    material = material_of(
        request, credentials, contract, readings=readings, test_data=test_data, tokens_seen=tokens_seen,
        requests_seen=requests_seen, references=references,
    )  # fmt: skip
    if token_is_right(material) if token_request else credentials.client_secret and is_right(material):
        return None
    found = diagnose(material, token_request=token_request, pairs=pairs, microseconds=microseconds)
    return None if found.outcome is Outcome.CORRECT else found


def is_token_request(request: Request, contract: Contract) -> bool:
    """By the path; on an unknown one by what a token request has and another has not."""
    operation = _operation(request, contract)
    if operation is not None:
        return not operation.symmetric
    return "X-CLIENT-KEY" in request.headers and "Authorization" not in request.headers


def _operation(request: Request, contract: Contract) -> Operation | None:
    return contract.operation_at(request.path)


def material_of(
    request: Request,
    credentials: Credentials,
    contract: Contract,
    *,
    readings: Mapping[str, str] | None = None,
    test_data: TestData | None = None,
    tokens_seen: Sequence[str] = (),
    requests_seen: Sequence[Request] = (),
    references: Sequence[str] = (),
) -> Material:
    """What the search may draw on, from the values that the harness has at hand."""
    chosen = readings or {}
    return Material(
        request=request,
        client_secret=credentials.client_secret or "",
        client_id=credentials.client_id or "",
        shared_key=credentials.shared_key or "",
        public_key=credentials.public_key or "",
        private_keys=(credentials.private_key,) if credentials.private_key else (),
        customer_token=(test_data.customer_token if test_data else None) or "",
        earlier_tokens=tuple(reversed(tokens_seen[-_MOST_TOKENS:])),
        earlier_requests=tuple(requests_seen),
        origin=request.origin,
        paths=tuple(operation.path for operation in contract.operations.values()),
        body_form=contract.choice("body-canonical-form", chosen),
        encoding=contract.choice("signature-encoding", chosen),
        references=tuple(references),
    )


def diagnose_card_data(
    request: Request,
    credentials: Credentials,
    contract: Contract,
    *,
    readings: Mapping[str, str] | None = None,
    cards_seen: Sequence[str] = (),
) -> Diagnosis | None:
    """What is wrong with the cardData of a binding; None where it is right, or where there is none to look at.

    `cards_seen`: the cardData of earlier bindings, as `card_text` has it. The very same text once more is the same
    message sent again, after 409 for example, and uses no vector twice: nothing was sealed anew.
    """
    text = card_text(request, contract)
    if not text:
        return None
    vectors = [vector for seen in cards_seen if seen != text for vector in vectors_of(seen)]
    chosen = readings or {}
    found = diagnose_card(
        CardMaterial(
            text=text,
            shared_key=credentials.shared_key or "",
            client_secret=credentials.client_secret or "",
            client_id=credentials.client_id or "",
            container=Container(contract.choice("card-data-container", chosen)),
            strict=contract.choice("card-data-payload", chosen) == "sdk",
            vectors_seen=tuple(vectors),
        )
    )
    return None if found.outcome is Outcome.CORRECT else found


def card_text(request: Request, contract: Contract) -> str | None:
    """The cardData of a binding, if it is a text; None for any other request."""
    operation = _operation(request, contract)
    if operation is None or operation.name != "bind":
        return None
    try:
        members: Any = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    text = members.get("cardData") if isinstance(members, dict) else None
    return text if isinstance(text, str) else None


def vectors_of(text: str) -> tuple[bytes, ...]:
    """The initialisation vector or the salt that this cardData carries, by its plainest reading; () for none."""
    return tuple(vector for packed in packings(text)[:1] if (vector := packed.vector or packed.salt))
