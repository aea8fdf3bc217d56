"""From the hits of a search to ranked explanations: both constructions step by step, and hints where nothing hit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kki.diagnosis.algorithms import openings
from kki.diagnosis.choices import Deviation, wrong
from kki.diagnosis.encodings import Decoded
from kki.diagnosis.names import Ingredient
from kki.diagnosis.parts import Material
from kki.diagnosis.results import Candidate, Step
from kki.diagnosis.space import Hit, Picks, Space
from kki.snap import signature

MOST = 8  # candidates that an answer shows
TOKEN_ROW = "KKI-TOK-016"
_I = Ingredient


def ranked(space: Space, hits: Sequence[Hit], given: str, token_request: bool) -> tuple[Candidate, ...]:
    found: dict[tuple[str, ...], Candidate] = {}
    for hit in hits:
        steps = tuple(_compared(space, hit, given, token_request))
        deviations = tuple(_placed(deviation, token_request) for deviation in hit.deviations)
        candidate = Candidate(deviations=deviations, steps=steps)
        found.setdefault((*candidate.names, candidate.says), candidate)
    if given in space.material.earlier_signatures:
        reused = wrong("signature-reused", None).deviation
        if reused is not None:
            found["signature-reused",] = Candidate(deviations=(_placed(reused, token_request),))
    return tuple(sorted(found.values(), key=lambda candidate: candidate.rank)[:MOST])


def _placed(deviation: Deviation, token_request: bool) -> Deviation:
    return replace(deviation, requirement=TOKEN_ROW) if token_request else deviation


def _compared(space: Space, hit: Hit, given: str, token_request: bool) -> Iterator[Step]:
    ours = dict(steps_of(space, space.right, None, given, token_request))
    for name, theirs in steps_of(space, hit.picks, hit, given, token_request):
        if name in ours:
            yield Step(name=name, theirs=theirs, ours=ours[name])


def steps_of(
    space: Space, picks: Picks, hit: Hit | None, given: str, token_request: bool
) -> Iterator[tuple[str, str]]:
    """The construction step by step for people; `hit` None: the right one."""
    layout = picks[_I.LAYOUT].value if hit is None else hit.algorithm.value.layout or picks[_I.LAYOUT].value
    shown = space.shown_parts(picks)
    if token_request:
        yield "client id", shown[5]
    else:
        yield "method", shown[0]
        yield "path", shown[1]
        yield "access token", shown[2]
        yield "body", picks[_I.BODY].value.decode("utf-8", "replace")
        yield "body digest", shown[3]
    yield "timestamp", shown[4]
    yield "string to sign", layout.text(shown)
    yield "key", _key(picks, hit, token_request)
    yield "algorithm", _algorithm(hit, space.material, token_request)
    signed = given if hit is not None else _expected(space, token_request)
    if signed:
        yield "signature", signed


def _key(picks: Picks, hit: Hit | None, token_request: bool) -> str:
    """By name, never itself."""
    deviation = picks[_I.KEY].deviation
    if deviation is not None:
        return deviation.name.replace("-", " ")
    keyed = hit.algorithm.value.keyed if hit is not None else not token_request
    return "client secret" if keyed else "private key"


def _algorithm(hit: Hit | None, material: Material, token_request: bool) -> str:
    if hit is not None:
        written = ", ".join(deviation.name for deviation in hit.encoding) or material.encoding
        return f"{hit.algorithm.value.title}, {written}"
    return "RSA, pkcs1, SHA-256, base64" if token_request else f"HMAC-SHA512, {material.encoding}"


def _expected(space: Space, token_request: bool) -> str:
    if token_request:
        return ""  # only the client can make it
    code = signature.mac(space.material.client_secret, space.layout.text(space.parts(space.right)))
    return code.hex() if space.material.encoding == "hex" else signature.encoded(code)


def hints_of(material: Material, readings: Sequence[Decoded], token_request: bool) -> Iterator[str]:
    """What the form alone tells. Nothing in here claims a cause."""
    if not readings:
        yield "It is neither Base64 nor hexadecimal."
    sizes = {len(reading.octets) for reading in readings if reading.whole}
    opened = openings(material, readings)
    if opened:
        yield (
            f"It is an RSA signature under the known key ({opened[0].content.title}), but of another text than any "
            "that was tried."
        )
    elif sizes & {256, 384, 512}:
        yield "It has the length of an RSA signature, but no key that is known here made it."
    elif token_request:
        yield "A token request's signature is RSA: 256 octets under a key of 2048 bits."
    elif 64 in sizes:
        yield (
            "It has the form of an HMAC-SHA512. See first whether the code and this profile have the same client "
            "secret (sandbox and production have different ones), then which text the code signs."
        )
    elif sizes & {32, 48, 20, 16}:
        yield f"Its {min(sizes)} octets are too few for HMAC-SHA512, which makes 64."
    if not material.timestamp:
        yield "The request has no X-TIMESTAMP."
    if not token_request and not material.token:
        yield "The request has no token in Authorization."


