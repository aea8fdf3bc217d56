"""Secrets stop here: whatever encoding a planted value wears, it is gone, and the evidence around it stays."""

from __future__ import annotations

import base64
import json
import string
from dataclasses import fields, replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.profile import Credentials, Profile, TestData
from kki.model.requirement import Party
from kki.model.verdict import Broken, Finding, Unknown, Verdict
from kki.redaction import PSEUDONYM, Redactor, names, redactor_for

SALT = b"a salt for tests"
SECRET = "SK-canary/+0001==x"
CPAN = "9360001609987000000"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJET0tVIn0.c2lnbmF0dXJlLW9mLXRva2Vu"


def redactor(*secrets: str, kind: str = "client-secret") -> Redactor:
    return Redactor({kind: secrets}, salt=SALT)


def exchange(
    body: bytes = b"{}", *headers: tuple[str, str], reply: bytes | None = None, target: str = "/p"
) -> Exchange:
    return Exchange(
        id="x1",
        request=Request(method="POST", target=target, headers=Headers(headers), body=body),
        response=None if reply is None else Response(status=200, body=reply),
        sent_at=datetime(2026, 5, 26, tzinfo=UTC),
    )


def hidden_in(text: str) -> str:
    match = PSEUDONYM.search(text)
    assert match is not None, text
    return match[0]


# --- known values, wherever they stand ---------------------------------------------------------------------------


def every_escape(value: str) -> dict[str, str]:
    data = value.encode()
    return {
        "plain": value,
        "other case": value.swapcase(),
        "percent": quote(value, safe=""),
        "percent, lower case": quote(value, safe="").lower(),
        "percent, each character": "".join(f"%{byte:02X}" for byte in data),
        "percent twice": quote(quote(value, safe=""), safe=""),
        "json": json.dumps(value)[1:-1],
        "json, slashes escaped": json.dumps(value)[1:-1].replace("/", "\\/"),
        "json, each character": "".join(f"\\u{ord(char):04x}" for char in value),
        "json, upper case hex": "".join(f"\\u{ord(char):04X}" for char in value),
        "json in json": json.dumps(json.dumps({"a": value}))[1:-1],
        "html": "".join(f"&#x{ord(char):x};" for char in value),
        "html, decimal": "".join(f"&#{ord(char)};" for char in value),
        "hex": data.hex(),
        "utf-16": "\0".join(value),
        **{f"base64 behind {n} bytes": base64.b64encode(b"id:"[:n] + data).decode() for n in range(4)},
        "base64, url-safe": base64.urlsafe_b64encode(b"~~~" + data).decode().rstrip("="),
    }


def middle_of(text: str) -> str:
    """Base64 neighbours share bits with the value's edge: what must be gone is the middle."""
    return text[3:-3] if len(text) > 12 else text


@pytest.mark.parametrize("name", every_escape(SECRET))
def test_a_known_value_is_gone_in_each_encoding(name: str) -> None:
    written = every_escape(SECRET)[name]
    for around in ("{}", "path/{}/x?y={}", '{{"reason": "{}"}}', "<p>{}</p>", "…{}\n"):
        text = around.replace("{}", written) if "{{" not in around else around.replace("{}", written)[1:-1]
        shown = redactor(SECRET).text(text)
        assert written not in shown
        assert SECRET.lower() not in shown.lower()
        assert PSEUDONYM.search(shown)


