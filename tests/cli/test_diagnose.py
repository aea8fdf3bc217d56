"""`kki diagnose`: what it prints, and what it ends with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.diagnosis import wrong_cards as cards

Kki = Callable[..., Any]
SECRET = "SK-harness-secret-0001"
SHARED = "shared-key-of-the-test"
TOKEN = "tok-b2b-000123456789"
STAMP = "2026-05-26T10:00:00+07:00"
REFUND = "/direct-debit/core/v1/debit/refund"
OTP = "87654321"
BODY = json.dumps({"originalPartnerReferenceNo": "R" * 32, "otp": OTP, "reason": "café"}, separators=(",", ":"))


def signature(
    *, method: str = "POST", target: str = REFUND, token: str = TOKEN, body: str = BODY, key: str = SECRET,
    stamp: str = STAMP,
) -> str:  # fmt: skip
    text = f"{method}:{target}:{token}:{hashlib.sha256(body.encode()).hexdigest()}:{stamp}"
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha512).digest()).decode()


def message(sign: str, *, body: str = BODY, token: str = TOKEN) -> str:
    return (
        f"POST {REFUND} HTTP/1.1\nHost: localhost\nAuthorization: Bearer {token}\nX-TIMESTAMP: {STAMP}\n"
        f"X-SIGNATURE: {sign}\nX-PARTNER-ID: BRN-1\n\n{body}\n"
    )


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("KKI_TEST_SECRET", SECRET)
    return ["--client-secret", "env:KKI_TEST_SECRET"]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "request.txt"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_right_signature(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    ended = kki("diagnose", file(message(signature())), *secret)
    assert (ended.code, ended.err) == (0, "")
    assert "The signature is right." in ended.out


def test_a_wrong_one_is_named_with_its_fix_and_the_place(
    kki: Kki, secret: list[str], file: Callable[[str], str]
) -> None:
    ended = kki("diagnose", file(message(signature(method="post"))), *secret)
    assert ended.code == 1
    assert "The method was signed in lower case." in ended.out
    assert "Fix: Sign the method in upper case" in ended.out
    assert "Construction: method-lower-case. Requirement: KKI-SIG-010." in ended.out
    lines = ended.out.splitlines()
    place = lines.index("    string to sign")
    assert lines[place + 1].startswith("      theirs  post:/direct-debit")
    assert lines[place + 2].startswith("      ours    POST:/direct-debit")
    column = lines[place + 3].index("^")
    assert lines[place + 1][column] == "p"
    assert lines[place + 2][column] == "P"


def test_the_mark_stands_under_the_difference_in_a_long_text(
    kki: Kki, secret: list[str], file: Callable[[str], str]
) -> None:
    ended = kki("diagnose", file(message(signature(target=REFUND + "/"))), *secret)
    lines = ended.out.splitlines()
    place = lines.index("    string to sign")
    column = lines[place + 3].index("^")
    assert (lines[place + 1][column], lines[place + 2][column]) == ("/", ":")
    assert lines[place + 1][14:column] == lines[place + 2][14:column]


def test_json_is_one_document(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    ended = kki("diagnose", file(message(signature(token=f"Bearer {TOKEN}"))), *secret, "--format", "json")
    assert ended.code == 1
    (request,) = ended.document["requests"]
    (diagnosis,) = request["diagnoses"]
    assert (request["right"], diagnosis["outcome"]) == (False, "named")
    best = diagnosis["candidates"][0]
    assert best["constructions"] == ["bearer-kept"]
    assert best["requirements"] == ["KKI-SIG-010"]
    step = next(row for row in best["steps"] if row["step"] == "string to sign")
    assert step["theirs"][step["first_difference"] :].startswith("Bearer ")
    right = kki("diagnose", file(message(signature())), *secret, "--format", "json")
    assert (right.code, right.document["requests"][0]["right"]) == (0, True)


def test_what_nobody_named_is_said_honestly(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    ended = kki("diagnose", file(message(signature(key="quite another key"))), *secret)
    assert ended.code == 1
    assert "known constructions gives this signature" in ended.out
    assert "What it would have to be:" in ended.out
    assert "Construction:" not in ended.out


def test_explanations_that_fit_alike_are_listed(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    body = json.dumps(json.loads(BODY))
    ended = kki("diagnose", file(message(signature(body=body), body=body)), *secret)
    assert ended.code == 1
    assert "body-not-minified" in ended.out
    assert "have the same effect: " in ended.out
    assert "KKI-SIG-030" in ended.out


@pytest.mark.parametrize("more", [[], ["-v"], ["-vv"], ["--format", "json"]])
@pytest.mark.parametrize(
    "wrong", [{"method": "post"}, {"key": SHARED}, {"token": SECRET}, {"key": "unknown"}, {"body": f" {BODY}"}]
)
def test_no_secret_shows(
    kki: Kki, secret: list[str], file: Callable[[str], str], more: list[str], wrong: dict[str, str]
) -> None:
    ended = kki("diagnose", file(message(signature(**wrong))), *secret, "--shared-key", SHARED, *more)
    assert ended.code == 1
    for hidden in (SECRET, SHARED, TOKEN, OTP):
        assert hidden not in ended.out + ended.err


def test_standard_input_a_curl_line_and_a_har_file(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "X-TIMESTAMP": STAMP, "X-SIGNATURE": signature(method="Post")}
    curl = f"curl https://h.example{REFUND} " + " ".join(f"-H '{name}: {value}'" for name, value in headers.items())
    curl += f" --data-raw '{BODY}'"
    request = {
        "method": "POST", "url": f"https://h.example{REFUND}", "postData": {"text": BODY},
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
    }  # fmt: skip
    har = json.dumps({"log": {"entries": [{"request": request}]}})
    for ended in (
        kki("diagnose", "-", *secret, stdin=curl.encode()),
        kki("diagnose", curl, *secret),
        kki("diagnose", "-", *secret, stdin=har.encode()),
        kki("diagnose", file(har), *secret),
    ):
        assert (ended.code, ended.err) == (1, "")
        assert "method-capitalised" in ended.out


def test_by_hand(kki: Kki, secret: list[str], tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(BODY, encoding="utf-8")
    options = ["--path", REFUND, "--body", str(tmp_path / "b.json"), "--token", TOKEN, "--timestamp", STAMP, *secret]
    assert kki("diagnose", *options, "--signature", signature()).code == 0
    ended = kki("diagnose", *options, "--signature", signature(token="old-token"), "--earlier-token", "old-token")
    assert ended.code == 1
    assert "earlier-token" in ended.out


def test_one_of_several_entries(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    def line(name: str, sign: str, token: str) -> str:
        headers = [["Authorization", f"Bearer {token}"], ["X-TIMESTAMP", STAMP], ["X-SIGNATURE", sign]]
        request = {"method": "POST", "target": REFUND, "headers": headers, "body": BODY}
        return json.dumps({"id": name, "sent_at": STAMP, "request": request}) + "\n"

    sign = signature(token="first-token")
    lines = line("x1", sign, "first-token") + line("x2", sign, TOKEN)
    ended = kki("diagnose", file(lines), *secret)
    assert ended.code == 1
    assert "(x1)" in ended.out
    assert "earlier-token" in ended.out  # learnt from the first
    assert kki("diagnose", file(lines), "--entry", "x1", *secret).code == 0
    assert kki("diagnose", file(lines), "--entry", "1", *secret).code == 1
    last = kki("diagnose", file(lines), "--entry", "x2", *secret)
    assert "(x1)" not in last.out, "only that entry"
    assert "earlier-token" in last.out, "though what was before is known"
    wrong = kki("diagnose", file(lines), "--entry", "x9", *secret)
    assert wrong.code == 2
    assert wrong.err.startswith("--entry: expected")


def test_a_token_request_without_its_key_keeps_nothing_from_being_diagnosed(
    kki: Kki, secret: list[str], file: Callable[[str], str]
) -> None:
    head = [["X-CLIENT-KEY", "BRN-1"], ["X-TIMESTAMP", STAMP], ["X-SIGNATURE", "QUJD"]]
    token = {"method": "POST", "target": "/authorization/v1/access-token/b2b", "headers": head, "body": "{}"}
    signed = [["Authorization", f"Bearer {TOKEN}"], ["X-TIMESTAMP", STAMP], ["X-SIGNATURE", signature()]]
    refund = {"method": "POST", "target": REFUND, "headers": signed, "body": BODY}
    rows = [{"id": f"x{number}", "sent_at": STAMP, "request": each} for number, each in enumerate((token, refund))]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    ended = kki("diagnose", file(lines), *secret)
    assert ended.code == 4
    assert "Not diagnosed. Expected the client's RSA key" in ended.out
    assert "The signature is right." in ended.out
    assert kki("diagnose", file(lines), "--entry", "x1", *secret).code == 0
    assert kki("diagnose", file(lines), "--entry", "x0", *secret).code == 2


def test_a_right_signature_says_what_else_gives_401(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    said = " ".join(kki("diagnose", file(message(signature())), *secret).out.split())
    assert "If the server answers 401 all the same: does it keep another secret" in said


def test_the_line_that_is_no_json_is_named(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    good = {"method": "POST", "target": REFUND, "headers": [], "body": ""}
    text = json.dumps({"id": "x1", "sent_at": STAMP, "request": good}) + '\n{"id": nonsense}\n'
    assert "line 2: expected JSON, but could not read it: Expecting value: line 1" in kki(
        "diagnose", file(text), *secret
    ).err


def test_microseconds_are_tried_on_request(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    path = file(message(signature(stamp=STAMP.replace("+07", ".000321+07"))))
    assert "known constructions gives this signature" in kki("diagnose", path, *secret).out
    ended = kki("diagnose", path, *secret, "--microseconds")
    assert ended.code == 1
    assert "Construction: milliseconds-added." in ended.out


def test_hidden_values_cannot_be_decided(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    ended = kki("diagnose", file(message(signature(), token="‹bearer:1a2b3c›")), *secret)
    assert ended.code == 4
    assert "hidden when the recording was made" in ended.out


@pytest.mark.parametrize("token", ["[REDACTED]", "eyJhbGci****", "***"])
def test_nor_can_those_that_another_tool_hid(
    kki: Kki, secret: list[str], file: Callable[[str], str], token: str
) -> None:
    ended = kki("diagnose", file(message(signature(), token=token)), *secret)
    assert ended.code == 4
    assert "hidden when the recording was made" in ended.out


def test_a_request_without_its_token_cannot_be_decided(
    kki: Kki, secret: list[str], file: Callable[[str], str]
) -> None:
    ended = kki("diagnose", file(message(signature()).replace(f"Authorization: Bearer {TOKEN}\n", "")), *secret)
    assert ended.code == 4
    assert "the request has no Authorization" in ended.out


def test_a_body_that_a_recorder_left_out_cannot_be_decided(
    kki: Kki, secret: list[str], file: Callable[[str], str]
) -> None:
    head = message(signature()).partition("\n\n")[0].splitlines()[1:]
    lines = [dict(zip(("name", "value"), line.split(": ", 1), strict=True)) for line in head]
    request = {"method": "POST", "url": "https://h.example" + REFUND, "headers": lines, "bodySize": 86}
    ended = kki("diagnose", file(json.dumps({"request": request})), *secret)
    assert ended.code == 4
    assert "hidden when the recording was made" in ended.out


def test_a_token_request_by_the_profile(
    kki: Kki, write_profile: Callable[..., Path], pair: tuple[str, str], file: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CARD_TOKEN", "card-token-0001")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = serialization.load_pem_private_key(pair[0].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    client = "BRN-0001-0000000000001"
    for text, code, word in (
        (f"{client}|{STAMP}", 0, "is right"),
        (f"{STAMP}|{client}", 1, "Client id and timestamp were signed in the wrong order."),
    ):
        sign = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        raw = (
            f"POST /authorization/v1/access-token/b2b HTTP/1.1\nX-CLIENT-KEY: {client}\nX-TIMESTAMP: {STAMP}\n"
            f'X-SIGNATURE: {sign}\n\n{{"grantType":"client_credentials"}}'
        )
        ended = kki("diagnose", file(raw), "--profile", str(write_profile()))
        assert ended.code == code, ended.out + ended.err
        assert word in ended.out


def test_card_data_of_a_binding(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    card = base64.b64encode(b'{"bankCardNo":"9360001609987000000","expiryDate":"1230"}').decode()
    body = json.dumps({"cardData": card, "custIdMerchant": "c1"}, separators=(",", ":"))
    target = "/direct-debit/core/v1/registration-card-bind"
    sign = signature(target=target, body=body)
    ended = kki("diagnose", file(message(sign, body=body).replace(REFUND, target)), *secret, "--shared-key", SHARED)
    assert ended.code == 1
    assert "The card data is wrong." in ended.out
    assert "cardData is not encrypted at all: only Base64-encoded." in ended.out
    assert "9360001609987000000" not in ended.out
    assert card not in ended.out


BIND = "/direct-debit/core/v1/registration-card-bind"


def recorded(*messages: tuple[str, str, str]) -> str:
    """A HAR file of requests: target, body, X-EXTERNAL-ID; all within one second, each rightly signed."""
    entries = []
    for target, body, external in messages:
        headers = {
            "Authorization": f"Bearer {TOKEN}", "X-TIMESTAMP": STAMP, "X-EXTERNAL-ID": external,
            "X-SIGNATURE": signature(target=target, body=body),
        }  # fmt: skip
        request = {
            "method": "POST", "url": f"https://h.example{target}", "postData": {"text": body},
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
        }  # fmt: skip
        reply = {"status": 409, "headers": [], "content": {"text": '{"responseCode":"4090100"}'}}
        entries.append({"request": request, "response": reply})
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def binding(reference: str, text: str) -> str:
    return json.dumps({"partnerReferenceNo": reference, "cardData": text}, separators=(",", ":"))


def test_a_binding_tried_again_with_the_very_card_data_is_right(
    kki: Kki, secret: list[str], file: Callable[[str], str]
) -> None:
    sealed = cards.barred(cards.cbc())
    tries = (("B1", "1"), ("B1", "2"), ("B2", "3"))
    har = recorded(*((BIND, binding(reference, sealed), external) for reference, external in tries))
    ended = kki("diagnose", file(har), *secret, "--shared-key", cards.SHARED)
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert ended.out.count("The signature is right.") == 3


def test_a_vector_used_for_other_card_data_is_named(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    other = cards.barred(cards.cbc(cards.compact({**cards.CARD, "expiryDate": "1131"})))
    har = recorded((BIND, binding("B1", cards.barred(cards.cbc())), "1"), (BIND, binding("B1", other), "2"))
    ended = kki("diagnose", file(har), *secret, "--shared-key", cards.SHARED)
    assert ended.code == 1
    assert "Construction: card-iv-reused. Requirement: KKI-CRD-016." in ended.out


def test_a_request_tried_again_is_no_signature_used_again(
    kki: Kki, file: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KKI_TEST_SECRET", "of another environment")
    har = recorded((REFUND, BODY, "1"), (REFUND, BODY, "2"))
    ended = kki("diagnose", file(har), "--client-secret", "env:KKI_TEST_SECRET")
    assert ended.code == 1
    assert ended.out.count("known constructions gives this signature") == 2
    assert "Construction:" not in ended.out


@pytest.mark.parametrize("by_profile", [False, True])
def test_a_reference_that_the_client_did_not_resolve(
    by_profile: bool, kki: Kki, secret: list[str], file: Callable[[str], str], write_profile: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CARD_TOKEN", "card-token-0001")
    profile = write_profile(replaced={"SK-canary-1f0c77-never-shown": "env:KKI_TEST_SECRET"})
    options = ["--profile", str(profile)] if by_profile else secret
    ended = kki("diagnose", file(message(signature(key="env:KKI_TEST_SECRET"))), *options)
    assert ended.code == 1
    assert "The key is the text “env:KKI_TEST_SECRET”" in ended.out
    assert SECRET not in ended.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Expected a file with the request, or all of its parts by hand"),
        (["--path", REFUND], "--signature, --timestamp, --token, --body is missing"),
        (["no-such-file"], "could not read no-such-file"),
        (["no-such-file", "--token", "x"], "Expected either a message or its parts by hand"),
        (["-"], "it is empty"),
        (["-", "--profile", "no-such.toml"], "there is no such file"),
        (["-", "--client-secret", "env:KKI_NOT_SET"], "KKI_NOT_SET"),
    ],
)
def test_the_operators_mistakes(
    kki: Kki, options: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KKI_NOT_SET", raising=False)
    ended = kki("diagnose", *options)
    assert ended.code == 2
    assert sentence in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_a_secret_is_asked_for_and_a_signature_too(kki: Kki, secret: list[str], file: Callable[[str], str]) -> None:
    ended = kki("diagnose", file(message(signature())))
    assert ended.code == 2
    assert "Expected the client secret, by --client-secret or the profile" in ended.err
    unsigned = "\n".join(line for line in message("x").splitlines() if "X-SIGNATURE" not in line)
    ended = kki("diagnose", file(unsigned), *secret)
    assert ended.code == 2
    assert "Expected a request with X-SIGNATURE" in ended.err
