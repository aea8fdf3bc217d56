"""The constructions of one request: of each ingredient the right choice, the wrong ones, and what is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kki.diagnosis.algorithms import Algorithm, algorithms, token_algorithms
from kki.diagnosis.bodies import bodies, right_body
from kki.diagnosis.choices import Choice, Deviation, shortened
from kki.diagnosis.digests import DigestForm, digests
from kki.diagnosis.encodings import Decoded
from kki.diagnosis.keys import keys
from kki.diagnosis.layouts import SYMMETRIC, TOKEN, Layout, layouts, token_layouts
from kki.diagnosis.names import Ingredient
from kki.diagnosis.parts import Material, client_ids, methods, targets, tokens
from kki.diagnosis.times import times
from kki.snap.canonical import body_digest
from kki.snap.encoding import base64_text, utf8
from kki.snap.tokens import bearer_lenient

_I = Ingredient
Picks = Mapping[Ingredient, Choice[Any]]
Computed = Callable[[Choice[Any]], bytes]
# Where each ingredient stands in the layouts' format strings; a body stands there by its digest.
_PLACES = {_I.METHOD: 0, _I.TARGET: 1, _I.TOKEN: 2, _I.BODY: 3, _I.DIGEST: 3, _I.TIME: 4, _I.CLIENT: 5}


@dataclass(frozen=True, slots=True)
class Hit:
    picks: Picks
    algorithm: Choice[Algorithm]
    encoding: tuple[Deviation, ...]

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        chosen = (*(self.picks[part] for part in Ingredient if part in self.picks), self.algorithm)
        return (*(deviation for choice in chosen for deviation in choice.deviations), *self.encoding)


@dataclass(slots=True)
class Space:
    """The right choice of each ingredient of one request, and the wrong ones, made when they are first asked for."""

    material: Material
    right: dict[Ingredient, Choice[Any]]
    makers: Mapping[Ingredient, Callable[[], Sequence[Choice[Any]]]]
    algorithms: tuple[Choice[Algorithm], ...]
    constants: tuple[str, ...]  # external id, customer token, body, secret, older digest: see layouts
    shown_constants: tuple[str, ...]
    wrongs: dict[Ingredient, Sequence[Choice[Any]]] = field(default_factory=dict)
    digests: dict[tuple[int, int], str] = field(default_factory=dict)
    tried: int = 0

    @property
    def layout(self) -> Layout:
        layout: Layout = self.right[_I.LAYOUT].value
        return layout

    def wrong(self, part: Ingredient) -> Sequence[Choice[Any]]:
        """All but the right one, which stands first where they are made."""
        found = self.wrongs.get(part)
        if found is None:
            found = self.wrongs[part] = self.makers[part]()[1:]
        return found

    def digest(self, body: Choice[bytes], form: Choice[DigestForm]) -> str:
        key = (id(body), id(form))
        found = self.digests.get(key)
        if found is None:
            found = self.digests[key] = form.value(body.value)
        return found

    def parts(self, picks: Picks) -> tuple[str, ...]:
        return (
            picks[_I.METHOD].value, picks[_I.TARGET].value, picks[_I.TOKEN].value,
            self.digest(picks[_I.BODY], picks[_I.DIGEST]), picks[_I.TIME].value, picks[_I.CLIENT].value,
            *self.constants,
        )  # fmt: skip

    def shown_parts(self, picks: Picks) -> tuple[str, ...]:
        """The same for people: tokens cut short, the secret and the body by name."""

        def shown(part: Ingredient) -> str:
            choice = picks[part]
            return choice.value if choice.shown is None else choice.shown

        digest = picks[_I.DIGEST].shown
        digest = self.digest(picks[_I.BODY], picks[_I.DIGEST]) if digest is None else digest
        plain = (shown(_I.METHOD), shown(_I.TARGET), shown(_I.TOKEN), digest, shown(_I.TIME), shown(_I.CLIENT))
        return (*plain, *self.shown_constants)

    def compared(
        self, picks: Picks, algorithm: Choice[Algorithm], part: Ingredient, choices: Iterable[Choice[Any]]
    ) -> Iterator[Hit]:
        """The hits among these choices of one ingredient, all others as in `picks`."""
        how, computed = algorithm.value, self._computed(picks, algorithm.value, part)
        for choice in choices:
            self.tried += 1
            encoding = how.hit(computed(choice))
            if encoding is not None:
                yield Hit({**picks, part: choice}, algorithm, encoding)

    def _computed(self, picks: Picks, how: Algorithm, part: Ingredient) -> Computed:
        """From a choice of this ingredient to the octets; what all of them share is put together once."""
        layout: Layout = how.layout or picks[_I.LAYOUT].value
        parts, key = self.parts(picks), picks[_I.KEY].value
        if part is _I.KEY:
            text = utf8(layout.text(parts))
            return lambda choice: how.apply(choice.value, text)
        if part is _I.LAYOUT:
            return lambda choice: how.apply(key, utf8(choice.value.text(parts)))
        head, tail = layout.around(_PLACES[part], parts)
        ended, tail_octets, text_of = how.begun(key, utf8(head)), utf8(tail), self._text_of(picks, part)
        return lambda choice: ended(utf8(text_of(choice)) + tail_octets)

    def _text_of(self, picks: Picks, part: Ingredient) -> Callable[[Choice[Any]], str]:
        """What a choice of this ingredient puts into its place of the string to sign."""
        body, form = picks[_I.BODY], picks[_I.DIGEST]
        if part is _I.BODY:
            return lambda choice: self.digest(choice, form)
        if part is _I.DIGEST:
            return lambda choice: self.digest(body, choice)
        return _value


def _value(choice: Choice[Any]) -> str:
    text: str = choice.value
    return text


def space_of(material: Material, given: str, readings: Sequence[Decoded], token_request: bool) -> Space:
    request = material.request
    body = right_body(request.body, material.body_form)
    customer = bearer_lenient(material.header("Authorization-customer") or material.customer_token)
    older = base64_text(hashlib.sha256(body).digest())
    text = body.decode("utf-8", "replace")
    space = Space(
        material=material,
        right=_right(material, body, token_request),
        makers={},
        algorithms=token_algorithms(material, readings) if token_request else algorithms(material, given, readings),
        constants=(material.header("X-EXTERNAL-ID"), customer, text, material.client_secret, older),
        shown_constants=(
            material.header("X-EXTERNAL-ID"), shortened(customer), "‹the body›", "‹client secret›", older,
        ),
    )  # fmt: skip
    space.makers = _makers(space, body, token_request)
    return space


def _right(material: Material, body: bytes, token_request: bool) -> dict[Ingredient, Choice[Any]]:
    first = material.client_ids[0] if material.client_ids else ""
    return {
        _I.METHOD: Choice(material.request.method),
        _I.TARGET: Choice(material.request.target),
        _I.TOKEN: Choice(material.token, shown=shortened(material.token)),
        _I.CLIENT: Choice(material.signed_client_id if token_request else first),
        _I.BODY: Choice(body),
        _I.DIGEST: Choice(body_digest),
        _I.TIME: Choice(material.timestamp),
        _I.KEY: Choice(utf8(material.client_secret)),
        _I.LAYOUT: Choice(TOKEN if token_request else SYMMETRIC),
    }


def _makers(
    space: Space, body: bytes, token_request: bool
) -> Mapping[Ingredient, Callable[[], Sequence[Choice[Any]]]]:
    material = space.material
    return {
        _I.METHOD: lambda: methods(material.request),
        _I.TARGET: lambda: targets(material),
        _I.TOKEN: lambda: tokens(material),
        _I.CLIENT: lambda: client_ids(material) if token_request else (space.right[_I.CLIENT],),
        _I.BODY: lambda: bodies(material.request.body, body, material.body_form),
        _I.DIGEST: lambda: digests(body, material.client_secret),
        _I.TIME: lambda: times(material.timestamp),
        _I.KEY: lambda: keys(material),
        _I.LAYOUT: lambda: (token_layouts if token_request else layouts)(space.parts(space.right)),
    }
