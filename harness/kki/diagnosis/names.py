"""The named wrong constructions: what each does wrong and how to put it right, in one plain sentence each.

`{}` in a sentence takes the detail that the search found, such as the separator or the number of seconds. `rank`: how
common the mistake is, 1 the commonest; it orders explanations that fit equally well. Known from DOKU's SDKs and pages
(escapes, spaced bodies, RSA variant, millisecond forms) and from what HMAC schemes in general are got wrong by.
"""

# ruff: noqa: E501 — a table: one mistake a line reads better than one mistake in four lines

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Ingredient(Enum):
    """The parts of a construction, in the order in which they are put together."""

    # Members are looked up some hundred thousand times in one search, and Enum's own hash is written in Python.
    __hash__ = object.__hash__

    METHOD = "method"
    TARGET = "path"
    TOKEN = "access token"
    CLIENT = "client id"  # the token's place in the signature of a token request
    BODY = "body"
    DIGEST = "body digest"
    TIME = "timestamp"
    LAYOUT = "string to sign"
    KEY = "key"
    ALGORITHM = "algorithm"
    ENCODING = "encoding"
    # of card data
    CONTAINER = "container"
    DERIVATION = "card key"
    MODE = "cipher mode"
    VECTOR = "initialisation vector"
    PADDING = "padding"
    PAYLOAD = "payload"


@dataclass(frozen=True, slots=True)
class Named:
    ingredient: Ingredient
    rank: int
    did: str
    fix: str


_I = Ingredient
_PATH_FIX = "Sign the path as it stands in the request line: from the first “/” after the host, with the query if any."
_TOKEN_FIX = "Sign the B2B access token of this very request: what stands after “Bearer ” in Authorization."
_BODY_FIX = (
    "Serialise the body once, compact, hash those bytes and send the same bytes "
    '(Python: raw = json.dumps(data, separators=(",", ":")).encode(), then data=raw; JavaScript: JSON.stringify(data)).'
)
_DIGEST_FIX = "Hash with SHA-256 and write the digest as 64 lower-case hexadecimal digits (Python: sha256(raw).hexdigest())."
_TIME_FIX = "Make the timestamp text once, and use that one text for X-TIMESTAMP and for the signature."
_LAYOUT_FIX = "Join METHOD, path, access token, body digest and timestamp in this order by “:”, with nothing after them."
_KEY_FIX = "Use the client secret as DOKU shows it, as its UTF-8 octets, neither decoded nor changed."
_HMAC_FIX = "Compute HMAC-SHA512 with the client secret as the key (Python: hmac.new(secret, text, hashlib.sha512).digest())."
_BASE64_FIX = "Write the octets in standard Base64 with padding (Python: base64.b64encode(mac).decode())."
_RSA_FIX = "Sign with RSA PKCS#1 v1.5 and SHA-256 under the private key (Java: SHA256withRSA; OpenSSL: dgst -sha256 -sign)."
_TOKEN_STRING_FIX = "Sign client id, “|” and timestamp in this order: X-CLIENT-KEY + \"|\" + X-TIMESTAMP."

