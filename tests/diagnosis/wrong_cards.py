"""Card data sealed wrongly, each in one way or two, with cryptography and hashlib alone."""

# ruff: noqa: E501 — one mistake a line

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SHARED = "shared-Key-0123456789"
SECRET = "SK-Zx81kQmR40vTnWb7"
CLIENT = "BRN-0211-Harness01"
CARD = {"bankCardNo": "9360001609987000000", "bankCardType": "D", "expiryDate": "1230"}
IV = bytes.fromhex("9b0c74d1e25f83a6407788c1f3ad9e02")
SALT = bytes.fromhex("80d41d82dc3e04e4")
Pad = Callable[[bytes], bytes]


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def pkcs7(plain: bytes) -> bytes:
    count = 16 - len(plain) % 16
    return plain + bytes([count]) * count


def key128(text: str = SHARED) -> bytes:
    return text.encode()[:16].ljust(16, b"-")


def cipher(plain: bytes, key: bytes, mode: modes.Mode) -> bytes:
    sealer = Cipher(algorithms.AES(key), mode).encryptor()
    return sealer.update(plain) + sealer.finalize()


def cbc(plain: bytes | None = None, *, key: bytes | None = None, iv: bytes = IV, pad: Pad = pkcs7) -> bytes:
    return cipher(pad(compact(CARD) if plain is None else plain), key or key128(), modes.CBC(iv))


def barred(sealed: bytes, iv: bytes = IV) -> str:
    return f"{b64(sealed)}|{b64(iv)}"


def evp(passphrase: bytes, salt: bytes, name: str, length: int) -> bytes:
    out = block = b""
    while len(out) < length:
        block = hashlib.new(name, block + passphrase + salt).digest()
        out += block
    return out[:length]


def salted(name: str = "md5", size: int = 32, passphrase: str = SHARED) -> str:
    derived = evp(passphrase.encode(), SALT, name, size + 16)
    return b64(b"Salted__" + SALT + cbc(key=derived[:size], iv=derived[size:]))


def pbkdf2() -> str:
    derived = hashlib.pbkdf2_hmac("sha256", SHARED.encode(), SALT, 10_000, 48)
    return b64(b"Salted__" + SALT + cbc(key=derived[:32], iv=derived[32:]))


def filled(filler: bytes) -> Pad:
    return lambda plain: plain + filler * (-len(plain) % 16)


def x923(plain: bytes) -> bytes:
    count = 16 - len(plain) % 16
    return plain + bytes(count - 1) + bytes([count])


def iso10126(plain: bytes) -> bytes:
    count = 16 - len(plain) % 16
    return plain + bytes(range(200, 200 + count - 1)) + bytes([count])


def member(**changed: object) -> str:
    return barred(cbc(compact({**CARD, **changed})))


def renamed(old: str, new: str) -> str:
    return barred(cbc(compact({new if name == old else name: value for name, value in CARD.items()})))


def without(name: str) -> str:
    return barred(cbc(compact({key: value for key, value in CARD.items() if key != name})))


@dataclass(frozen=True)
class WrongCard:
    name: str
    text: str
    accepted: tuple[tuple[str, ...], ...]
    container: str = "ciphertext|iv"
    shared: str = SHARED


def _wrong(
    name: str, text: str, *accepted: str | tuple[str, ...], container: str = "ciphertext|iv", shared: str = SHARED
) -> WrongCard:
    rows = tuple((row,) if isinstance(row, str) else row for row in accepted)
    return WrongCard(name, text, rows, container, shared)


def ofb(plain: bytes) -> bytes:
    register, out = IV, b""
    for start in range(0, len(plain), 16):
        register = cipher(register, key128(), modes.ECB())
        out += bytes(a ^ b for a, b in zip(plain[start : start + 16], register, strict=False))
    return out


def cfb(plain: bytes, segment: int) -> bytes:
    register, out = IV, b""
    for start in range(0, len(plain), segment):
        stream = cipher(register, key128(), modes.ECB())
        piece = bytes(a ^ b for a, b in zip(plain[start : start + segment], stream, strict=False))
        register, out = (register + piece)[-16:], out + piece
    return out