words = st.text(string.ascii_letters + string.digits + "-._~+/=|:&%$#é", min_size=8, max_size=60).filter(
    lambda value: sum(char.isalnum() for char in value) >= 6 and len(set(value.lower())) > 4
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(secret=words, other=words, way=st.sampled_from(sorted(every_escape("x" * 8))), before=st.text(max_size=20))
def test_no_planted_value_is_left_in_any_encoding_and_place(secret: str, other: str, way: str, before: str) -> None:
    written = every_escape(secret)[way]
    subject = Redactor({"client-secret": [secret], "shared-key": [other]}, salt=SALT)
    body = json.dumps({"a": [before, {"reason": "x"}]}).replace('"x"', '"' + written.replace('"', "'") + '"').encode()
    shown = subject.exchange(
        exchange(body, ("X-Note", before + written), reply=b"\xff\x00" + written.encode(), target=f"/a/{written}?b=c")
    )
    assert shown.response is not None
    for place in (shown.request.target, shown.request.headers.pairs[0][1], shown.request.body, shown.response.body):
        data = place if isinstance(place, bytes) else place.encode()
        assert middle_of(written).encode().lower() not in data.lower()
        assert secret.encode() not in data


def test_what_is_around_a_value_stays_byte_for_byte() -> None:
    body = b'{"a" : 1.0e2,\t"b":"x' + SECRET.encode() + b'y","c":"\\u00e9\\/ \xff"}'
    shown = redactor(SECRET).body(body)
    assert shown.startswith(b'{"a" : 1.0e2,\t"b":"x\xe2\x80\xb9client-secret:')
    assert shown.endswith(b'y","c":"\\u00e9\\/ \xff"}')


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe\x00", b'{"amount": 12345678901}', "é😀".encode()])
def test_a_body_without_secrets_stays_as_it_is(body: bytes) -> None:
    assert redactor(SECRET).body(body) == body


def test_overlapping_values_leave_no_rest() -> None:
    shown = redactor("abcdefgh1234", "gh1234ijklmnop").text("abcdefgh1234ijklmnop")
    assert PSEUDONYM.fullmatch(shown)


def test_short_known_values_are_hidden_by_place_only() -> None:
    subject = redactor("1230", kind="card-data")
    assert subject.text("at 1230 hours") == "at 1230 hours"
    assert b"1230" not in subject.body(b'{"expiryDate":"1230"}')


# --- pseudonyms --------------------------------------------------------------------------------------------------


def test_equal_values_keep_equal_pseudonyms_whatever_the_place() -> None:
    subject = redactor(SECRET)
    seen = {hidden_in(subject.text(SECRET)), hidden_in(subject.body(f'"{SECRET}"'.encode()).decode())}
    assert seen == {subject.pseudonym("client-secret", SECRET)}
    assert subject.pseudonym("otp", "12345678") != subject.pseudonym("otp", "12345679")


def test_another_salt_gives_other_pseudonyms() -> None:
    assert Redactor(salt=b"one").pseudonym("otp", "12345678") != Redactor(salt=b"two").pseudonym("otp", "12345678")


def test_another_case_or_encoding_is_marked() -> None:
    subject = redactor(SECRET)
    assert hidden_in(subject.text(SECRET.swapcase())).endswith("~›")
    assert not hidden_in(subject.text(quote(SECRET, safe=""))).endswith("~›")


def test_redacting_twice_changes_nothing() -> None:
    body = json.dumps({"otp": "12345678", "chargeToken": CPAN, "accessToken": TOKEN, "note": SECRET}).encode()
    once = redactor(SECRET).body(body)
    assert Redactor(salt=b"another").body(once) == once


def test_pseudonyms_tell_the_profile_key_and_no_value() -> None:
    profile = Profile(test_data=TestData(otp="12345678", bank_card_tokens=("first-token-01", "second-token-02")))
    subject = redactor_for(profile, salt=SALT)
    keys = subject.pseudonyms()
    assert keys[subject.pseudonym("otp", "12345678")] == "test_data.otp"
    assert keys[subject.pseudonym("card-token", "second-token-02")] == "test_data.bank_card_tokens[1]"
    assert "12345678" not in json.dumps(keys)


# --- unknown values, by place and form ---------------------------------------------------------------------------

MEMBERS = "accessToken refreshToken authCode bankCardToken tokenId chargeToken otp cardData bankCardNo access_token OTP"


@pytest.mark.parametrize("member", MEMBERS.split())
def test_sensitive_members_are_hidden_at_any_depth_and_stay_json(member: str) -> None:
    body = json.dumps({"a": [{"b": {member: "Qq7-unknown-value"}}], "keep": "this"}, indent=1).encode()
    shown = redactor().body(body)
    assert b"Qq7-unknown" not in shown
    assert json.loads(shown)["keep"] == "this"
    assert PSEUDONYM.fullmatch(json.loads(shown)["a"][0]["b"][member])


def test_numbers_become_strings_so_that_json_stays_json() -> None:
    body = b'{"otp": 12345678, "n": 9360001609987000000, "deep": {"cardData": {"bankCardNo": 1, "x": [true, null]}}}'
    shown = json.loads(redactor().body(body))
    assert PSEUDONYM.fullmatch(shown["otp"])
    assert shown["n"].startswith("936000‹card:")
    assert shown["deep"]["cardData"]["x"] == [True, None]
    assert PSEUDONYM.fullmatch(shown["deep"]["cardData"]["bankCardNo"])


@pytest.mark.parametrize("value", ['""', "null", "true", '"  "'])
def test_an_absent_value_stays_visible(value: str) -> None:
    body = f'{{"otp":{value}}}'.encode()
    assert redactor().body(body) == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"otp": "Zz19-value", ',
        b'{"\\u006ftp": "Zz19-value"}',
        b'"{\\"otp\\": \\"Zz19-value\\"}"',
        b"otp=Zz19-value&a=b",
        b"<r><otp>Zz19-value</otp></r>",
        b"{'otp': 'Zz19-value'}",
        b"otp: Zz19-value\r\n",
        b'--b\r\nContent-Disposition: form-data; name="otp"\r\n\r\nZz19-value\r\n--b--',
        b'\xef\xbb\xbf{"otp":"Zz19-value"}',
    ],
)
def test_sensitive_names_are_found_in_bodies_that_are_no_json(body: bytes) -> None:
    shown = redactor().body(body)
    assert b"Zz19" not in shown
    assert b"otp" in shown.lower() or b"\\u006f" in shown


