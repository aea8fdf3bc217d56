"""cardData that must not be accepted: each wrong in one place, sealed with the right key unless it says so."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from kki.drafting.drafts import Kit, card_plaintext, compact, sealed_card
from kki.snap import carddata, crypto
from kki.snap.canonical import Malformed

_OPENS = frozenset({"KKI-CRD-110"})
_PAYLOAD = frozenset({"KKI-CRD-114"})


@dataclass(frozen=True, slots=True)
class SpoiledCard:
    name: str
    make: Callable[[Kit], str]
    tries: frozenset[str]

    def __call__(self, kit: Kit) -> str:
        return self.make(kit)


def _parts(kit: Kit) -> tuple[bytes, bytes]:
    """Ciphertext and initialisation vector of the right container, as octets."""
    sealed = carddata.seal(
        card_plaintext(kit),
        shared_key=kit.credentials.shared_key or "",
        container=carddata.Container.CIPHERTEXT_IV,
        iv=kit.iv,
    )
    if isinstance(sealed, Malformed):
        return b"", b""
    text, _, iv = sealed.partition("|")
    return base64.b64decode(text), base64.b64decode(iv)


def _joined(ciphertext: bytes, iv: bytes) -> str:
    return base64.b64encode(ciphertext).decode() + "|" + base64.b64encode(iv).decode()


def _cut(kit: Kit) -> str:
    ciphertext, iv = _parts(kit)
    return _joined(ciphertext[:-1], iv)


def _last_block_lost(kit: Kit) -> str:
    ciphertext, iv = _parts(kit)
    return _joined(ciphertext[:-16], iv)


def _padding(kit: Kit) -> str:
    """The last octet of the last block changed by way of the block before: padding wrong, length right."""
    ciphertext, iv = _parts(kit)
    at = len(ciphertext) - 17
    return _joined(ciphertext[:at] + bytes([ciphertext[at] ^ 0xFF]) + ciphertext[at + 1 :], iv)


def _odd_padding(kit: Kit) -> str:
    """A right card whose padding has the right length and the wrong octets: zeros before the count (ANSI X.923)."""
    plain = card_plaintext(kit)
    short = 16 - len(plain) % 16
    # One octet of padding looks the same either way; white space after the JSON makes room for more.
    plain, short = (plain + b" " * 8, 16 - (len(plain) + 8) % 16) if short == 1 else (plain, short)
    padded = plain + b"\x00" * (short - 1) + bytes([short])
    key = carddata.aes_key_128(kit.credentials.shared_key or "")
    return _joined(crypto.aes_cbc_encrypted(padded, key, kit.iv), kit.iv)


def _iv_changed(kit: Kit) -> str:
    """The first block opens to other text, so that the JSON breaks while the padding stays right."""
    ciphertext, iv = _parts(kit)
    return _joined(ciphertext, bytes([iv[0] ^ 0x01]) + iv[1:])


def _iv_missing(kit: Kit) -> str:
    return base64.b64encode(_parts(kit)[0]).decode()


def _iv_short(kit: Kit) -> str:
    ciphertext, iv = _parts(kit)
    return _joined(ciphertext, iv[:8])


def _other_key(kit: Kit) -> str:
    return _sealed_under(kit, "a-key-that-is-not-the-partner's")


def _sealed_under(kit: Kit, key: str) -> str:
    sealed = carddata.seal(
        card_plaintext(kit),
        shared_key=key,
        container=carddata.Container.CIPHERTEXT_IV,
        iv=kit.iv,
    )
    return "" if isinstance(sealed, Malformed) else sealed


def _clients_key(kit: Kit) -> str:
    """As the national standard has it. Source: ASPI, card encryption; the page names the shared key."""
    return _sealed_under(kit, kit.credentials.client_secret or "no secret")


def _ecb(kit: Kit) -> str:
    key = carddata.aes_key_128(kit.credentials.shared_key or "")
    plain = card_plaintext(kit)
    fill = 16 - len(plain) % 16
    padded = plain + bytes([fill]) * fill
    blocks = b"".join(crypto.aes_cbc_encrypted(padded[i : i + 16], key, bytes(16)) for i in range(0, len(padded), 16))
    return _joined(blocks, kit.iv)


def _container(container: carddata.Container) -> Callable[[Kit], str]:
    def make(kit: Kit) -> str:
        sealed = carddata.seal(
            card_plaintext(kit),
            shared_key=kit.credentials.shared_key or "",
            container=container,
            iv=kit.iv,
            salt=kit.iv[:8],
        )
        return "" if isinstance(sealed, Malformed) else sealed

    return make


def _payload(plaintext: bytes) -> Callable[[Kit], str]:
    return lambda kit: sealed_card(kit, plaintext)


def _and_text(kit: Kit) -> str:
    return sealed_card(kit, card_plaintext(kit) + b" ok")


def _lacking(member: str) -> Callable[[Kit], str]:
    return lambda kit: sealed_card(
        kit, compact({k: v for k, v in dict(kit.test_data.card or {}).items() if k != member})
    )


ALL: tuple[SpoiledCard, ...] = (
    SpoiledCard("garbage", lambda _: "not card data at all!", _OPENS),
    SpoiledCard("Base64 of garbage", lambda kit: _joined(b"x" * 48, kit.iv), _OPENS),
    SpoiledCard("cut by one octet", _cut, _OPENS),
    SpoiledCard("last block lost", _last_block_lost, _OPENS),
    SpoiledCard("wrong padding", _padding, _OPENS),
    SpoiledCard("a right card under odd padding", _odd_padding, _OPENS),
    SpoiledCard("sealed under another key", _other_key, _OPENS),
    SpoiledCard("sealed under the client secret", _clients_key, _OPENS),
    SpoiledCard("ECB instead of CBC", _ecb, _OPENS),
    SpoiledCard("initialisation vector missing", _iv_missing, _PAYLOAD),
    SpoiledCard("initialisation vector of 8 octets", _iv_short, _OPENS),
    SpoiledCard("initialisation vector changed", _iv_changed, _PAYLOAD),
    SpoiledCard("plain JSON", lambda kit: card_plaintext(kit).decode(), frozenset({"KKI-CRD-120"})),
    SpoiledCard(
        "Base64 of plain JSON", lambda kit: base64.b64encode(card_plaintext(kit)).decode(), frozenset({"KKI-CRD-120"})
    ),
    SpoiledCard("opens to text", _payload(b"9360001609987000000"), _PAYLOAD),
    SpoiledCard("opens to an array", _payload(b'["9360001609987000000"]'), _PAYLOAD),
    SpoiledCard("opens to an empty object", _payload(b"{}"), _PAYLOAD),
    SpoiledCard("opens to nothing", _payload(b""), _PAYLOAD),
    SpoiledCard("opens to octets that are not UTF-8", _payload(b"\xff\xfe\x00"), _PAYLOAD),
    SpoiledCard("opens to a card and text behind it", _and_text, _PAYLOAD),
    SpoiledCard("payload without bankCardNo", _lacking("bankCardNo"), _PAYLOAD),
    SpoiledCard("payload without expiryDate", _lacking("expiryDate"), _PAYLOAD),
    SpoiledCard("OpenSSL's salted container", _container(carddata.Container.SALTED), frozenset({"KKI-CRD-122"})),
    SpoiledCard(
        "initialisation vector in front", _container(carddata.Container.IV_PREFIXED), frozenset({"KKI-CRD-122"})
    ),
)
# Which of them must be indistinguishable: where opening fails at different steps.
ORACLE = tuple(
    each
    for each in ALL
    if each.name
    in {
        "garbage",
        "cut by one octet",
        "wrong padding",
        "initialisation vector changed",
        "opens to text",
        "sealed under another key",
        "opens to an empty object",
    }
)


def named(name: str) -> SpoiledCard:
    """KeyError for an unknown name."""
    return {each.name: each for each in ALL}[name]
