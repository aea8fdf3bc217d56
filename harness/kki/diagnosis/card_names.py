"""The named wrong ways to seal card data, as `names` has those of signatures."""

# ruff: noqa: E501 — a table: one mistake a line reads better than one mistake in four lines

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kki.diagnosis.names import Ingredient, Named
from kki.snap.carddata import Container

_I = Ingredient
# Filled in by `fix_for`: what is right depends on the container that is in force.
_CONTAINER_FIX, _KEY_FIX, _MODE_FIX, _IV_FIX = "‹container›", "‹key›", "‹mode›", "‹vector›"
_PAD_FIX = "Pad with PKCS#7 (most libraries do it by themselves; then do not pad before)."
_PAYLOAD_FIX = 'Seal a JSON object with bankCardNo, bankCardType and expiryDate (MMYY), all of them strings: {"bankCardNo":"…","bankCardType":"D","expiryDate":"1230"}.'

CARD_NAMES: Mapping[str, Named] = {
    # --- container ---
    "card-not-encrypted": Named(_I.CONTAINER, 1, "cardData is not encrypted at all: {}.", "Encrypt the card data with AES-CBC under the shared key; Base64 alone hides nothing."),
    "card-container-other": Named(_I.CONTAINER, 1, "cardData stands in another container than the one in force: {}.", _CONTAINER_FIX),
    "card-iv-missing": Named(_I.CONTAINER, 2, "cardData carries the ciphertext alone, without its initialisation vector.", _CONTAINER_FIX),
    "card-iv-first": Named(_I.CONTAINER, 2, "Ciphertext and initialisation vector stand in the wrong order.", _CONTAINER_FIX),
    "card-iv-appended": Named(_I.CONTAINER, 3, "The initialisation vector was appended to the ciphertext before both were encoded as one.", _CONTAINER_FIX),
    "card-separator": Named(_I.CONTAINER, 2, "Ciphertext and initialisation vector are joined by “{}” instead of “|”.", _CONTAINER_FIX),
    "card-json": Named(_I.CONTAINER, 3, "Ciphertext and initialisation vector stand in a JSON object, as some frameworks write them.", _CONTAINER_FIX),
    "card-hex": Named(_I.CONTAINER, 2, "cardData is written in hexadecimal instead of Base64.", "Encode in standard Base64."),
    "card-base64-url": Named(_I.CONTAINER, 2, "cardData is written in the URL-safe Base64 alphabet.", "Encode in standard Base64, with padding."),
    "card-base64-unpadded": Named(_I.CONTAINER, 3, "cardData lacks the padding of its Base64.", "Encode in standard Base64, with padding."),
    "card-base64-twice": Named(_I.CONTAINER, 3, "cardData was Base64-encoded once more as a whole.", "Encode in Base64 once. " + _CONTAINER_FIX),
    "card-line-breaks": Named(_I.CONTAINER, 2, "cardData has white space or line ends in or around it.", "Write the Base64 on one line (Java: Base64.getEncoder(), not the MIME one; openssl: -A)."),
    "card-percent-encoded": Named(_I.CONTAINER, 4, "cardData is percent-encoded.", "A JSON string is not percent-encoded: send it as it is."),
    "card-iv-not-encoded": Named(_I.CONTAINER, 3, "The initialisation vector is sent as plain text instead of in Base64.", "Encode the 16 octets of the vector in Base64."),
    "card-iv-hex-text": Named(_I.CONTAINER, 3, "The initialisation vector was written in hexadecimal before it was encoded in Base64.", "Encode the 16 raw octets of the vector, not their hexadecimal text."),
    "card-jwe": Named(_I.CONTAINER, 3, "cardData is a JWE (five parts joined by dots).", _CONTAINER_FIX),
    # --- key ---
    "card-client-secret": Named(_I.DERIVATION, 1, "The key comes from the client secret instead of the shared key, as in DOKU's SDKs.", "Use the shared key; the client secret signs and nothing else. " + _KEY_FIX),
    "card-client-id": Named(_I.DERIVATION, 4, "The key comes from the client id instead of the shared key.", _KEY_FIX),
    "card-key-worn": Named(_I.DERIVATION, 3, "The key comes from the shared key with {}.", "Trim the shared key and leave it as it is otherwise. " + _KEY_FIX),
    "card-key-256": Named(_I.DERIVATION, 2, "The key has 256 bits, the SHA-256 of the shared key.", _KEY_FIX),
    "card-key-128": Named(_I.DERIVATION, 2, "The key has 128 bits, the first 16 characters of the shared key.", _KEY_FIX),
    "card-key-cut": Named(_I.DERIVATION, 2, "The key is the first {} octets of the shared key's text.", _KEY_FIX),
    "card-key-filled": Named(_I.DERIVATION, 2, "The shared key was filled up to {} before it served as the key.", _KEY_FIX),
    "card-key-end": Named(_I.DERIVATION, 4, "The key is the last {} octets of the shared key's text.", _KEY_FIX),
    "card-key-hashed": Named(_I.DERIVATION, 2, "The key is a hash of the shared key ({}).", _KEY_FIX),
    "card-key-base64-decoded": Named(_I.DERIVATION, 2, "The shared key was Base64-decoded before it served as the key.", _KEY_FIX),
    "card-key-hex-decoded": Named(_I.DERIVATION, 2, "The shared key was decoded from hexadecimal before it served as the key.", _KEY_FIX),
    "card-key-pbkdf2": Named(_I.DERIVATION, 3, "Key and vector were derived by PBKDF2 ({}).", _KEY_FIX),
    "card-key-evp": Named(_I.DERIVATION, 2, "Key and vector were derived from the passphrase with {} instead of MD5 for AES-256.", _KEY_FIX),
    # --- mode ---
    "card-mode": Named(_I.MODE, 1, "The cipher mode is {} instead of CBC.", _MODE_FIX),
    # --- vector ---
    "card-iv-zero": Named(_I.VECTOR, 1, "It was encrypted under a vector of zero octets, not under the one that was sent.", _IV_FIX),
    "card-iv-fixed": Named(_I.VECTOR, 2, "It was encrypted under a fixed vector, {}, not under the one that was sent.", _IV_FIX),
    "card-iv-other": Named(_I.VECTOR, 2, "Key and mode are right, but it was encrypted under another vector than the one that was sent.", _IV_FIX),
    "card-iv-constant": Named(_I.VECTOR, 2, "The vector is one octet repeated instead of random.", _IV_FIX),
    "card-iv-text": Named(_I.VECTOR, 3, "The vector is a readable text instead of random octets.", _IV_FIX),
    "card-iv-is-key": Named(_I.VECTOR, 2, "The key was used as the vector, and so was sent in the clear.", _IV_FIX + " Have the shared key replaced: it was given away."),
    "card-iv-reused": Named(_I.VECTOR, 1, "The vector or salt was used before.", _IV_FIX),
    # --- padding ---
    "card-padding": Named(_I.PADDING, 2, "The plaintext was padded with {} instead of PKCS#7.", _PAD_FIX),
    "card-padding-twice": Named(_I.PADDING, 2, "The plaintext was padded twice: by the code, and by the library again.", _PAD_FIX),
    "card-padding-none": Named(_I.PADDING, 3, "The plaintext has no padding; it only happens to fill its blocks.", _PAD_FIX),
    # --- payload ---
    "payload-json-twice": Named(_I.PAYLOAD, 2, "The payload was serialised twice: it is a JSON string that holds JSON.", _PAYLOAD_FIX),
    "payload-base64": Named(_I.PAYLOAD, 2, "The payload was Base64-encoded before it was encrypted.", _PAYLOAD_FIX),
    "payload-hex": Named(_I.PAYLOAD, 3, "The payload was written in hexadecimal before it was encrypted.", _PAYLOAD_FIX),
    "payload-charset": Named(_I.PAYLOAD, 3, "The payload is not UTF-8 without byte order mark, but {}.", _PAYLOAD_FIX),
    "payload-form-encoded": Named(_I.PAYLOAD, 3, "The payload is form-encoded (a=b&c=d) instead of JSON.", _PAYLOAD_FIX),
    "payload-xml": Named(_I.PAYLOAD, 4, "The payload is XML instead of JSON.", _PAYLOAD_FIX),
    "payload-number-only": Named(_I.PAYLOAD, 1, "The payload is the card number alone, not a JSON object.", _PAYLOAD_FIX),
    "payload-delimited": Named(_I.PAYLOAD, 3, "The payload is a delimited text instead of a JSON object.", _PAYLOAD_FIX),
    "payload-printed": Named(_I.PAYLOAD, 3, "The payload is the programme's own text form of an object instead of JSON.", _PAYLOAD_FIX),
    "payload-array": Named(_I.PAYLOAD, 4, "The payload is a JSON array instead of an object.", _PAYLOAD_FIX),
    "payload-nested": Named(_I.PAYLOAD, 3, "The card's members stand inside another member, {}, instead of at the top.", _PAYLOAD_FIX),
    "payload-member-missing": Named(_I.PAYLOAD, 1, "The payload lacks {}.", _PAYLOAD_FIX),
    "payload-member-renamed": Named(_I.PAYLOAD, 1, "A member of the payload has another name: {}.", _PAYLOAD_FIX),
    "payload-member-type": Named(_I.PAYLOAD, 2, "A member of the payload is not a string: {}.", _PAYLOAD_FIX),
    "payload-member-empty": Named(_I.PAYLOAD, 3, "A member of the payload is empty: {}.", _PAYLOAD_FIX),
    "payload-number-form": Named(_I.PAYLOAD, 2, "bankCardNo has other characters than digits.", "Send the digits of the card number and nothing between them."),
    "payload-expiry-form": Named(_I.PAYLOAD, 1, "expiryDate has another form than MMYY: {}.", "Write the month, 01 to 12, then the last two digits of the year: 1230 for December 2030."),
}  # fmt: skip