EVEN = next(text for count in range(16) if len(text := compact({**CARD, "name": "x" * count})) % 16 == 0)
LONG = "0123456789abcdef0123456789ABCDEF-and-more"
HEX_KEY = "00112233445566778899aabbccddeeff"
B64_KEY = b64(bytes(range(100, 116)))

CONTAINERS = (
    _wrong("in the clear", compact(CARD).decode(), "card-not-encrypted"),
    _wrong("Base64 alone", b64(compact(CARD)), "card-not-encrypted"),
    _wrong("hexadecimal alone", compact(CARD).hex(), "card-not-encrypted"),
    _wrong("the number alone, in the clear", CARD["bankCardNo"], "card-not-encrypted"),
    _wrong("OpenSSL's container", salted(), "card-container-other"),
    _wrong("vector in front", b64(IV + cbc()), "card-container-other"),
    _wrong("ciphertext|iv where salted is in force", barred(cbc()), "card-container-other", container="salted"),
    _wrong("vector behind, as one", b64(cbc() + IV), "card-iv-appended"),
    _wrong("vector first", f"{b64(IV)}|{b64(cbc())}", "card-iv-first"),
    _wrong("joined by a colon", f"{b64(cbc())}:{b64(IV)}", "card-separator"),
    _wrong("joined by a dot", f"{b64(cbc())}.{b64(IV)}", "card-separator"),
    _wrong("vector first, by a colon", f"{b64(IV)}:{b64(cbc())}", ("card-separator", "card-iv-first")),
    _wrong("JSON of both", json.dumps({"iv": b64(IV), "ciphertext": b64(cbc())}), "card-json"),
    _wrong("Laravel", b64(compact({"iv": b64(IV), "value": b64(cbc()), "mac": "00"})), ("card-base64-twice", "card-json")),
    _wrong("hexadecimal", f"{cbc().hex()}|{IV.hex()}", "card-hex"),
    _wrong("hexadecimal in capitals", f"{cbc().hex().upper()}|{IV.hex().upper()}", "card-hex"),
    _wrong("Base64 of all", b64(barred(cbc()).encode()), "card-base64-twice"),
    _wrong("no padding", barred(cbc()).replace("=", ""), "card-base64-unpadded"),
    _wrong("URL-safe", "|".join(base64.urlsafe_b64encode(part).decode() for part in (cbc(), IV)), "card-base64-url"),
    _wrong("lines of 76", base64.encodebytes(cbc()).decode() + "|" + b64(IV) + "\n", "card-line-breaks"),
    _wrong("percent-encoded bar", barred(cbc()).replace("|", "%7C"), "card-percent-encoded"),
    _wrong("vector as text", f"{b64(cbc(iv=b'Ab3dEf9hIjKlMn0p'))}|Ab3dEf9hIjKlMn0p", ("card-iv-not-encoded", "card-iv-text")),
    _wrong("vector in hexadecimal first", f"{b64(cbc())}|{b64(IV.hex().encode())}", "card-iv-hex-text"),
)  # fmt: skip

KEYS = (
    _wrong("client secret", barred(cbc(key=key128(SECRET))), "card-client-secret"),
    _wrong("client id", barred(cbc(key=key128(CLIENT))), "card-client-id"),
    _wrong("SHA-256 of the key", barred(cbc(key=hashlib.sha256(SHARED.encode()).digest())), "card-key-256"),
    _wrong("128 bits where 256 are in force", barred(cbc()), "card-key-128", container="ciphertext|iv-256"),
    _wrong("MD5 of the key", barred(cbc(key=hashlib.md5(SHARED.encode()).digest())), "card-key-hashed"),
    _wrong("MD5 of the key in hexadecimal", barred(cbc(key=hashlib.md5(SHARED.encode()).hexdigest().encode())), "card-key-hashed"),
    _wrong("first half of SHA-256", barred(cbc(key=hashlib.sha256(SHARED.encode()).digest()[:16])), "card-key-hashed"),
    _wrong("32 characters", barred(cbc(key=LONG.encode()[:32])), "card-key-cut", shared=LONG),
    _wrong("last 16 characters", barred(cbc(key=LONG.encode()[-16:])), "card-key-end", shared=LONG),
    _wrong("zeros to 32", barred(cbc(key=SHARED.encode().ljust(32, b"\0"))), "card-key-filled"),
    _wrong("short key with zeros", barred(cbc(key=b"short".ljust(16, b"\0"))), "card-key-filled", shared="short"),
    _wrong("key with its line end", barred(cbc(key=b"short\n".ljust(16, b"-"))), "card-key-worn", shared="short"),
    _wrong("hex-decoded", barred(cbc(key=bytes.fromhex(HEX_KEY))), "card-key-hex-decoded", shared=HEX_KEY),
    _wrong("Base64-decoded", barred(cbc(key=bytes(range(100, 116)))), "card-key-base64-decoded", shared=B64_KEY),
    _wrong("openssl's newer default", salted("sha256"), "card-key-evp", container="salted"),
    _wrong("openssl for AES-128", salted("md5", 16), "card-key-evp", container="salted"),
    _wrong("openssl -pbkdf2", pbkdf2(), "card-key-pbkdf2", container="salted"),
    _wrong("salted by the client secret", salted(passphrase=SECRET), "card-client-secret", container="salted"),
)  # fmt: skip

