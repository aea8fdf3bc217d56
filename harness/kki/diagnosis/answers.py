"""From the hits of a search to ranked explanations: both constructions step by step, and hints where nothing hit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kki.diagnosis.algorithms import openings
from kki.diagnosis.choices import Deviation, named
from kki.diagnosis.encodings import Decoded
from kki.diagnosis.names import Ingredient
from kki.diagnosis.parts import Material
from kki.diagnosis.results import Candidate, Step
from kki.diagnosis.space import Hit, Picks, Space
from kki.model.http import Request
from kki.snap import signature
from kki.snap.canonical import body_digest, minified
from kki.snap.tokens import bearer_lenient

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
    best = sorted(found.values(), key=lambda candidate: candidate.rank)[:MOST]
    return (*best, *_reused(space, given, token_request))


def _reused(space: Space, given: str, token_request: bool) -> Iterator[Candidate]:
    """An earlier request with this signature, if it signed something else; behind all that was computed.

    The same content gives the same signature, however wrong it is made: X-EXTERNAL-ID is not signed, and HMAC and
    PKCS#1 v1.5 have no chance in them. So a request that is tried again within its second reuses nothing.
    """
    alike = [one for one in space.material.earlier_requests if one.headers.get("X-SIGNATURE") == given]
    now = _signed(space.material.request, token_request) if alike else {}
    for earlier in alike:
        before = _signed(earlier, token_request)
        others = [name for name, value in now.items() if before[name] != value]
        if others:
            yield Candidate(deviations=(_placed(named("signature-reused", ", ".join(others)), token_request),))
            return


def _signed(request: Request, token_request: bool) -> dict[str, str]:
    """By name, what the signature of such a request is about."""
    stamp = request.headers.get("X-TIMESTAMP") or ""
    if token_request:
        return {"client id": request.headers.get("X-CLIENT-KEY") or "", "timestamp": stamp}
    thin = minified(request.body)
    return {
        "method": request.method, "path": request.target,
        "access token": bearer_lenient(request.headers.get("Authorization") or ""),
        "body": body_digest(thin if isinstance(thin, bytes) else request.body), "timestamp": stamp,
    }  # fmt: skip


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
