"""The wrong algorithms: only those that can have made octets of this length, with what their output has to be."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kki.diagnosis import rsa
from kki.diagnosis.choices import Choice, Deviation, wrong
from kki.diagnosis.encodings import SHORTEST, Decoded, case_lost
from kki.diagnosis.layouts import TOKEN, WITH_EMPTY_TOKEN, WITHOUT_TOKEN, Layout
from kki.diagnosis.parts import Material
from kki.snap import asymmetric
from kki.snap.encoding import base64_text

Apply = Callable[[bytes, bytes], bytes]  # key, text → octets
Ended = Callable[[bytes], bytes]  # the end of a text → octets
_HASHES = {
    "sha256": "SHA256", "sha1": "SHA1", "sha384": "SHA384", "md5": "MD5", "sha224": "SHA224", "sha3_512": "SHA3-512",
    "sha3_256": "SHA3-256",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Algorithm:
    """`apply` gives what `targets` (by their first octets) are compared with. `layout`: overrides the common one.

    `mac`: the hash of an HMAC, for `begun`; "" for all else.
    """

    title: str
    apply: Apply
    targets: dict[bytes, tuple[Decoded, ...]]
    layout: Layout | None = None
    keyed: bool = True
    mac: str = ""

    def begun(self, key: bytes, head: bytes) -> Ended:
        """`apply` for many texts that begin alike."""
        return _begun_mac(self.mac, key, head) if self.mac else lambda end: self.apply(key, head + end)

    def hit(self, output: bytes) -> tuple[Deviation, ...] | None:
        """How the output is written in the signature, if it is this very one; None if not."""
        for target in self.targets.get(output[:SHORTEST], ()):
            if output == target.octets or (not target.whole and output.startswith(target.octets)):
                return target.deviations
        return None


def _targets(readings: Iterable[Decoded]) -> dict[bytes, tuple[Decoded, ...]]:
    found: dict[bytes, tuple[Decoded, ...]] = {}
    for reading in readings:
        head = reading.octets[:SHORTEST]
        found[head] = (*found.get(head, ()), reading)
    return found


def _sized(size: int, readings: Sequence[Decoded]) -> dict[bytes, tuple[Decoded, ...]]:
    """Those that an output of this size can be."""
    return _targets(
        reading for reading in readings
        if (len(reading.octets) == size if reading.whole else SHORTEST <= len(reading.octets) < size)
    )  # fmt: skip


def _mac(name: str) -> Apply:
    return lambda key, text: hmac.digest(key, text, name)


def _begun_mac(name: str, key: bytes, head: bytes) -> Ended:
    """HMAC (RFC 2104) with its two hashes copied where they have the key, and the beginning of the text, behind them.

    A third of hmac.digest's time, which sets out anew for each text; thousands of texts differ by their ends alone.
    """
    size = hashlib.new(name, usedforsecurity=False).block_size
    padded = (hashlib.new(name, key, usedforsecurity=False).digest() if len(key) > size else key).ljust(size, b"\0")
    inner = hashlib.new(name, bytes(octet ^ 0x36 for octet in padded) + head, usedforsecurity=False)
    outer = hashlib.new(name, bytes(octet ^ 0x5C for octet in padded), usedforsecurity=False)

    def ended(end: bytes) -> bytes:
        first, last = inner.copy(), outer.copy()
        first.update(end)
        last.update(first.digest())
        return last.digest()

    return ended


def _hash(name: str, *, key_first: bool | None = None, between: bytes = b"") -> Apply:
    def apply(key: bytes, text: bytes) -> bytes:
        whole = text if key_first is None else key + between + text if key_first else text + between + key
        return hashlib.new(name, whole, usedforsecurity=False).digest()

    return apply


def _size(name: str) -> int:
    return hashlib.new(name, usedforsecurity=False).digest_size


def algorithms(material: Material, given: str, readings: Sequence[Decoded]) -> tuple[Choice[Algorithm], ...]:
    """For the symmetric signature. Those whose output has another length than was sent are left out."""
    found = [Choice(Algorithm("HMAC-SHA512", _mac("sha512"), _sized(64, readings), mac="sha512"))]
    found += [*_case_lost(given), *_other_macs(readings), *_plain(readings), *_swapped(readings)]
    found += [*_hashed_first(readings), *_rsa_for_hmac(material, readings)]
    return tuple(choice for choice in found if choice.value.targets)


def _case_lost(given: str) -> Iterator[Choice[Algorithm]]:
    """HMAC-SHA512 whose Base64 was put in one case: no octets are left of it, so the texts are compared."""
    lost = case_lost(given)
    if lost is None:
        return
    text, deviation = lost

    def apply(key: bytes, message: bytes) -> bytes:
        return base64_text(hmac.digest(key, message, "sha512")).lower().encode("ascii")

    yield Choice(Algorithm("HMAC-SHA512", apply, _targets([Decoded(text.encode("ascii"), (deviation,))])))


def _other_macs(readings: Sequence[Decoded]) -> Iterator[Choice[Algorithm]]:
    for name, title in _HASHES.items():
        algorithm = Algorithm(f"HMAC-{title}", _mac(name), _sized(_size(name), readings), mac=name)
        yield wrong("hmac-other-hash", algorithm, f"HMAC-{title}")


def _plain(readings: Sequence[Decoded]) -> Iterator[Choice[Algorithm]]:
    for name, title in {"sha512": "SHA512", **_HASHES}.items():
        fitting = _sized(_size(name), readings)
        for apply, said in (
            (_hash(name), f"{title} of the string"),
            (_hash(name, key_first=True), f"{title} of the secret and the string"),
            (_hash(name, key_first=False), f"{title} of the string and the secret"),
            (_hash(name, key_first=True, between=b":"), f"{title} of the secret, “:” and the string"),
            (_hash(name, key_first=False, between=b":"), f"{title} of the string, “:” and the secret"),
        ):
            keyed = said != f"{title} of the string"
            yield wrong("plain-hash", Algorithm(f"plain {title}", apply, fitting, keyed=keyed), said)


def _swapped(readings: Sequence[Decoded]) -> Iterator[Choice[Algorithm]]:
    for name, title in (("sha512", "SHA512"), ("sha256", "SHA256")):
        apply = _exchanged(name)
        said = f"HMAC-{title}, key and text swapped"
        yield wrong("key-and-text-swapped", Algorithm(said, apply, _sized(_size(name), readings)))


def _exchanged(name: str) -> Apply:
    return lambda key, text: hmac.digest(text, key, name)


def _hashed_first(readings: Sequence[Decoded]) -> Iterator[Choice[Algorithm]]:
    fitting = _sized(64, readings)
    for name, title in (("sha512", "SHA-512"), ("sha256", "SHA-256")):
        for form, said in ((bytes.hex, "in hexadecimal"), (base64_text, "in Base64"), (None, "as octets")):
            detail = f"{title} {said}"
            algorithm = Algorithm(f"HMAC-SHA512 of {detail}", _of_digest(name, form), fitting)
            yield wrong("string-hashed-first", algorithm, detail)


def _of_digest(name: str, form: Callable[[bytes], str] | None) -> Apply:
    def apply(key: bytes, text: bytes) -> bytes:
        digest = hashlib.new(name, text, usedforsecurity=False).digest()
        return hmac.digest(key, form(digest).encode("ascii") if form else digest, "sha512")

    return apply


@dataclass(frozen=True, slots=True)
class Opening:
    """One reading of the signature, opened with one key: what it holds, and what is wrong so far."""

    content: rsa.Content
    deviations: tuple[Deviation, ...]


def openings(material: Material, readings: Sequence[Decoded]) -> tuple[Opening, ...]:
    """Under the registered public key, else under that of a private key that we know of."""
    halves = [half for pem in material.private_keys if isinstance(half := asymmetric.public_key_of(pem), str)]
    registered = material.public_key or (halves[0] if halves else "")
    other = wrong("rsa-other-key", None).deviation
    found: list[Opening] = []
    for place, pem in enumerate(dict.fromkeys(key for key in (registered, *halves) if key)):
        for reading in readings:
            message = rsa.opened(reading.octets, pem) if reading.whole else None
            extra = () if place == 0 or other is None else (other,)
            for content in rsa.contents(message) if message is not None else ():
                found.append(Opening(content, (*extra, *reading.deviations)))
    return tuple(found)


def _of_opening(opening: Opening, title: str, layout: Layout | None = None) -> Algorithm:
    apply = opening.content.apply
    targets = _targets([Decoded(opening.content.value, opening.deviations)])
    return Algorithm(title, lambda _key, text: apply(text), targets, layout, keyed=False)


def _rsa_for_hmac(material: Material, readings: Sequence[Decoded]) -> Iterator[Choice[Algorithm]]:
    for opening in openings(material, readings):
        content = opening.content
        title = f"RSA, {content.kind}, {content.title}"
        if content.kind == "pkcs1" and content.hash == "sha256":
            yield wrong("asymmetric-variant", _of_opening(opening, title, WITHOUT_TOKEN))
            yield wrong("token-signature-reused", _of_opening(opening, title, TOKEN))
        yield wrong("rsa-for-hmac", _of_opening(opening, title), content.title)


def token_algorithms(material: Material, readings: Sequence[Decoded]) -> tuple[Choice[Algorithm], ...]:
    """For the signature of a token request."""
    found = [_of_token(opening) for opening in openings(material, readings)]
    macs = {"sha512": "SHA512", **_HASHES} if material.client_secret else {}
    for name, title in macs.items():
        fitting, said = _sized(_size(name), readings), f"HMAC-{title}"
        found.append(wrong("hmac-for-rsa", Algorithm(said, _mac(name), fitting, mac=name), said))
        if name == "sha512":
            for layout, detail in ((WITH_EMPTY_TOKEN, ":"), (WITHOUT_TOKEN, "")):
                found.append(wrong("symmetric-variant", Algorithm(said, _mac(name), fitting, layout, mac=name), detail))
    return tuple(choice for choice in found if choice.value.targets)


_NAMES = {"twice": "rsa-hashed-twice", "bare": "rsa-without-hash-name", "raw": "rsa-without-hash", "pss": "rsa-pss"}


def _of_token(opening: Opening) -> Choice[Algorithm]:
    content = opening.content
    algorithm = _of_opening(opening, f"RSA, {content.kind}, {content.title}")
    if content.kind in _NAMES:
        return wrong(_NAMES[content.kind], algorithm, content.title)
    if content.hash == "sha256":
        return Choice(algorithm)
    return wrong("rsa-other-hash", algorithm, content.title)