def test_headers_are_hidden_by_name() -> None:
    headers = Headers.of(
        [
            ("Authorization", f"Bearer {TOKEN}"),
            ("authorization-CUSTOMER", "customer-token-1"),
            ("X-SIGNATURE", "A" * 86 + "=="),
            ("Cookie", "session=abc; b=c"),
            ("X-PARTNER-ID", "BRN-0001-0000000000001"),
            ("X-EXTERNAL-ID", "41111111111111111111"),
            ("Authorization", "Bearer"),
            ("Authorization", "Bearer abc"),
        ]
    )
    shown = redactor().headers(headers).pairs
    assert PSEUDONYM.fullmatch(shown[0][1].removeprefix("Bearer "))
    assert PSEUDONYM.fullmatch(shown[1][1])
    assert shown[2][1] == "AAAAAAAA…"
    assert PSEUDONYM.fullmatch(shown[3][1])
    assert [value for _, value in shown[4:7]] == [value for _, value in headers.pairs[4:7]]
    assert "abc" not in shown[7][1]
    assert [name for name, _ in shown] == [name for name, _ in headers.pairs]


def test_a_token_with_something_added_is_another_value_and_one_in_other_case_is_marked() -> None:
    token = "opaque-token-00000001"
    subject = redactor(token, kind="bearer")

    def shown(value: str) -> str:
        return subject.headers(Headers.of([("Authorization", value)])).pairs[0][1]

    assert shown(f"Bearer {token}") == f"Bearer {subject.pseudonym('bearer', token)}"
    assert shown(f"Bearer {token.upper()}") == f"Bearer {subject.pseudonym('bearer', token, exact=False)}"
    assert PSEUDONYM.fullmatch(shown(f"Bearer {token}x").removeprefix("Bearer "))
    assert shown(f"Bearer {token}x") != shown(f"Bearer {token}")
    assert "another" not in shown(f"Bearer {token} another-long-secret-value")


def test_card_numbers_keep_six_and_four() -> None:
    shown = redactor().text(f"card {CPAN} and 4111 1111 1111 1111, not 4111111111111112 nor 93600016099870000001")
    assert shown.startswith("card 936000‹card:")
    assert "987" not in shown.split(",")[0]
    assert shown.endswith("nor 93600016099870000001")
    assert "411111‹card:" in shown
    assert "4111111111111112" in shown


