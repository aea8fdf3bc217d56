"""Card data that does not open, or opens to something else: which step of sealing it went wrong.

As with signatures nothing is guessed. A wrong construction is named only where the text opens under it to a payload
that makes sense, or, for a vector that was not sent, to everything but its first block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kki.diagnosis.card_names import fix_for
from kki.diagnosis.choices import Deviation, named
from kki.diagnosis.ciphers import Key, blocks_of, cbc, plain_keys, salted_keys, streams
from kki.diagnosis.containers import FAMILY_OF, Family, Packed, in_clear, is_jwe, packings
from kki.diagnosis.payloads import MEMBERS, late_forms, pkcs7, sensible
from kki.diagnosis.results import Candidate, Diagnosis, Outcome, Step
from kki.redaction import PSEUDONYM
from kki.snap.carddata import BLOCK, Container
from kki.snap.encoding import utf8

SUBJECT = "card data"
_MOST = 4  # candidates that an answer shows
_LONGEST = 4096  # octets of ciphertext: a card has some hundred
_FIXED = (  # vectors that stand in examples
    (b"0" * BLOCK, "sixteen times “0”"), (b"1234567890123456", "1234567890123456"),
    (b"0123456789abcdef", "0123456789abcdef"), (b"0123456789ABCDEF", "0123456789ABCDEF"),
    (bytes(range(BLOCK)), "the octets 0 to 15"), (b" " * BLOCK, "sixteen blanks"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CardMaterial:
    """What the search may draw on. `vectors_seen`: vectors and salts of earlier card data.

    `strict`: the payload has to be the SDKs' (reading card-data-payload = sdk).
    """

    text: str = field(repr=False)
    shared_key: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    client_id: str = ""
    container: Container = Container.CIPHERTEXT_IV
    strict: bool = True
    vectors_seen: Sequence[bytes] = ()

    @property
    def others(self) -> Mapping[str, str]:
        return {"card-client-secret": self.client_secret, "card-client-id": self.client_id}


@dataclass(frozen=True, slots=True)
class _Opened:
    """One way in. `names`: the payload's members."""

    packed: Packed
    deviations: tuple[Deviation, ...]
    names: tuple[str, ...] = ()


def diagnose_card(material: CardMaterial) -> Diagnosis:
    """Which mistake this cardData was sealed with."""
    if PSEUDONYM.search(material.text):
        return _undecided("the value of cardData, which was hidden when the recording was made")
    plain = in_clear(material.text)
    if plain:
        return _named(named("card-not-encrypted", plain), material)
    if is_jwe(material.text):
        return _named(named("card-jwe"), material)
    if not material.shared_key:
        return _undecided("the shared key")
    search = _Search(material)
    found = sorted(search.opened(), key=lambda way: (len(way.deviations), sum(one.rank for one in way.deviations)))
    if not found:
        return Diagnosis(subject=SUBJECT, outcome=Outcome.UNNAMED, tried=search.tried, hints=tuple(_hints(material)))
    if not found[0].deviations:
        return Diagnosis(subject=SUBJECT, outcome=Outcome.CORRECT, tried=search.tried)
    unique = {tuple(one.did for one in way.deviations): way for way in reversed(found)}
    best = [way for way in reversed(unique.values()) if len(way.deviations) == len(found[0].deviations)]
    candidates = tuple(_candidate(way, material) for way in best[:_MOST])
    return Diagnosis(subject=SUBJECT, outcome=Outcome.NAMED, candidates=candidates, tried=search.tried)


def _undecided(missing: str) -> Diagnosis:
    return Diagnosis(subject=SUBJECT, outcome=Outcome.UNDECIDED, missing=missing)


def _named(deviation: Deviation, material: CardMaterial) -> Diagnosis:
    found = Candidate(deviations=_with_fixes((deviation,), material))
    return Diagnosis(subject=SUBJECT, outcome=Outcome.NAMED, candidates=(found,), tried=1)


def _with_fixes(deviations: tuple[Deviation, ...], material: CardMaterial) -> tuple[Deviation, ...]:
    return tuple(replace(each, fix=fix_for(each.fix, material.container)) for each in deviations)