CARD_REQUIREMENTS: Mapping[str, str] = {
    "card-container-other": "KKI-CRD-012",
    "card-key-256": "KKI-CRD-012",  # the container of that name in readings.toml
    "card-key-128": "KKI-CRD-012",
    "card-iv-constant": "KKI-CRD-016",
    "card-iv-text": "KKI-CRD-016",
    "card-iv-is-key": "KKI-CRD-016",
    "card-iv-reused": "KKI-CRD-016",
    "payload-expiry-form": "KKI-CRD-018",
}


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How one container is made, for the sentences that say what to do."""

    container: str
    key: str = "Take the first 16 octets of the shared key's text as the AES-128 key, filled up with “-” where it is shorter."
    cipher: str = "aes-128-cbc"
    vector: str = "Draw 16 fresh random octets for each cardData, encrypt with them, and send the same octets along."

    @property
    def mode(self) -> str:
        return f"Encrypt with AES in CBC mode (Java: AES/CBC/PKCS5Padding; Node: {self.cipher}; OpenSSL: -{self.cipher})."


_BARRED = "Send Base64 of the ciphertext, “|”, Base64 of the initialisation vector, or whichever container DOKU told you to use."
_RECIPES = {
    Container.CIPHERTEXT_IV: _Recipe(_BARRED),
    Container.CIPHERTEXT_IV_256: _Recipe(
        _BARRED, "Take the 32 octets of SHA-256 of the shared key's text as the AES-256 key.", "aes-256-cbc"
    ),
    Container.IV_PREFIXED: _Recipe(
        "Send Base64 of the initialisation vector and the ciphertext behind it, encoded as one, or whichever container DOKU told you to use."
    ),
    Container.SALTED: _Recipe(
        "Send Base64 of “Salted__”, the salt and the ciphertext, as CryptoJS and openssl enc write it, or whichever container DOKU told you to use.",
        "Derive key and vector from the shared key as the passphrase, with MD5 and for AES-256 (CryptoJS: AES.encrypt(text, sharedKey); openssl enc -aes-256-cbc -md md5).",
        "aes-256-cbc",
        "Draw 8 fresh random octets of salt for each cardData, and derive key and vector from them anew.",
    ),
}


def fix_for(fix: str, container: Container) -> str:
    """The sentence of a fix, for the container that is in force."""
    recipe = _RECIPES.get(container, _RECIPES[Container.CIPHERTEXT_IV])
    texts = {_CONTAINER_FIX: recipe.container, _KEY_FIX: recipe.key, _MODE_FIX: recipe.mode, _IV_FIX: recipe.vector}
    for gap, text in texts.items():
        fix = fix.replace(gap, text)
    return fix