def test_tokens_keys_and_signatures_are_known_by_their_form() -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nxyz\n-----END RSA PRIVATE KEY-----"
    text = f"got {TOKEN}; {pem}; mac {'b' * 128}; digest {'c' * 64}; https://me:pw@host/ Bearer abcdefgh12345678"
    shown = redactor().text(text)
    for gone in (TOKEN, "MIIB", "b" * 9, "me:pw", "abcdefgh1234"):
        assert gone not in shown
    assert "c" * 64 in shown


def test_prose_about_members_is_left_alone() -> None:
    for text in (
        "otp: expected 8 characters",
        "Authorization: Bearer and a token",
        "body /otp",
        "X-SIGNATURE is written in Base64, 88 characters",
        "test_signing.py::test_token[otp=null]",
        "customer-token-scheme=either",
    ):
        assert redactor().text(text) == text
    assert "12345678" not in redactor().text('expected "otp":"12345678"; otp=12345678')


def test_the_quick_look_finds_every_name_that_the_slow_one_knows() -> None:
    assert [name for name in names.KIND_OF_MEMBER if not names.may_name(f'"{name.upper()}"')] == []


# --- learning ----------------------------------------------------------------------------------------------------


def test_what_a_reply_brings_is_hidden_everywhere_from_then_on() -> None:
    subject = redactor()
    reply = json.dumps({"accessToken": "opaque-token-0001", "bankCardToken": "bct-77-abcdef"}).encode()
    shown = subject.exchange(exchange(b"{}", reply=reply, target="/x?t=opaque-token-0001"))
    assert "opaque" not in shown.request.target
    later = subject.exchange(exchange(b'{"reason":"for bct-77-abcdef"}', ("X-Any", "opaque-token-0001")))
    assert b"bct-77" not in later.request.body
    assert "opaque" not in later.request.headers.pairs[0][1]
    assert "bct-77" not in subject.text("the card bct-77-abcdef was refused")


def test_what_is_learned_later_hides_in_lines_that_were_shown_before() -> None:
    value = "kq83-zzT0p-mvXw71"
    mine, lines = redactor(), Headers((("X-Trace", f"id={value}"), ("Accept", "*/*")))
    assert mine.headers(lines) == lines == mine.headers(lines)
    mine.learn("bearer", value)
    assert value not in str(mine.headers(lines))
    assert mine.headers(lines).get("Accept") == "*/*"


def test_the_same_text_under_another_header_name_is_another_line() -> None:
    mine, number = redactor(), "4111111111111111"
    shown = mine.headers(Headers((("X-EXTERNAL-ID", number), ("X-Trace", number), ("Authorization", number))))
    assert shown.get("X-EXTERNAL-ID") == number
    assert number not in (shown.get("X-Trace"), shown.get("Authorization"))


def test_a_mutation_does_not_teach_common_words() -> None:
    subject = redactor()
    subject.exchange(exchange(b'{"bankCardToken":"string","otp":"00000000","chargeToken":"payment"}'))
    assert subject.text("a string for the payment of 10000000000") == "a string for the payment of 10000000000"


def test_a_cpan_is_one_pseudonym_as_charge_token_and_as_card() -> None:
    subject = redactor()
    shown = subject.exchange(exchange(json.dumps({"chargeToken": CPAN, "reason": f"for {CPAN}"}).encode()))
    body = json.loads(shown.request.body)
    assert body["reason"] == f"for {body['chargeToken']}"


# --- whole values ------------------------------------------------------------------------------------------------


def test_every_secret_of_the_profile_is_known_and_the_client_id_is_none() -> None:
    pem = (
        "-----BEGIN PRIVATE KEY-----\n"
        + "\n".join(f"{n}" * 64 for n in "aB3")
        + "\nshort==\n-----END PRIVATE KEY-----\n"
    )
    profile = Profile(
        credentials=Credentials(client_id="BRN-1", client_secret=SECRET, shared_key="sk-0123456789", private_key=pem),
        test_data=TestData(
            cpan=CPAN,
            otp="12345678",
            bank_card_tokens=("token-aaaa-1",),
            auth_code="auth-code-9",
            customer_token="customer-token-5",
            card={"bankCardNo": "9360001609987111111", "bankCardType": "D", "expiryDate": "1230"},
        ),
    )
    subject = redactor_for(profile, salt=SALT)
    text = f"BRN-1 {SECRET} sk-0123456789 {CPAN} 12345678 token-aaaa-1 auth-code-9 customer-token-5 9360001609987111111"
    shown = subject.text(f"{text} {pem} {'B' * 64} {pem!r}")
    for secret in (*text.split()[1:], "a" * 64, "B" * 64, "3" * 64):
        assert secret not in shown
    assert "BRN-1" in shown


