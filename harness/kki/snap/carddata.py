"""Card data: AES-CBC in the containers that are in use, since the page names none (contradictions 39 and 40).

The page says Base64, its example starts like OpenSSL's passphrase form, and every official SDK joins ciphertext and
IV by a vertical bar. Which of them to expect is a reading; how each is made and opened stands here.
"""

from __future__ import annotations

import hashlib
import re
from enum import Enum

from kki.snap import crypto
from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_octets, base64_text, json_object, utf8

BLOCK = 16  # octets, of AES and so of the IV
_SALTED = b"Salted__"
_SALTED_TEXT = "U2FsdGVkX1"  # all that those eight octets fix of the Base64 text
_HEX_BLOCKS = re.compile(r"(?:[0-9a-f]{32})+|(?:[0-9A-F]{32})+")


class Container(Enum):
    """How key, IV and ciphertext are brought together."""

    CIPHERTEXT_IV = "ciphertext|iv"  # AES-128, `aes_key_128`; base64(ct) | base64(iv): all official SDKs
    SALTED = "salted"  # AES-256, OpenSSL and CryptoJS passphrase form: the page's example
    IV_PREFIXED = "iv-prefixed"  # AES-128, `aes_key_128`; base64(iv + ct): what "Base64-encoded" may mean
    CIPHERTEXT_IV_256 = "ciphertext|iv-256"  # AES-256, `aes_key_256`; else as CIPHERTEXT_IV: ASPI's key length
    HEX_NO_IV = "hex-no-iv"  # a mistake found in an SDK: the IV is not sent, so that nobody can open it


def aes_key_128(key_string: str) -> bytes:
    """The first 16 octets of the key string, filled up with "-" on the right (official SDKs).

    The sources say characters and octets alike. Octets of the UTF-8 decide here: for ASCII there is no difference,
    and beyond it 16 characters are more than 16 octets, with which no SDK can encrypt at all.
    """
    return utf8(key_string)[:16].ljust(16, b"-")


def aes_key_256(key_string: str) -> bytes:
    """SHA-256 of the key string's UTF-8, whatever its length: the one rule for a plain 256-bit key in a DOKU source.

    So too for a key string of exactly 32 octets: one rule, no exceptions.
    """
    return hashlib.sha256(utf8(key_string)).digest()


