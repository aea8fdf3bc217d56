"""Bearer values and B2B tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kki.snap import crypto
from kki.snap.canonical import Malformed
from kki.snap.tokens import Claims, bearer, bearer_lenient, issue_b2b, peek, read_b2b

from .support import OTHER_PUBLIC_PEM, PRIVATE_PEM, PUBLIC_PEM, any_bytes, any_text, quick, vector_file

VECTOR = vector_file("token-signature.json")["token"]
NOON = datetime(2026, 5, 26, 12, 0, 0, tzinfo=UTC)
EXPECTED = Claims(
    issuer=VECTOR["issuer"],
    client_id=VECTOR["client_id"],
    expires=datetime.fromisoformat(VECTOR["expires"]),
    nonce=VECTOR["nonce"],
)
token68 = st.from_regex(r"[A-Za-z0-9\-._~+/]+=*", fullmatch=True)


def issued(**changed: str) -> str:
    arguments = {"client_id": "BRN-1", "private_key_pem": PRIVATE_PEM, "nonce": "n-1"} | changed
    token = issue_b2b(issued_at=NOON, **arguments)  # type: ignore[arg-type]
    assert isinstance(token, str), token
    return token


def part(value: object) -> str:
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def rs256(header: object, payload: object) -> str:
    """A token made without the code under test but for the RSA step: for headers and payloads it would never make."""
    key = crypto.private_key(PRIVATE_PEM)
    assert not isinstance(key, Malformed)
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(crypto.rsa_sha256_signature(key, text.encode()))}"


GOOD = {"exp": 1779765300, "iss": "DOKU", "clientId": "BRN-1"}
RS256 = {"alg": "RS256", "typ": "JWT"}


def step(token: str) -> str:
    result = read_b2b(token, PUBLIC_PEM)
    assert isinstance(result, Malformed), result
    return result.step


def test_the_vectors_token_is_read() -> None:
    assert read_b2b(VECTOR["text"], PUBLIC_PEM) == peek(VECTOR["text"]) == EXPECTED


def test_an_issued_token_is_read_back() -> None:
    claims = read_b2b(issued(), PUBLIC_PEM)
    expected = Claims(issuer="DOKU", client_id="BRN-1", expires=NOON + timedelta(seconds=900), nonce="n-1")
    assert claims == expected


def test_an_issued_token_is_a_jwt_of_dokus_payload() -> None:
    header, payload, signature = issued().split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"typ": "JWT", "alg": "RS256"}
    members = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert members == {"exp": 1779797700, "iss": "DOKU", "clientId": "BRN-1", "jti": "n-1"}
    assert len(base64.urlsafe_b64decode(signature + "==")) == 256


def test_the_nonce_tells_tokens_of_one_second_apart() -> None:
    assert issued(nonce="n-1") == issued(nonce="n-1") != issued(nonce="n-2")


UNICODE = st.text(st.characters(exclude_categories=["Cs"]))  # a header cannot hold half of a surrogate pair


@given(UNICODE, UNICODE, st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)))
@quick
def test_whatever_is_issued_is_read_back(client_id: str, nonce: str, at: datetime) -> None:
    token = issue_b2b(client_id=client_id, issued_at=at, lifetime_s=60, private_key_pem=PRIVATE_PEM, nonce=nonce)
    assert isinstance(token, str)
    claims = read_b2b(token, PUBLIC_PEM)
    assert isinstance(claims, Claims)
    assert (claims.client_id, claims.nonce) == (client_id, nonce)
    assert claims.expires == at.replace(microsecond=0) + timedelta(seconds=60)


def test_a_token_of_another_key_is_refused() -> None:
    result = read_b2b(issued(), OTHER_PUBLIC_PEM)
    assert isinstance(result, Malformed)
    assert result.step == "signature"


@pytest.mark.parametrize("at", [0, 1, 2], ids=["header", "payload", "signature"])
def test_one_changed_character_is_refused(at: int) -> None:
    parts = issued().split(".")
    middle = len(parts[at]) // 2
    swapped = "A" if parts[at][middle] != "A" else "B"
    parts[at] = parts[at][:middle] + swapped + parts[at][middle + 1 :]
    assert step(".".join(parts)) in {"signature", "form", "algorithm"}


def test_the_last_character_counts_too() -> None:
    token = issued()
    others = [token[:-1] + other for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    readable = [other for other in others if isinstance(read_b2b(other, PUBLIC_PEM), Claims)]
    assert readable == [token]


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None, 5, "RS384", "PS256", "ES256", "HS512"])
def test_no_algorithm_but_rs256(alg: object) -> None:
    assert step(rs256({"alg": alg}, GOOD)) == "algorithm"


def test_an_unsigned_token_is_refused() -> None:
    assert step(f"{part({'alg': 'none'})}.{part(GOOD)}.") == "form"
    assert step(f"{part({'alg': 'none'})}.{part(GOOD)}.AAAA") == "algorithm"


@pytest.mark.parametrize("alg", ["HS256", "RS256"])
def test_the_public_key_is_no_hmac_secret(alg: str) -> None:
    text = f"{part({'alg': alg})}.{part(GOOD)}"
    forged = hmac.new(PUBLIC_PEM.encode(), text.encode(), hashlib.sha256).digest()
    assert step(f"{text}.{part(forged)}") == {"HS256": "algorithm", "RS256": "signature"}[alg]


def test_critical_extensions_are_refused() -> None:
    assert step(rs256({"alg": "RS256", "b64": False, "crit": ["b64"]}, GOOD)) == "algorithm"


@pytest.mark.parametrize("extra", [{"kid": "1"}, {"x-doku": {"a": 1}}, {"jku": "http://localhost/keys"}])
def test_other_header_members_change_nothing(extra: dict[str, object]) -> None:
    assert isinstance(read_b2b(rs256({**RS256, **extra}, GOOD), PUBLIC_PEM), Claims)


@pytest.mark.parametrize("header", ["alg", ["alg"], 5, None, b"", b"\xff", b"[" * 400])
def test_a_header_that_is_no_object_is_malformed(header: object) -> None:
    assert step(rs256(header, GOOD)) == "form"


@pytest.mark.parametrize(
    "change",
    [{"exp": value} for value in (None, "900", True, 1.5, 10**30, -(10**30))]
    + [{"iss": None}, {"iss": 1}, {"clientId": None}, {"clientId": ["BRN-1"]}],
)
def test_claims_of_another_type_are_malformed(change: dict[str, object]) -> None:
    token = rs256(RS256, {**GOOD, **change})
    assert step(token) == "claims"
    assert peek(token) is None


@pytest.mark.parametrize("payload", [[], "x", b"", b"{", b'{"a":' * 9000, b'{"a":' * 9000 + b"1" + b"}" * 9000])
def test_a_payload_that_is_no_object_is_refused(payload: object) -> None:
    token = rs256(RS256, payload)
    assert isinstance(read_b2b(token, PUBLIC_PEM), Malformed)
    assert peek(token) is None


def test_a_nonce_is_not_required() -> None:
    assert read_b2b(rs256(RS256, GOOD), PUBLIC_PEM) == Claims(
        issuer="DOKU", client_id="BRN-1", expires=datetime.fromisoformat("2026-05-26T03:15:00Z")
    )


def test_peek_does_not_check_the_signature() -> None:
    token = VECTOR["text"].rpartition(".")[0] + ".AAAA"
    assert peek(token) == EXPECTED
    assert step(token) == "signature"


@pytest.mark.parametrize("pem", ["", "rubbish", PRIVATE_PEM])
def test_reading_with_an_unusable_key_is_malformed(pem: str) -> None:
    result = read_b2b(issued(), pem)
    assert isinstance(result, Malformed)
    assert result.step == "key"


def test_issuing_with_an_unusable_key_is_malformed() -> None:
    result = issue_b2b(client_id="BRN-1", issued_at=NOON, private_key_pem=PUBLIC_PEM, nonce="n")
    assert isinstance(result, Malformed)
    assert result.step == "key"


@given(any_text)
@quick
def test_any_text_is_read_or_malformed(token: str) -> None:
    assert isinstance(read_b2b(token, PUBLIC_PEM), Malformed)
    assert peek(token) is None


@given(any_bytes, any_bytes, any_bytes)
@quick
def test_any_three_parts_are_read_or_malformed(header: bytes, payload: bytes, signature: bytes) -> None:
    assert isinstance(read_b2b(f"{part(header)}.{part(payload)}.{part(signature)}", PUBLIC_PEM), Malformed)


simple = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)
names = st.sampled_from(["typ", "kid", "crit", "b64", "cty", "jwk", "jku", "x5u", "x5c", "zip", "enc"])


@given(st.dictionaries(names, simple, max_size=4))
@quick
def test_any_header_members_are_survived(members: dict[str, object]) -> None:
    result = read_b2b(rs256({**members, "alg": "RS256"}, GOOD), PUBLIC_PEM)
    assert isinstance(result, Claims | Malformed)


@given(token68)
@quick
def test_bearer_gives_the_token(token: str) -> None:
    assert bearer(f"Bearer {token}") == token
    assert bearer_lenient(f"bEARER  {token} ") == bearer_lenient(token) == token


@pytest.mark.parametrize("value", ["", "Bearer", "bearer abc", "BEARER abc", "abc", "Basic abc", " Bearer abc"])
def test_bearer_wants_its_scheme_in_exact_case(value: str) -> None:
    result = bearer(value)
    assert isinstance(result, Malformed)
    assert result.step == "scheme"


@pytest.mark.parametrize(
    "value", ["Bearer ", "Bearer  abc", "Bearer a b", "Bearer abc\n", "Bearer abç", "Bearer =", "Bearer a=b"]
)
def test_bearer_wants_one_token68(value: str) -> None:
    result = bearer(value)
    assert isinstance(result, Malformed)
    assert result.step == "token"


@given(any_text)
@quick
def test_bearer_never_raises(value: str) -> None:
    assert isinstance(bearer(value), str | Malformed)
    assert isinstance(bearer_lenient(value), str)