_PLAIN = compact(CARD)
MODES = (
    _wrong("ECB", b64(cipher(pkcs7(_PLAIN), key128(), modes.ECB())), "card-mode"),
    _wrong("ECB beside a vector that is not used", barred(cipher(pkcs7(_PLAIN), key128(), modes.ECB())), "card-mode"),
    _wrong("CTR", barred(cipher(_PLAIN, key128(), modes.CTR(IV))), "card-mode"),
    _wrong("GCM", barred(AESGCM(key128()).encrypt(IV[:12], _PLAIN, None), IV[:12]), "card-mode"),
    _wrong("OFB", barred(ofb(_PLAIN)), "card-mode"),
    _wrong("CFB", barred(cfb(_PLAIN, 16)), "card-mode"),
    _wrong("PyCryptodome's CFB, segments of 8 bits", barred(cfb(_PLAIN, 1)), "card-mode"),
    _wrong("CBC under padding that CTR needs not", barred(cipher(pkcs7(_PLAIN), key128(), modes.CTR(IV))), "card-mode"),
    _wrong("no vector sent, zeros used", b64(cbc(iv=bytes(16))), ("card-iv-missing", "card-iv-zero")),
    _wrong("no vector sent, random one used", b64(cbc()), "card-iv-missing"),
    _wrong("hexadecimal without vector, as one SDK has it", cbc(key=hashlib.sha256(SHARED.encode()).digest()).hex(),
           ("card-hex", "card-iv-missing", "card-key-256")),
    _wrong("zeros used, another sent", barred(cbc(iv=bytes(16))), "card-iv-zero"),
    _wrong("another used than sent", barred(cbc(iv=bytes(range(7, 23)))), "card-iv-other"),
    _wrong("key used as the vector, another sent", barred(cbc(iv=key128())), "card-iv-fixed"),
    _wrong("key as the vector", barred(cbc(iv=key128()), key128()), "card-iv-is-key"),
    _wrong("zeros as the vector", barred(cbc(iv=bytes(16)), bytes(16)), "card-iv-constant"),
    _wrong("a text as the vector", barred(cbc(iv=b"1234567890123456"), b"1234567890123456"), "card-iv-text"),
)  # fmt: skip

PADDINGS = (
    _wrong("zero octets", barred(cbc(pad=filled(b"\0"))), "card-padding"),
    _wrong("blanks", barred(cbc(pad=filled(b" "))), "card-padding"),
    _wrong("ANSI X9.23", barred(cbc(pad=x923)), "card-padding"),
    _wrong("ISO 10126", barred(cbc(pad=iso10126)), "card-padding"),
    _wrong("ISO 7816-4", barred(cbc(pad=lambda plain: filled(b"\0")(plain + b"\x80"))), "card-padding"),
    _wrong("twice", barred(cbc(pad=lambda plain: pkcs7(pkcs7(plain)))), "card-padding-twice"),
    _wrong("none", barred(cbc(EVEN, pad=lambda plain: plain)), "card-padding-none"),
)  # fmt: skip