NAMES: Mapping[str, Named] = {
    # --- method ---
    "method-lower-case": Named(_I.METHOD, 2, "The method was signed in lower case.", "Sign the method in upper case, as in the request line."),
    "method-capitalised": Named(_I.METHOD, 6, "The method was signed with only its first letter in upper case.", "Sign the method in upper case."),
    "method-other": Named(_I.METHOD, 4, "Another method was signed than was sent: {}.", "Sign the method of this very request."),
    "method-empty": Named(_I.METHOD, 5, "The method was left empty in the string to sign.", "Put the method, in upper case, first."),
    # --- path ---
    "full-url": Named(_I.TARGET, 2, "The whole URL was signed instead of the path.", _PATH_FIX),
    "host-and-path": Named(_I.TARGET, 4, "Host and path were signed instead of the path alone.", _PATH_FIX),
    "no-leading-slash": Named(_I.TARGET, 3, "The path was signed without its leading “/”.", _PATH_FIX),
    "trailing-slash": Named(_I.TARGET, 4, "The path was signed with a “/” at its end that the request does not have.", _PATH_FIX),
    "no-trailing-slash": Named(_I.TARGET, 4, "The path was signed without the “/” that ends it in the request.", _PATH_FIX),
    "double-slash": Named(_I.TARGET, 5, "The path was signed with two “/” in front.", _PATH_FIX),
    "query-left-out": Named(_I.TARGET, 2, "The path was signed without the query of the request.", _PATH_FIX),
    "path-empty": Named(_I.TARGET, 6, "The path was left empty in the string to sign.", _PATH_FIX),
    "path-lower-case": Named(_I.TARGET, 6, "The path was signed in lower case.", _PATH_FIX),
    "path-percent-encoded": Named(_I.TARGET, 5, "The path was percent-encoded before it was signed.", _PATH_FIX),
    "path-percent-decoded": Named(_I.TARGET, 5, "The path was percent-decoded before it was signed.", _PATH_FIX),
    "other-version-path": Named(_I.TARGET, 4, "The path of another version was signed: {}.", _PATH_FIX),
    "path-without-prefix": Named(_I.TARGET, 4, "The path was signed without its first segments, as {}.", _PATH_FIX),
    "path-with-prefix": Named(_I.TARGET, 6, "The path was signed with something in front of it: {}.", _PATH_FIX),
    "other-operation-path": Named(_I.TARGET, 3, "The path of another operation was signed: {}.", _PATH_FIX),
    # --- token ---
    "bearer-kept": Named(_I.TOKEN, 1, "The access token was signed with “Bearer ” in front of it.", _TOKEN_FIX),
    "customer-token": Named(_I.TOKEN, 2, "The customer token (B2B2C) was signed instead of the B2B access token.", _TOKEN_FIX),
    "no-token": Named(_I.TOKEN, 2, "The access token was left empty in the string to sign.", _TOKEN_FIX),
    "earlier-token": Named(_I.TOKEN, 2, "An earlier access token was signed than the one that was sent.", _TOKEN_FIX),
    "token-lower-case": Named(_I.TOKEN, 5, "The access token was signed in lower case.", "Sign the access token letter for letter."),
    "token-upper-case": Named(_I.TOKEN, 6, "The access token was signed in upper case.", "Sign the access token letter for letter."),
    "token-cut-short": Named(_I.TOKEN, 5, "Only the first {} characters of the access token were signed.", "Store and sign the whole access token; it may have up to 2048 characters."),
    "token-with-line-end": Named(_I.TOKEN, 5, "The access token was signed with white space at its end.", "Trim the access token before it is signed."),
    "token-with-blank": Named(_I.TOKEN, 2, "The token was signed with the blank in front of it that parts it from “Bearer”.", _TOKEN_FIX),
    "token-quoted": Named(_I.TOKEN, 5, "The access token was signed with quotation marks around it.", "Read the token out of the JSON reply rather than serialising it again."),
    "token-placeholder": Named(_I.TOKEN, 4, "The text “{}” was signed in the token's place.", "Wait for the token before signing: the variable held none."),
    "client-id-for-token": Named(_I.TOKEN, 4, "The client id was signed in the token's place.", _TOKEN_FIX),
    "secret-for-token": Named(_I.TOKEN, 6, "The client secret was signed in the token's place.", _TOKEN_FIX),
    # --- client id (token requests) ---
    "client-id-other": Named(_I.CLIENT, 3, "Another client id was signed than X-CLIENT-KEY carries.", "Sign the very text of X-CLIENT-KEY."),
    "client-id-empty": Named(_I.CLIENT, 4, "The client id was left empty in the string to sign.", _TOKEN_STRING_FIX),
    "client-id-lower-case": Named(_I.CLIENT, 5, "The client id was signed in lower case.", "Sign the very text of X-CLIENT-KEY."),
    "client-id-upper-case": Named(_I.CLIENT, 5, "The client id was signed in upper case.", "Sign the very text of X-CLIENT-KEY."),
    "client-id-with-blanks": Named(_I.CLIENT, 5, "The client id was signed with white space around it.", "Trim the client id before it is signed."),
    "secret-for-client-id": Named(_I.CLIENT, 5, "The client secret was signed in the client id's place.", _TOKEN_STRING_FIX),
    # --- body ---
    "body-not-minified": Named(_I.BODY, 1, "The body was hashed as it was sent, without being minified first.", "Hash the minified body; simplest is to send it minified too. " + _BODY_FIX),
    "body-spaced": Named(_I.BODY, 1, "The body was hashed with blanks after “,” and “:”, as Python's json.dumps writes by default.", _BODY_FIX),
    "body-indented": Named(_I.BODY, 2, "The body was hashed pretty-printed, with an indent of {}.", _BODY_FIX),
    "keys-sorted": Named(_I.BODY, 2, "The body was hashed with its members sorted by name.", "Keep the members in the order in which they are sent. " + _BODY_FIX),
    "non-ascii-escaped": Named(_I.BODY, 2, "The body was hashed with \\u escapes where it was sent with plain UTF-8.", "Hash the bytes that are sent (Python: json.dumps(…, ensure_ascii=False); PHP: JSON_UNESCAPED_UNICODE)."),
    "slash-escaped": Named(_I.BODY, 2, "The body was hashed with “\\/” for “/”, as PHP's json_encode writes by default.", "Hash the bytes that are sent (PHP: json_encode(…, JSON_UNESCAPED_SLASHES))."),
    "slash-and-non-ascii-escaped": Named(_I.BODY, 2, "The body was hashed with “\\/” and \\u escapes, as PHP's json_encode writes by default.", "Hash the bytes that are sent (PHP: JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)."),
    "html-escaped": Named(_I.BODY, 2, "The body was hashed with {} written as \\u escapes, as HTML-safe serialisers do.", "Hash the bytes that are sent (Go: SetEscapeHTML(false); Gson: disableHtmlEscaping(); .NET: JavaScriptEncoder.UnsafeRelaxedJsonEscaping)."),
    "reserialised": Named(_I.BODY, 2, "The body was parsed and written again before it was hashed, so that escapes or numbers differ from what was sent.", _BODY_FIX),
    "body-bom-sent": Named(_I.BODY, 1, "The body was sent with a byte order mark in front of it, which was not hashed.", "Send UTF-8 without a byte order mark, which JSON forbids (.NET: new UTF8Encoding(false); Python: utf-8, not utf-8-sig)."),
    "numbers-as-decimals": Named(_I.BODY, 3, "The body was hashed with its whole numbers written as decimals, 2.0 for 2, as Gson does with what it read into a Map.", "Do not parse the body again before it is hashed (Gson: setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE)). " + _BODY_FIX),
    "trailing-newline": Named(_I.BODY, 3, "The body was hashed with a line end after it.", "Hash the body without the line end that files and echo add (printf '%s', not echo)."),
    "body-trimmed-only": Named(_I.BODY, 4, "The body was hashed without the white space around it, but with that inside.", _BODY_FIX),
    "line-ends-removed-only": Named(_I.BODY, 3, "The body was hashed without its line ends, but with its other white space.", "Remove all insignificant white space, or better: " + _BODY_FIX),
    "all-blanks-removed": Named(_I.BODY, 3, "White space was removed inside the strings of the body too before it was hashed.", "Minify with a JSON serialiser, not by replacing blanks: those inside strings count. " + _BODY_FIX),
    "body-empty": Named(_I.BODY, 2, "No body at all was hashed, although one was sent.", "Hash the body that is sent; the signer was called before it existed, or as for GET."),
    "body-empty-object": Named(_I.BODY, 3, "An empty JSON value, {}, was hashed instead of the body that was sent.", "Hash the body that is sent."),
    "body-json-twice": Named(_I.BODY, 3, "The body was serialised twice: a JSON string that holds JSON was hashed.", "Serialise once: what is passed to the signer is text already. " + _BODY_FIX),
    "body-lower-case": Named(_I.BODY, 4, "The body was hashed in lower case.", "Only the hexadecimal digest is in lower case, not the body: lower(hex(sha256(minify(body))))."),
    "body-printed": Named(_I.BODY, 4, "The text form of the programme's own object was hashed: {}.", "Serialise to JSON before hashing. " + _BODY_FIX),
    "body-form-encoded": Named(_I.BODY, 4, "The body was hashed form-encoded (a=b&c=d).", "Hash the JSON that is sent."),
    "member-left-out": Named(_I.BODY, 4, "The body was hashed without its member {}: it was signed before that was added.", "Complete the body first, then sign, then send the same bytes."),
    "nulls-left-out": Named(_I.BODY, 3, "The body was hashed without its members that are null.", _BODY_FIX),
    "empty-left-out": Named(_I.BODY, 5, "The body was hashed without its empty members.", _BODY_FIX),
    "body-other-charset": Named(_I.BODY, 5, "The body was hashed in {} instead of the UTF-8 that was sent.", "Hash the UTF-8 octets that are sent."),
    # --- digest ---
    "digest-upper-case": Named(_I.DIGEST, 1, "The body digest was written in upper-case hexadecimal.", _DIGEST_FIX),
    "digest-base64": Named(_I.DIGEST, 2, "The body digest was written in Base64 instead of hexadecimal.", _DIGEST_FIX),
    "digest-of-digest": Named(_I.DIGEST, 3, "The body was hashed twice.", _DIGEST_FIX),
    "digest-other-hash": Named(_I.DIGEST, 3, "The body was hashed with {} instead of SHA-256.", _DIGEST_FIX),
    "digest-keyed": Named(_I.DIGEST, 4, "The body digest is an HMAC ({}) instead of a plain SHA-256.", _DIGEST_FIX),
    "digest-empty": Named(_I.DIGEST, 3, "The body digest was left empty in the string to sign.", _DIGEST_FIX),
    "digest-prefixed": Named(_I.DIGEST, 4, "The body digest was signed with “{}” in front of it.", _DIGEST_FIX),
    "digest-zeros-lost": Named(_I.DIGEST, 2, "The hexadecimal body digest lost zeros: {}. Other bodies may have none to lose.", "Write two hexadecimal digits for each octet (Java: HexFormat.of().formatHex(…), not BigInteger or Integer.toHexString). " + _DIGEST_FIX),
    "digest-hyphenated": Named(_I.DIGEST, 2, "The body digest was written with hyphens between its octets.", "Write the digits alone (.NET: Convert.ToHexString(…).ToLowerInvariant(), not BitConverter). " + _DIGEST_FIX),
    "body-for-digest": Named(_I.DIGEST, 2, "The body itself was signed in the place of its digest.", _DIGEST_FIX),
    # --- time ---
    "timestamp-z-form": Named(_I.TIME, 1, "The time was signed as UTC with Z, but X-TIMESTAMP has another form.", _TIME_FIX),
    "timestamp-other-zone": Named(_I.TIME, 1, "The same moment was signed in another zone: {}.", _TIME_FIX),
    "timestamp-other-label": Named(_I.TIME, 2, "The time was signed with another zone after the same hour: {}.", _TIME_FIX),
    "timestamp-without-zone": Named(_I.TIME, 2, "The time was signed without a zone.", _TIME_FIX),
    "milliseconds-added": Named(_I.TIME, 2, "The time was signed with a fraction of a second that X-TIMESTAMP lacks.", _TIME_FIX),
    "milliseconds-dropped": Named(_I.TIME, 2, "The time was signed without the fraction of a second that X-TIMESTAMP has.", _TIME_FIX),
    "milliseconds-other": Named(_I.TIME, 3, "The time was signed with another number of digits after the second than X-TIMESTAMP has.", _TIME_FIX),
    "timestamp-epoch": Named(_I.TIME, 3, "The time was signed as {} since 1970.", _TIME_FIX),
    "timestamp-other-form": Named(_I.TIME, 3, "The time was signed in another form: {}.", _TIME_FIX),
    "timestamp-shifted": Named(_I.TIME, 1, "Another moment was signed than X-TIMESTAMP carries: {}. The clock was read twice.", _TIME_FIX),
    "timestamp-empty": Named(_I.TIME, 4, "The timestamp was left empty in the string to sign.", _TIME_FIX),
    # --- layout ---
    "separator": Named(_I.LAYOUT, 1, "The parts were joined by {}.", _LAYOUT_FIX),
    "order": Named(_I.LAYOUT, 2, "The parts stand in another order: {}.", _LAYOUT_FIX),
    "part-missing": Named(_I.LAYOUT, 2, "The string to sign lacks a part: {}.", _LAYOUT_FIX),
    "parts-missing": Named(_I.LAYOUT, 5, "The string to sign lacks two parts: {}.", _LAYOUT_FIX),
    "part-added": Named(_I.LAYOUT, 4, "The string to sign has a part too many: {}.", _LAYOUT_FIX),
    "separator-at-end": Named(_I.LAYOUT, 3, "The string to sign ends with a separator.", _LAYOUT_FIX),
    "separator-in-front": Named(_I.LAYOUT, 5, "The string to sign begins with a separator.", _LAYOUT_FIX),
    "line-end-at-end": Named(_I.LAYOUT, 2, "The string to sign has a line end after it.", "Sign the string without the line end (printf '%s', not echo)."),
    "string-lower-case": Named(_I.LAYOUT, 4, "The whole string to sign was put in lower case.", _LAYOUT_FIX),
    "string-upper-case": Named(_I.LAYOUT, 5, "The whole string to sign was put in upper case.", _LAYOUT_FIX),
    "token-request-string": Named(_I.LAYOUT, 3, "Client id and timestamp were signed, as for a token request.", _LAYOUT_FIX),
    "older-doku-string": Named(_I.LAYOUT, 3, "The string of DOKU's older, non-SNAP signature was signed (Client-Id:…, Request-Id:…, Digest:…).", "KKI is a SNAP API: " + _LAYOUT_FIX),
    "swapped": Named(_I.LAYOUT, 1, "Client id and timestamp were signed in the wrong order.", _TOKEN_STRING_FIX),
    "transaction-string": Named(_I.LAYOUT, 3, "The string of a transaction ({}) was signed for a token request.", _TOKEN_STRING_FIX),
    # --- key ---
    "key-trimmed": Named(_I.KEY, 3, "The key is the client secret without the white space around it.", _KEY_FIX),
    "key-with-line-end": Named(_I.KEY, 1, "The key is the client secret with a line end after it, as read from a file.", "Strip the line end when the secret is read from a file or a variable."),
    "key-with-escape": Named(_I.KEY, 3, "The key is the client secret with the two characters “\\n” after it.", "Remove them from the setting that holds the secret: nothing there makes a line end of them."),
    "key-with-blank": Named(_I.KEY, 4, "The key is the client secret with a blank beside it.", "Trim the client secret."),
    "key-base64-decoded": Named(_I.KEY, 2, "The client secret was Base64-decoded before it served as the key.", _KEY_FIX),
    "key-base64-encoded": Named(_I.KEY, 4, "The client secret was Base64-encoded before it served as the key.", _KEY_FIX),
    "key-hex-decoded": Named(_I.KEY, 2, "The client secret was decoded from hexadecimal before it served as the key.", _KEY_FIX),
    "key-hex-encoded": Named(_I.KEY, 5, "The client secret was hex-encoded before it served as the key.", _KEY_FIX),
    "key-lower-case": Named(_I.KEY, 5, "The key is the client secret in lower case.", _KEY_FIX),
    "key-upper-case": Named(_I.KEY, 5, "The key is the client secret in upper case.", _KEY_FIX),
    "key-quoted": Named(_I.KEY, 4, "The key is the client secret with quotation marks around it.", "Remove the quotation marks from the setting that holds the secret."),
    "key-empty": Named(_I.KEY, 3, "The key is empty: the setting with the client secret was not read.", "Make sure that the client secret is loaded before signing."),
    "key-placeholder": Named(_I.KEY, 2, "The key is the text “{}”: the setting that holds the client secret was not read.", "Make sure that the client secret is loaded before signing, and that references to it are resolved."),
    "key-hashed": Named(_I.KEY, 5, "The key is a hash of the client secret ({}).", _KEY_FIX),
    "key-with-ampersand": Named(_I.KEY, 6, "The key is the client secret with “&” after it, as in OAuth 1.0.", _KEY_FIX),
    "key-without-prefix": Named(_I.KEY, 4, "The key is the client secret without its prefix.", "The prefix, such as “SK-”, belongs to the secret."),
    "key-other-charset": Named(_I.KEY, 5, "The key is the client secret in {} instead of UTF-8.", "Take the secret's UTF-8 octets (.NET: Encoding.UTF8, not Encoding.Unicode)."),
    "key-cut-short": Named(_I.KEY, 5, "The key is only the first {} characters of the client secret.", _KEY_FIX),
    "shared-key-for-secret": Named(_I.KEY, 1, "The key is the shared key, which is for card data, instead of the client secret.", "Sign with the client secret; the shared key encrypts cardData and nothing else."),
    "client-id-for-secret": Named(_I.KEY, 2, "The key is the client id instead of the client secret.", _KEY_FIX),
    "token-for-secret": Named(_I.KEY, 3, "The key is the access token instead of the client secret.", _KEY_FIX),
    "pem-for-secret": Named(_I.KEY, 4, "The key is the PEM text of an RSA key instead of the client secret.", _KEY_FIX),
    # --- algorithm ---
    "hmac-other-hash": Named(_I.ALGORITHM, 1, "The MAC is {} instead of HMAC-SHA512.", _HMAC_FIX),
    "plain-hash": Named(_I.ALGORITHM, 3, "The signature is a plain hash, {}, instead of an HMAC.", _HMAC_FIX),
    "key-and-text-swapped": Named(_I.ALGORITHM, 2, "Key and text were swapped: the string to sign was used as the key.", _HMAC_FIX),
    "string-hashed-first": Named(_I.ALGORITHM, 3, "The string to sign was hashed before the HMAC ({}).", "Give the string to sign itself to HMAC-SHA512. " + _HMAC_FIX),
    "rsa-for-hmac": Named(_I.ALGORITHM, 3, "The string to sign was signed with RSA ({}) instead of HMAC-SHA512.", _HMAC_FIX),
    "asymmetric-variant": Named(_I.ALGORITHM, 2, "The request has DOKU's asymmetric signature: RSA over METHOD:path:digest:timestamp.", "These operations take the symmetric signature. " + _HMAC_FIX),
    "token-signature-reused": Named(_I.ALGORITHM, 2, "The request has the signature of a token request: RSA over client id and timestamp.", "Only token requests are signed so. " + _HMAC_FIX),
    "rsa-other-hash": Named(_I.ALGORITHM, 2, "The RSA signature uses {} instead of SHA-256.", _RSA_FIX),
    "rsa-pss": Named(_I.ALGORITHM, 2, "The signature verifies under RSA-PSS ({}), not PKCS#1 v1.5.", _RSA_FIX),
    "rsa-hashed-twice": Named(_I.ALGORITHM, 3, "The string to sign was hashed before it was given to a signer that hashes once more ({}).", "Give the string to sign itself to the signer. " + _RSA_FIX),
    "rsa-without-hash-name": Named(_I.ALGORITHM, 4, "The RSA signature holds the bare {}, without PKCS#1's hash identifier.", _RSA_FIX),
    "hmac-for-rsa": Named(_I.ALGORITHM, 1, "The token request was signed with {} under the client secret instead of RSA.", _RSA_FIX),
    "symmetric-variant": Named(_I.ALGORITHM, 3, "The token request has a transaction's symmetric signature: HMAC-SHA512 over METHOD:path:{}digest:timestamp.", _RSA_FIX),
    "rsa-other-key": Named(_I.ALGORITHM, 1, "The signature was made with another private key than the one whose public half is registered.", "Register the public half of the key that signs, or sign with the private half of the key that is registered."),
    "rsa-without-hash": Named(_I.ALGORITHM, 4, "The text itself was padded and encrypted with the private key, without a hash.", _RSA_FIX),
    "signature-reused": Named(_I.ALGORITHM, 2, "The signature of an earlier request was sent again, though the two requests differ in their {}.", "Sign each request afresh, over its own body and its own X-TIMESTAMP."),
    # --- encoding ---
    "hex": Named(_I.ENCODING, 1, "The signature is written in hexadecimal instead of Base64.", _BASE64_FIX),
    "hex-upper-case": Named(_I.ENCODING, 2, "The signature is written in upper-case hexadecimal.", _BASE64_FIX),
    "hex-hyphenated": Named(_I.ENCODING, 2, "The signature is written in hexadecimal with hyphens between the octets, as .NET's BitConverter does.", _BASE64_FIX),
    "base64-for-hex": Named(_I.ENCODING, 2, "The signature is written in Base64 where the profile asks for hexadecimal.", "Write the octets as lower-case hexadecimal digits."),
    "base64-url": Named(_I.ENCODING, 2, "The signature is written in the URL-safe Base64 alphabet.", _BASE64_FIX),
    "base64-unpadded": Named(_I.ENCODING, 3, "The signature lacks the padding of its Base64.", _BASE64_FIX),
    "base64-url-unpadded": Named(_I.ENCODING, 3, "The signature is written in URL-safe Base64 without padding.", _BASE64_FIX),
    "base64-of-hex": Named(_I.ENCODING, 1, "The signature is the Base64 of the hexadecimal text, not of the octets.", "Encode the raw octets (Python: .digest(), not .hexdigest(); PHP: hash_hmac(…, true)). " + _BASE64_FIX),
    "base64-twice": Named(_I.ENCODING, 3, "The signature was Base64-encoded twice.", _BASE64_FIX),
    "hex-of-base64": Named(_I.ENCODING, 5, "The signature is the hexadecimal text of its Base64.", _BASE64_FIX),
    "white-space": Named(_I.ENCODING, 2, "The signature has white space or line ends in or around it.", "Write the Base64 on one line (Java: Base64.getEncoder(), not the MIME one; openssl: -A)."),
    "percent-encoded": Named(_I.ENCODING, 4, "The signature is percent-encoded.", "A header value is not percent-encoded. " + _BASE64_FIX),
    "quoted": Named(_I.ENCODING, 4, "The signature stands in quotation marks.", _BASE64_FIX),
    "prefixed": Named(_I.ENCODING, 3, "The signature has “{}” in front of it.", "X-SIGNATURE holds the Base64 text and nothing else."),
    "cut-short": Named(_I.ENCODING, 4, "The signature is cut short: {}.", "Send the signature whole; look for a column or a variable that is too short."),
    "lengthened": Named(_I.ENCODING, 4, "The signature has more text after it.", "X-SIGNATURE holds the Base64 text and nothing else."),
    "plus-as-blank": Named(_I.ENCODING, 3, "The signature has blanks where its Base64 has “+”, as after a URL-decoding.", "A header value is not URL-encoded: send the Base64 as it is."),
    "bytes-printed": Named(_I.ENCODING, 3, "The signature is the printed form of a bytes object, b'…'.", "Decode the octets to text first (Python: base64.b64encode(mac).decode())."),
    "case-lost": Named(_I.ENCODING, 4, "The letters of the signature were all put in {} case, which Base64 does not survive.", _BASE64_FIX),
}  # fmt: skip
