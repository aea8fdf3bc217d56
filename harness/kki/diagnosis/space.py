"""The constructions of one request: of each ingredient the right choice, the wrong ones, and what is shown."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kki.diagnosis.algorithms import Algorithm, algorithms, token_algorithms
from kki.diagnosis.bodies import bodies, digests
from kki.diagnosis.choices import Choice, Deviation, shortened
from kki.diagnosis.encodings import Decoded
from kki.diagnosis.keys import keys
from kki.diagnosis.layouts import SYMMETRIC, TOKEN, Layout, layouts, token_layouts
from kki.diagnosis.names import Ingredient
from kki.diagnosis.parts import Material, client_ids, methods, targets, tokens
from kki.diagnosis.times import times
from kki.snap.encoding import utf8
from kki.snap.tokens import bearer_lenient

_I = Ingredient
Picks = Mapping[Ingredient, Choice[Any]]


@dataclass(frozen=True, slots=True)
class Hit:
    picks: Picks
    algorithm: Choice[Algorithm]
    encoding: tuple[Deviation, ...]

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        named = (*(self.picks[part].deviation for part in Ingredient if part in self.picks), self.algorithm.deviation)
        return (*(deviation for deviation in named if deviation is not None), *self.encoding)


@dataclass(slots=True)
class Space:
    """All choices for one request, the right one of each ingredient first; and what was computed once."""

    material: Material
    choices: dict[Ingredient, tuple[Choice[Any], ...]]
    algorithms: tuple[Choice[Algorithm], ...]
    layout: Layout
    constants: tuple[str, ...]  # external id, customer token, body, secret, older digest: see layouts
    shown_constants: tuple[str, ...]
    right: dict[Ingredient, Choice[Any]] = field(default_factory=dict)
    digests: dict[tuple[int, int], str] = field(default_factory=dict)
    tried: int = 0

    def digest(self, picks: Picks) -> str:
        body, form = picks[_I.BODY], picks[_I.DIGEST]
        key = (id(body), id(form))
        found = self.digests.get(key)
        if found is None:
            found = self.digests[key] = form.value(body.value)
        return found

    def text(self, picks: Picks, layout: Layout | None) -> bytes:
        chosen = layout or picks[_I.LAYOUT].value
        return utf8(chosen.text(self.parts(picks)))

    def parts(self, picks: Picks) -> tuple[str, ...]:
        return (
            picks[_I.METHOD].value, picks[_I.TARGET].value, picks[_I.TOKEN].value, self.digest(picks),
            picks[_I.TIME].value, picks[_I.CLIENT].value, *self.constants,
        )  # fmt: skip

    def shown_parts(self, picks: Picks) -> tuple[str, ...]:
        """The same for people: tokens cut short, the secret and the body by name."""

        def shown(part: Ingredient) -> str:
            choice = picks[part]
            return choice.value if choice.shown is None else choice.shown

        digest = self.digest(picks) if picks[_I.DIGEST].shown is None else picks[_I.DIGEST].shown or ""
        plain = (shown(_I.METHOD), shown(_I.TARGET), shown(_I.TOKEN), digest, shown(_I.TIME), shown(_I.CLIENT))
        return (*plain, *self.shown_constants)

    def compare(self, picks: Picks, algorithm: Choice[Algorithm]) -> Hit | None:
        self.tried += 1
        how = algorithm.value
        output = how.apply(picks[_I.KEY].value, self.text(picks, how.layout))
        encoding = how.hit(output)
        return None if encoding is None else Hit(picks, algorithm, encoding)


def space_of(material: Material, given: str, readings: Sequence[Decoded], token_request: bool) -> Space:
    body_choices = bodies(material.request.body, material.body_form)
    right = body_choices[0].value
    token = material.header("Authorization-customer") or material.customer_token
    customer = bearer_lenient(token)
    constants = (
        material.header("X-EXTERNAL-ID"), customer, right.decode("utf-8", "replace"), material.client_secret,
        base64.b64encode(hashlib.sha256(right).digest()).decode("ascii"),
    )  # fmt: skip
    choices: dict[Ingredient, tuple[Choice[Any], ...]] = {
        _I.METHOD: methods(material.request),
        _I.TARGET: targets(material),
        _I.TOKEN: tokens(material),
        _I.CLIENT: client_ids(material) if token_request else (Choice(_client_of(material)),),
        _I.BODY: body_choices,
        _I.DIGEST: digests(right, material.client_secret),
        _I.TIME: times(material.timestamp),
        _I.KEY: keys(material),
    }
    space = Space(
        material=material,
        choices=choices,
        algorithms=token_algorithms(material, readings) if token_request else algorithms(material, given, readings),
        layout=TOKEN if token_request else SYMMETRIC,
        constants=constants,
        shown_constants=(constants[0], shortened(customer), "‹the body›", "‹client secret›", constants[4]),
    )
    space.right.update((part, found[0]) for part, found in choices.items())
    parts = space.parts(space.right)
    choices[_I.LAYOUT] = token_layouts(parts) if token_request else layouts(parts)
    space.right[_I.LAYOUT] = choices[_I.LAYOUT][0]
    return space


def _client_of(material: Material) -> str:
    return material.client_ids[0] if material.client_ids else ""