PAYLOADS = (
    _wrong("number alone", barred(cbc(CARD["bankCardNo"].encode())), "payload-number-only"),
    _wrong("delimited", barred(cbc("|".join(CARD.values()).encode())), "payload-delimited"),
    _wrong("form-encoded", barred(cbc(b"bankCardNo=9360001609987000000&bankCardType=D&expiryDate=1230")), "payload-form-encoded"),
    _wrong("XML", barred(cbc(b"<card><no>9360001609987000000</no></card>")), "payload-xml"),
    _wrong("str(dict)", barred(cbc(str(CARD).encode())), "payload-printed"),
    _wrong("JSON twice", barred(cbc(json.dumps(_PLAIN.decode()).encode())), "payload-json-twice"),
    _wrong("Base64 first", barred(cbc(b64(_PLAIN).encode())), "payload-base64"),
    _wrong("hexadecimal first", barred(cbc(_PLAIN.hex().encode())), "payload-hex"),
    _wrong("UTF-16", barred(cbc(_PLAIN.decode().encode("utf-16-le"))), "payload-charset"),
    _wrong("byte order mark", barred(cbc(b"\xef\xbb\xbf" + _PLAIN)), "payload-charset"),
    _wrong("in an array", barred(cbc(compact([CARD]))), "payload-array"),
    _wrong("nested", barred(cbc(compact({"card": CARD}))), "payload-nested"),
    _wrong("no type", without("bankCardType"), "payload-member-missing"),
    _wrong("no expiry", without("expiryDate"), "payload-member-missing"),
    _wrong("cardNumber", renamed("bankCardNo", "cardNumber"), "payload-member-renamed"),
    _wrong("snake case", renamed("expiryDate", "expiry_date"), "payload-member-renamed"),
    _wrong("number as a number", member(bankCardNo=9360001609987000000), "payload-member-type"),
    _wrong("empty type", member(bankCardType=""), "payload-member-empty"),
    _wrong("blanks in the number", member(bankCardNo="9360 0016 0998 7000 000"), "payload-number-form"),
    _wrong("YYMM", member(expiryDate="3012"), "payload-expiry-form"),
    _wrong("MM/YY", member(expiryDate="12/30"), "payload-expiry-form"),
    _wrong("YYYY-MM", member(expiryDate="2030-12"), "payload-expiry-form"),
)  # fmt: skip

PAIRS = (
    _wrong("ECB under the client secret", b64(cipher(pkcs7(_PLAIN), key128(SECRET), modes.ECB())), ("card-client-secret", "card-mode")),
    _wrong("hexadecimal, 256 bits", f"{cbc(key=hashlib.sha256(SHARED.encode()).digest()).hex()}|{IV.hex()}", ("card-hex", "card-key-256")),
    _wrong("zero octets, YYMM", barred(cbc(compact({**CARD, "expiryDate": "3012"}), pad=filled(b"\0"))), ("card-padding", "payload-expiry-form")),
    _wrong("secret for key and vector", barred(cbc(key=key128(SECRET), iv=key128(SECRET)), key128(SECRET)), ("card-client-secret", "card-iv-is-key")),
)  # fmt: skip

WRONG = (*CONTAINERS, *KEYS, *MODES, *PADDINGS, *PAYLOADS, *PAIRS)

RIGHT = (
    ("ciphertext|iv", barred(cbc())),
    ("ciphertext|iv", barred(cbc(json.dumps(CARD, indent=1).encode()))),
    ("ciphertext|iv", barred(cbc(compact({**CARD, "email": None, "name": "Nguyễn Văn é"})))),
    ("salted", salted()),
    ("iv-prefixed", b64(IV + cbc())),
    ("ciphertext|iv-256", barred(cbc(key=hashlib.sha256(SHARED.encode()).digest()))),
)
UNKNOWN = (
    barred(cbc(key=b"another key here")),
    b64(cbc(key=b"another key here")),
    barred(hashlib.sha512(b"x").digest(), IV),
    b64(hashlib.sha512(b"noise").digest() * 4),
    "not card data at all",
    "U2FsdGVkX1+A1B2C3D4E5F6G7H8I9J0K",
    "|",
    "a|b",
)