class _Search:
    """Every packing under every key and mode; `tried` counts them."""

    def __init__(self, material: CardMaterial) -> None:
        self.material = material
        self.tried = 0
        self._plain = plain_keys(material.shared_key, material.others, material.container)

    def opened(self) -> list[_Opened]:
        ways = list(self._ways())
        return ways or list(self._with_unknown_vector())

    def _ways(self) -> Iterator[_Opened]:
        for packed in packings(self.material.text):
            if len(packed.ciphertext) > _LONGEST:
                continue
            for key in self._keys(packed):
                yield from self._under(packed, key)

    def _keys(self, packed: Packed) -> tuple[Key, ...]:
        if packed.family is not Family.SALTED:
            return self._plain
        return tuple(salted_keys(self.material.shared_key, self.material.others, packed.salt))

    def _under(self, packed: Packed, key: Key) -> Iterator[_Opened]:
        if len(packed.ciphertext) % BLOCK == 0:
            yield from self._in_blocks(packed, key)
        vector = packed.vector or key.vector
        if vector is not None:
            for mode, plain in streams(packed.ciphertext, key.octets, vector):
                self.tried += 1
                payload = sensible(plain, strict=self.material.strict, blocks=False)
                if payload is not None:
                    yield self._way(packed, key, (named("card-mode", mode), *payload.deviations), payload.names)

    def _in_blocks(self, packed: Packed, key: Key) -> Iterator[_Opened]:
        blocks = blocks_of(packed.ciphertext, key.octets)
        for deviations, plain in self._plaintexts(packed, key, blocks):
            self.tried += 1
            payload = sensible(plain, strict=self.material.strict)
            if payload is not None:
                yield self._way(packed, key, (*deviations, *payload.deviations), payload.names)
                continue
            late = late_forms(plain) if pkcs7(plain) else ""
            if late:
                yield self._way(packed, key, (*deviations, named(late)), ())

    def _plaintexts(self, packed: Packed, key: Key, blocks: bytes) -> Iterator[tuple[tuple[Deviation, ...], bytes]]:
        sealed, sent = packed.ciphertext, packed.vector if packed.vector is not None else key.vector
        rest = cbc(blocks, sealed, bytes(BLOCK))[BLOCK:]  # in which the vector has no part
        if sent is not None and len(sent) == BLOCK:
            yield (), cbc(blocks[:BLOCK], b"", sent) + rest
        yield (named("card-mode", "ECB"),), blocks
        yield (named("card-iv-zero"),), blocks[:BLOCK] + rest
        shared = utf8(self.material.shared_key)
        for vector, said in (
            (key.octets[:BLOCK], "the key"), (shared[:BLOCK].ljust(BLOCK, b"\0"), "the shared key's text"), *_FIXED
        ):  # fmt: skip
            if vector != sent:
                yield (named("card-iv-fixed", said),), cbc(blocks[:BLOCK], b"", vector) + rest

    def _way(self, packed: Packed, key: Key, more: tuple[Deviation, ...], names: tuple[str, ...]) -> _Opened:
        deviations = (*self._packing(packed, more), *key.deviations, *more, *self._vector(packed, key))
        return _Opened(packed, tuple(dict.fromkeys(deviations)), names)

    def _packing(self, packed: Packed, more: tuple[Deviation, ...]) -> tuple[Deviation, ...]:
        wanted = FAMILY_OF[self.material.container]
        if packed.family is wanted:
            return packed.deviations
        if packed.family is Family.ALONE:
            ecb = any(one.name == "card-mode" for one in more)
            return packed.deviations if ecb else (*packed.deviations, named("card-iv-missing"))
        said = f"{packed.family.value} instead of {self.material.container.value}"
        return (*packed.deviations, named("card-container-other", said))

    def _vector(self, packed: Packed, key: Key) -> tuple[Deviation, ...]:
        """What is wrong with the vector that was sent, even where the text opens under it."""
        vector = packed.vector
        if (vector or packed.salt) in self.material.vectors_seen:
            return (named("card-iv-reused"),)
        if vector is None or len(vector) != BLOCK:
            return ()
        if len(set(vector)) == 1:
            return (named("card-iv-constant"),)
        if vector == key.octets[:BLOCK]:
            return (named("card-iv-is-key"),)
        return (named("card-iv-text"),) if vector.isascii() and vector.decode("ascii").isprintable() else ()

    def _with_unknown_vector(self) -> Iterator[_Opened]:
        """Everything but the first block opens: the key and the mode are right, the vector is one that nobody sent."""
        for packed in packings(self.material.text):
            if len(packed.ciphertext) % BLOCK or not 2 * BLOCK < len(packed.ciphertext) <= _LONGEST:
                continue
            for key in self._keys(packed):
                self.tried += 1
                tail = cbc(blocks_of(packed.ciphertext, key.octets), packed.ciphertext, bytes(BLOCK))[BLOCK:]
                if _is_tail(tail):
                    missing = packed.family is Family.ALONE
                    yield self._way(packed, key, () if missing else (named("card-iv-other"),), ())


def _is_tail(padded: bytes) -> bool:
    """The rest of a JSON object: at least sixteen readable characters, the last of them a closing bracket."""
    plain = pkcs7(padded) or b""
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(text) >= BLOCK and text.rstrip().endswith("}") and '"' in text and text.rstrip().isprintable()


def _candidate(way: _Opened, material: CardMaterial) -> Candidate:
    return Candidate(deviations=_with_fixes(way.deviations, material), steps=tuple(_steps(way, material)))


_STEP_OF = {
    "container": "container", "card key": "key", "cipher mode": "mode", "initialisation vector": "vector",
    "padding": "padding", "payload": "payload",
}  # fmt: skip


def _steps(way: _Opened, material: CardMaterial) -> Iterator[Step]:
    """Each step by name: what was done beside what was expected. No key, vector or value of the payload."""
    long = material.container is Container.CIPHERTEXT_IV_256
    right = {
        "container": material.container.value,
        "key": "SHA-256 of the shared key" if long else "first 16 octets of the shared key",
        "mode": "CBC", "vector": "fresh, 16 octets, sent along", "padding": "PKCS#7",
        "payload": ", ".join(MEMBERS) if material.strict else "a JSON object",
    }  # fmt: skip
    if material.container is Container.SALTED:
        right |= {"key": "EVP_BytesToKey with MD5, AES-256", "vector": "derived, from a fresh salt"}
    for name, ours in right.items():
        theirs = [_short(one) for one in way.deviations if _STEP_OF.get(one.ingredient.value) == name]
        if name == "payload" and way.names and material.strict:
            yield Step(name=name, theirs=", ".join(way.names), ours=ours)
            continue
        yield Step(name=name, theirs=", ".join(theirs) or ours, ours=ours)


def _short(deviation: Deviation) -> str:
    return deviation.detail or deviation.name.removeprefix("card-").replace("-", " ")


def _hints(material: CardMaterial) -> Iterator[str]:
    found = packings(material.text)
    if not found:
        yield "It is no Base64, no hexadecimal and no known container."
        return
    looks = found[0].family.value
    yield f"It looks like {looks}. See first whether the code and this profile have the same shared key."
    if all(len(packed.ciphertext) % BLOCK for packed in found):
        yield "Its ciphertext is not made of whole blocks, so that it was cut, or encrypted in no block mode."