def test_records_findings_and_verdicts_are_walked_through() -> None:
    subject = redactor(SECRET)
    finding = Finding(where=f"body {SECRET}", expected=SECRET, actual=f"x{SECRET}", diagnosis=SECRET)
    verdict = Verdict(requirement="KKI-SIG-010", exchange="x1", party=Party.CLIENT, judgement=Broken((finding,)))
    unknown = replace(verdict, judgement=Unknown(SECRET))
    record = Record(exchange=replace(exchange(), failure=SECRET), made_by=f"test[{SECRET}]", mutations=(SECRET,))
    shown = subject.anything({"a": [verdict, unknown, record, subject.finding(finding)], SECRET: {SECRET}})
    assert SECRET not in repr(shown)
    assert shown["a"][0].requirement == "KKI-SIG-010"
    assert shown["a"][0].party is Party.CLIENT


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 50_000, b"[" * 100_000, b'{"otp":"' * 12_000, b"%25" * 60_000, b"eyJ" * 60_000, b"4" * 200_000],
    ids=["quotes", "depth", "names", "percent", "jwt", "digits"],
)
def test_hostile_bodies_are_read_in_one_go(body: bytes) -> None:
    """What would be quadratic does not end here; bench/texts.py says what it costs."""
    shown = redactor(SECRET).body(body + b" " + SECRET.encode())
    assert shown
    assert SECRET.encode() not in shown


def test_no_secret_field_of_a_profile_is_forgotten() -> None:
    """Whatever `repr` hides is a secret, also one that somebody adds tomorrow."""
    planted: dict[str, str] = {}

    def filled(kind: type, prefix: str) -> dict[str, object]:
        made: dict[str, object] = {}
        for field in fields(kind):
            if field.repr:
                continue
            value = planted[f"{prefix}.{field.name}"] = f"canary-{prefix}-{field.name}-77"
            made[field.name] = (
                (value,) if field.name.endswith("tokens") else {"any": value} if field.name == "card" else value
            )
        return made

    profile = Profile(
        credentials=Credentials(**filled(Credentials, "credentials")),  # type: ignore[arg-type]
        other_partner=Credentials(**filled(Credentials, "other")),  # type: ignore[arg-type]
        test_data=TestData(**filled(TestData, "test-data")),  # type: ignore[arg-type]
    )
    subject = redactor_for(profile, salt=SALT)
    public = {name for name in planted if name.endswith("public_key")}  # no secret; hidden because it is long
    assert len(planted) >= 15
    left = {name for name, value in planted.items() if value in subject.text(f"seen: {value} here")}
    assert left == public


@pytest.mark.parametrize("separator", [" ", "-", ".", "  ", "\u00a0", "\u202f", " - ", "/", "_"])
@pytest.mark.parametrize("card", ["9360001609987000000", "1234567890123452"])
def test_a_card_number_in_groups_is_hidden(separator: str, card: str) -> None:
    grouped = separator.join(card[at : at + 4] for at in range(0, len(card), 4))
    redactor = Redactor({"card": [card]}, salt=b"s")
    for text in (f"card {grouped} refused", json.dumps({"responseMessage": f"card {grouped} refused"})):
        shown = redactor.text(text) + redactor.body(text.encode()).decode()
        assert grouped not in shown
        assert card[4:12] not in "".join(char for char in shown if char.isdigit())
        assert "refused" in shown


def test_numbers_that_are_no_known_card_stay_as_they_are() -> None:
    redactor = Redactor({"card": ["9360001609987000000"]}, salt=b"s")
    for text in ("1.2.3.4.5.6.7.8.9.0.1.2.3.4", "2026-11-24T10:00:00.123456+07:00", "12.345678901234567", "a 1 2 3 4"):
        assert redactor.text(text) == text
