"""The search: each named wrong construction, then pairs of them, compared with the signature that was sent.

A hit is a proof, not a guess: the construction makes these very octets (at least 96 bits of them). So nothing is named
that was not computed, and where nothing fits, that is the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import Any

from kki.diagnosis.algorithms import Algorithm
from kki.diagnosis.answers import hints_of, ranked, steps_of
from kki.diagnosis.bodies import right_body
from kki.diagnosis.choices import Choice
from kki.diagnosis.encodings import decoded
from kki.diagnosis.layouts import SYMMETRIC, double_layouts
from kki.diagnosis.names import Ingredient
from kki.diagnosis.parts import Material
from kki.diagnosis.results import Diagnosis, Outcome
from kki.diagnosis.space import Hit, Space, space_of
from kki.diagnosis.times import each_microsecond
from kki.redaction import PSEUDONYM
from kki.snap import asymmetric, signature
from kki.snap.canonical import body_digest, string_to_sign

_I = Ingredient


def diagnose(
    material: Material, *, token_request: bool = False, pairs: bool = True, microseconds: bool = False
) -> Diagnosis:
    """Which construction made X-SIGNATURE. `pairs` False: only single mistakes, and an unnamed answer sooner.

    `microseconds`: where nothing explains it, each microsecond of the second in X-TIMESTAMP; takes some seconds.
    """
    subject = "token signature" if token_request else "signature"
    missing = _missing(material, token_request)
    if missing:
        return Diagnosis(subject=subject, outcome=Outcome.UNDECIDED, missing=missing)
    given = material.header("X-SIGNATURE")
    readings = decoded(given, "base64" if token_request else material.encoding)
    space = space_of(material, given, readings, token_request)
    hits = found(space, pairs) or (list(islice(_each_microsecond(space), 1)) if microseconds else [])
    steps = tuple(steps_of(space, space.right, None, given, token_request))
    if any(not hit.deviations for hit in hits):
        return Diagnosis(subject=subject, outcome=Outcome.CORRECT, tried=space.tried, steps=steps)
    candidates = ranked(space, hits, given, token_request)
    if candidates:
        return Diagnosis(
            subject=subject, outcome=Outcome.NAMED, candidates=candidates, tried=space.tried, steps=steps
        )
    if not token_request and not material.header("Authorization"):
        # Browsers leave that line out of what they record: what cannot be explained may have been right with it.
        missing = "the access token: the request has no Authorization"
        return Diagnosis(subject=subject, outcome=Outcome.UNDECIDED, missing=missing)
    hints = tuple(hints_of(material, readings, token_request))
    return Diagnosis(subject=subject, outcome=Outcome.UNNAMED, tried=space.tried, steps=steps, hints=hints)


def _missing(material: Material, token_request: bool) -> str:
    """What nobody could tell without; "" where there is enough."""
    given = material.header("X-SIGNATURE")
    if not given:
        return "X-SIGNATURE, which the request lacks"
    body = material.request.body.decode("utf-8", "replace")
    values = (given, material.timestamp, material.token if not token_request else "", body if not token_request else "")
    if any(PSEUDONYM.search(value) for value in values) or _cut_by_redaction(given):
        return "the values that were hidden when the recording was made"
    if token_request and not (material.public_key or any(material.private_keys)):
        return "the client's public key"
    if not token_request and not material.client_secret:
        return "the client secret"
    return ""


def _cut_by_redaction(given: str) -> bool:
    """Our own records keep the first eight characters of a signature and an ellipsis."""
    return given.endswith("…") and len(given) <= 9


def found(space: Space, pairs: bool) -> list[Hit]:
    """Where the right text explains it, under whatever algorithm, no other text can make the same octets."""
    hits = list(_as_it_is(space)) or list(_singles(space))
    return hits if hits or not pairs else list(_pairs(space))


def _as_it_is(space: Space) -> Iterator[Hit]:
    for algorithm in space.algorithms:
        yield from space.compared(space.right, algorithm, _I.KEY, (space.right[_I.KEY],))


def _singles(space: Space) -> Iterator[Hit]:
    """One ingredient wrong, under the right algorithm."""
    for algorithm in space.algorithms:
        if algorithm.deviation is None:
            for part in _varying(space, algorithm):
                yield from space.compared(space.right, algorithm, part, space.wrong(part))


def _pairs(space: Space) -> Iterator[Hit]:
    few = len(space.algorithms) <= 4
    for algorithm in space.algorithms:
        parts = _varying(space, algorithm)
        if algorithm.deviation is not None:
            for part in parts:
                choices = space.wrong(part) if few else _paired(space, part)
                yield from space.compared(space.right, algorithm, part, choices)
            continue
        for two in combinations(parts, 2):
            yield from _both(space, algorithm, *two)
        yield from _beside_fractions(space, algorithm, parts)
        if space.layout is SYMMETRIC:
            yield from space.compared(space.right, algorithm, _I.LAYOUT, double_layouts())


def _both(space: Space, algorithm: Choice[Algorithm], one: Ingredient, other: Ingredient) -> Iterator[Hit]:
    others = _paired(space, other)
    for choice in _paired(space, one):
        yield from space.compared({**space.right, one: choice}, algorithm, other, others)


def _beside_fractions(space: Space, algorithm: Choice[Algorithm], parts: Sequence[Ingredient]) -> Iterator[Hit]:
    """The commonest mistakes with a time that is off by a fraction of a second, of which there are thousands."""
    times = [choice for choice in space.wrong(_I.TIME) if not choice.paired]
    for part in parts:
        if part not in (_I.TIME, _I.LAYOUT):
            for choice in _paired(space, part):
                if choice.deviation is not None and choice.deviation.rank == 1:
                    yield from space.compared({**space.right, part: choice}, algorithm, _I.TIME, times)


def _paired(space: Space, part: Ingredient) -> list[Choice[Any]]:
    return [choice for choice in space.wrong(part) if choice.paired]


def _each_microsecond(space: Space) -> Iterator[Hit]:
    for algorithm in space.algorithms:
        if algorithm.deviation is None:
            yield from space.compared(space.right, algorithm, _I.TIME, each_microsecond(space.material.timestamp))


def _varying(space: Space, algorithm: Choice[Algorithm]) -> list[Ingredient]:
    """The ingredients that make a difference under this algorithm."""
    template = (algorithm.value.layout or space.layout).template
    without = {
        _I.KEY: algorithm.value.keyed,
        _I.LAYOUT: algorithm.value.layout is None,
        _I.METHOD: "{0}" in template,
        _I.TARGET: "{1}" in template,
        _I.TOKEN: "{2}" in template,
        _I.BODY: "{3}" in template,
        _I.DIGEST: "{3}" in template,
        _I.CLIENT: "{5}" in template,
    }
    return [part for part in space.makers if without.get(part, True)]


def is_right(material: Material) -> bool:
    """Whether the symmetric signature is right: one HMAC, for callers that only look further where it is not."""
    request = material.request
    body = right_body(request.body, material.body_form)
    text = string_to_sign(request.method, request.target, material.token, body_digest(body), material.timestamp)
    code = signature.mac(material.client_secret, text)
    expected = code.hex() if material.encoding == "hex" else signature.encoded(code)
    return signature.same(expected, material.header("X-SIGNATURE"))


def token_is_right(material: Material) -> bool:
    """Whether a token request's signature is right: one RSA verification."""
    halves = [half for pem in material.private_keys if isinstance(half := asymmetric.public_key_of(pem), str)]
    public = material.public_key or (halves[0] if halves else "")
    verified = asymmetric.verify_token_request(
        client_id=material.signed_client_id, timestamp=material.timestamp, signature=material.header("X-SIGNATURE"),
        public_key_pem=public,
    )  # fmt: skip
    return verified is True