def salted_key_and_iv(passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
    """OpenSSL's EVP_BytesToKey with MD5 and one round: 32 octets of key, then 16 of IV (CryptoJS does the same)."""
    derived = digest = b""
    while len(derived) < 48:
        digest = hashlib.md5(digest + utf8(passphrase) + salt, usedforsecurity=False).digest()
        derived += digest
    return derived[:32], derived[32:48]


def encrypted(plaintext: bytes, key: bytes, iv: bytes) -> bytes:
    """AES-CBC with PKCS#7 padding (RFC 5652 section 6.3). Key of 16, 24 or 32 octets, IV of 16."""
    fill = BLOCK - len(plaintext) % BLOCK
    return crypto.aes_cbc_encrypted(plaintext + bytes([fill]) * fill, key, iv)


def decrypted(ciphertext: bytes, key: bytes, iv: bytes) -> bytes | Malformed:
    """The inverse of `encrypted`; Malformed("iv", "block length" or "padding").

    About one wrong key in 256 yields sound padding by accident: a success is no proof that the key was right.
    """
    if len(iv) != BLOCK:
        return Malformed("iv", f"Expected an IV of {BLOCK} octets, but got {len(iv)}.")
    if not ciphertext or len(ciphertext) % BLOCK:
        return Malformed("block length", f"Expected whole blocks of {BLOCK} octets, but got {len(ciphertext)} octets.")
    padded = crypto.aes_cbc_decrypted(ciphertext, key, iv)
    fill = padded[-1]
    if not 1 <= fill <= BLOCK or padded[-fill:] != bytes([fill]) * fill:
        return Malformed("padding", "Expected PKCS#7 padding after decryption, but found none: other key, IV or mode.")
    return padded[:-fill]


def seal(
    plaintext: bytes,
    *,
    shared_key: str,
    container: Container = Container.CIPHERTEXT_IV,
    iv: bytes = b"",
    salt: bytes = b"",
) -> str | Malformed:
    """The cardData text. `iv`: 16 octets, except for SALTED, which derives it from `salt`: 8 octets.

    Malformed("iv" or "salt") for another length; Malformed("container") for HEX_NO_IV, which is never made.
    """
    if container is Container.HEX_NO_IV:
        return Malformed("container", "Expected a container that can be opened again, but hex-no-iv sends no IV.")
    if container is Container.SALTED:
        return _seal_salted(plaintext, shared_key, salt)
    if len(iv) != BLOCK:
        return Malformed("iv", f"Expected an IV of {BLOCK} octets, but got {len(iv)}.")
    ciphertext = encrypted(plaintext, _key(shared_key, container), iv)
    if container is Container.IV_PREFIXED:
        return base64_text(iv + ciphertext)
    return f"{base64_text(ciphertext)}|{base64_text(iv)}"


def _seal_salted(plaintext: bytes, passphrase: str, salt: bytes) -> str | Malformed:
    if len(salt) != 8:
        return Malformed("salt", f"Expected a salt of 8 octets, but got {len(salt)}.")
    return base64_text(_SALTED + salt + encrypted(plaintext, *salted_key_and_iv(passphrase, salt)))


def _key(shared_key: str, container: Container) -> bytes:
    return aes_key_256(shared_key) if container is Container.CIPHERTEXT_IV_256 else aes_key_128(shared_key)


def open_sealed(text: str, *, shared_key: str, container: Container) -> bytes | Malformed:
    """The plaintext octets; Malformed("container", "base64", "salt", "iv", "block length" or "padding")."""
    parts = _parts(text, container)
    if isinstance(parts, Malformed):
        return parts
    head, ciphertext = parts
    if container is Container.SALTED:
        return decrypted(ciphertext, *salted_key_and_iv(shared_key, head))
    return decrypted(ciphertext, _key(shared_key, container), head)


def _parts(text: str, container: Container) -> tuple[bytes, bytes] | Malformed:
    """Salt or IV, and the ciphertext; their lengths are not looked at, but for a salt that is cut short."""
    match container:
        case Container.HEX_NO_IV:
            return Malformed("iv", "Expected an IV, but hexadecimal ciphertext comes without one and stays closed.")
        case Container.SALTED:
            return _salted_parts(text)
        case Container.IV_PREFIXED:
            return _prefixed_parts(text)
        case Container.CIPHERTEXT_IV | Container.CIPHERTEXT_IV_256:
            return _barred_parts(text)


def _barred_parts(text: str) -> tuple[bytes, bytes] | Malformed:
    left, bar, right = text.partition("|")
    if not bar:
        return Malformed("container", "Expected ciphertext and IV joined by '|', but there is none.")
    ciphertext, iv = base64_octets(left), base64_octets(right)
    if isinstance(ciphertext, Malformed):
        return Malformed("base64", f"Ciphertext: {ciphertext.why}")
    if isinstance(iv, Malformed):
        return Malformed("base64", f"IV: {iv.why}", len(left) + 1)
    return iv, ciphertext


def _prefixed_parts(text: str) -> tuple[bytes, bytes] | Malformed:
    octets = base64_octets(text)
    return octets if isinstance(octets, Malformed) else (octets[:BLOCK], octets[BLOCK:])


def _salted_parts(text: str) -> tuple[bytes, bytes] | Malformed:
    octets = base64_octets(text)
    if isinstance(octets, Malformed):
        return octets
    if not octets.startswith(_SALTED):
        return Malformed("container", "Expected 'Salted__' in front, but got other octets.")
    if len(octets) < 16:
        return Malformed("salt", f"Expected a salt of 8 octets, but got {len(octets) - 8}.")
    return octets[8:16], octets[16:]


def resembles(text: str) -> Container | None:
    """The container whose mark the text bears, be it sound or damaged: what its maker seems to have meant.

    AES-256 under `|` looks like AES-128, so CIPHERTEXT_IV stands for both.
    """
    if "|" in text:
        return Container.CIPHERTEXT_IV
    if text.startswith(_SALTED_TEXT):
        return Container.SALTED
    if _HEX_BLOCKS.fullmatch(text):
        return Container.HEX_NO_IV
    return None if isinstance(base64_octets(text), Malformed) or not text else Container.IV_PREFIXED


def recognise(text: str) -> Container | None:
    """The container whose form the text has throughout, without any key; None where a part is missing or damaged."""
    container = resembles(text)
    if container is None or container is Container.HEX_NO_IV:
        return container
    parts = _parts(text, container)
    if isinstance(parts, Malformed):
        return None
    head, ciphertext = parts
    complete = container is Container.SALTED or len(head) == BLOCK
    return container if complete and ciphertext and len(ciphertext) % BLOCK == 0 else None


def open_any(text: str, *, shared_key: str) -> tuple[Container, bytes] | Malformed:
    """The container and the plaintext, by the form of the text; the first failure where no way leads in.

    Where AES-128 and AES-256 both open it, a plaintext that is a JSON object wins: see `decrypted` on accidents.
    """
    seen = resembles(text)
    if seen is None:
        return Malformed("container", "Expected card data in a known container, but recognised none.")
    ways = (seen, Container.CIPHERTEXT_IV_256) if seen is Container.CIPHERTEXT_IV else (seen,)
    tried = [(way, open_sealed(text, shared_key=shared_key, container=way)) for way in ways]
    opened = [(way, plaintext) for way, plaintext in tried if isinstance(plaintext, bytes)]
    sensible = [pair for pair in opened if not isinstance(card_payload(pair[1]), Malformed)]
    failures = [outcome for _, outcome in tried if isinstance(outcome, Malformed)]
    return (sensible or opened or failures)[0]


def card_payload(plaintext: bytes) -> dict[str, object] | Malformed:
    """The members of the plaintext, which has to be a JSON object; Malformed("payload").

    CardDataPayload itself is published nowhere (contradiction 40), so no member is asked for.
    """
    return json_object(plaintext, "payload")
