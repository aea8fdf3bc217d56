"""sign, verify, seal, open, code: what they print, and what they end with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BODY = b'{"partnerReferenceNo":"INV-0001","chargeToken":"9360001609987000000","otp":"12345678"}'
# Computed by another implementation: openapi/vectors names it.
SIGNATURE = "lmBsSjwxqfuNVQ9Oscov6y2EutrDobryHMYZM+9DrSvR+TKF0UW+e2Bd1oPcMM0+rVflrFjJc0vEZ5r7xsqGLQ=="
DIGEST = "73c3d0824932838bd5367b03a91010a064c6c78e406e0c25104905408380af8b"
SEALED = (
    "r8FqrQ//2/1b3q85ykCZIg7DyPhGtFC5RPE1bERm3QJ9UEG29WyBySpf5Z/eMmxoAsAjMRI00XgYS8rmhoWmxzZW2QUZzNwmQEJv628MuxA="
    "|AAECAwQFBgcICQoLDA0ODw=="
)
SECRET = "SK-harness-0001"
Kki = Callable[..., Any]


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The options of the known vector; `body` may differ, and `secret` is a REF."""
    monkeypatch.setenv("KKI_TEST_SECRET", SECRET)

    def options(body: bytes = BODY, secret: str = "env:KKI_TEST_SECRET") -> list[str]:
        (tmp_path / "pay.json").write_bytes(body)
        path = "/direct-debit/core/v1/debit/payment-host-to-host"
        return [
            "--path", path, "--body", str(tmp_path / "pay.json"), "--token", "tok-b2b-0001",
            "--timestamp", "2026-05-26T10:00:00+07:00", "--client-secret", secret,
        ]  # fmt: skip

    return options


def test_sign_prints_the_known_signature_and_nothing_else(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    ended = kki("sign", *request_of())
    assert (ended.code, ended.out, ended.err) == (0, SIGNATURE + "\n", "")


def test_sign_drops_white_space_and_reads_standard_input(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    options = request_of()
    options[options.index("--body") + 1] = "-"
    ended = kki("sign", *options, stdin=b" " + BODY.replace(b",", b" ,\n") + b"\n")
    assert (ended.code, ended.out) == (0, SIGNATURE + "\n")


def test_sign_shows_every_step_on_request(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    steps = kki("sign", *request_of(), "--format", "json").document["steps"]
    assert list(steps) == ["minified", "digest", "string to sign", "mac", "signature"]
    assert steps["digest"] == DIGEST
    assert steps["string to sign"].endswith(f":tok-b2b-0001:{DIGEST}:2026-05-26T10:00:00+07:00")
    told = kki("sign", *request_of(), "-v")
    assert told.out == SIGNATURE + "\n"
    assert f"digest: {DIGEST}" in told.err


@pytest.mark.parametrize(
    ("given", "step", "says"),
    [
        (SIGNATURE[:-2], "encoding", "missing padding"),
        (SIGNATURE.replace("+", "-").replace("/", "_"), "encoding", "URL-safe"),
        ("96606c4a3c31a9fb8d550f4eb1ca2feb2d84badac3a1baf21cc61933ef43ad2b"
         "d1f93285d145be7b605dd683dc30cd3ead57e5ac58c9734bc4679afbc6ca862d", "encoding", "hexadecimal"),
        ("A" + SIGNATURE[1:], "mac", "another MAC"),
        ("xxx", "mac", "88 characters were expected, but got 3"),
        ("", "encoding", "empty"),
    ],
)  # fmt: skip
def test_verify_names_the_first_step_that_differs(
    kki: Kki, request_of: Callable[..., list[str]], given: str, step: str, says: str
) -> None:
    ended = kki("verify", *request_of(), "--signature", given)
    assert ended.code == 1
    assert f"First step that differs: {step}." in ended.out
    assert says in ended.out
    assert f"signature: {SIGNATURE}" in ended.out  # our own steps stand beside it


def test_verify_sees_that_the_body_was_not_minified(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    from kki.snap import signature

    spaced = BODY.replace(b":", b": ")
    made = signature.sign_raw(
        method="POST", target="/direct-debit/core/v1/debit/payment-host-to-host", body=spaced, token="tok-b2b-0001",
        timestamp="2026-05-26T10:00:00+07:00", client_secret=SECRET,
    )  # fmt: skip
    found = kki("verify", *request_of(spaced), "--signature", made.signature, "--format", "json")
    assert found.code == 1
    assert (found.document["right"], found.document["first_difference"]) == (False, "minified")


def test_verify_right(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    assert kki("verify", *request_of(), "--signature", SIGNATURE).code == 0
    found = kki("verify", *request_of(), "--signature", SIGNATURE, "--format", "json")
    assert (found.code, found.document["right"], found.document["first_difference"]) == (0, True, None)


@pytest.mark.parametrize("more", [[], ["-v"], ["--format", "json"]])
@pytest.mark.parametrize("secret", ["env:KKI_TEST_SECRET", SECRET])
def test_the_secret_never_shows(
    kki: Kki, request_of: Callable[..., list[str]], more: list[str], secret: str
) -> None:
    for ended in (
        kki("sign", *request_of(secret=secret), *more),
        kki("verify", *request_of(secret=secret), "--signature", "wrong", *more),
        kki("sign", *request_of(b"{", secret=secret), *more),
    ):
        assert SECRET not in ended.out + ended.err


def test_a_body_that_is_no_json_is_the_operators(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    ended = kki("sign", *request_of(b'{"a":1,}'))
    assert ended.code == 2
    assert ended.err.startswith("--body: Expected")
    assert "octet 7" in ended.err
    assert ended.out == ""


def test_a_file_that_is_not_there_is_named(kki: Kki, request_of: Callable[..., list[str]]) -> None:
    options = request_of()
    options[options.index("--body") + 1] = "no/such.json"
    ended = kki("sign", *options)
    assert ended.code == 2
    assert "could not read no/such.json: No such file" in ended.err


def test_open_the_known_card_data(kki: Kki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", SECRET)
    ended = kki("open", "--card-data", SEALED, "--shared-key", "env:S")
    assert (ended.code, ended.err) == (0, "Container: ciphertext|iv\n")
    assert json.loads(ended.out) == {"bankCardNo": "9360001609987000000", "bankCardType": "C", "expiryDate": "1230"}
    found = kki("open", "--card-data", "-", "--shared-key", "env:S", "--format", "json", stdin=SEALED.encode() + b"\n")
    assert found.document["container"] == "ciphertext|iv"
    assert found.document["payload"]["expiryDate"] == "1230"


@pytest.mark.parametrize("container", ["ciphertext|iv", "salted", "iv-prefixed", "ciphertext|iv-256"])
def test_what_is_sealed_opens_again(kki: Kki, tmp_path: Path, container: str) -> None:
    (tmp_path / "card.json").write_text('{ "bankCardNo": "9360 0016", "é": 1 }\n', encoding="utf-8")
    made = kki("seal", "--card", str(tmp_path / "card.json"), "--shared-key", "key-1", "--container", container)
    assert made.code == 0
    again = kki("seal", "--card", str(tmp_path / "card.json"), "--shared-key", "key-1", "--container", container)
    assert made.out != again.out  # a fresh IV or salt each time
    opened = kki("open", "--card-data", made.out.strip(), "--shared-key", "key-1")
    assert (opened.code, opened.out) == (0, '{"bankCardNo":"9360 0016","é":1}\n')
    assert opened.err == f"Container: {container}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SEALED, "Is it the right shared key?"),
        ("rubbish!", "recognised none"),
        ("", "recognised none"),
        ("U2FsdGVkX18=", "looks like salted"),
        ("00" * 32, "looks like hex-no-iv"),
    ],
)
def test_what_stays_shut_ends_with_1_and_a_sentence(kki: Kki, text: str, says: str) -> None:
    ended = kki("open", "--card-data", text, "--shared-key", "another-key")
    assert (ended.code, ended.out) == (1, "")
    assert says in ended.err
    assert "another-key" not in ended.err
    found = kki("open", "--card-data", text, "--shared-key", "another-key", "--format", "json")
    assert (found.code, found.document["payload"]) == (1, None)


@pytest.mark.parametrize("card", [b"[1]", b"rubbish", b"", b"\xff"])
def test_a_payload_has_to_be_an_object(kki: Kki, card: bytes) -> None:
    ended = kki("seal", "--card", "-", "--shared-key", "key-1", stdin=card)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--card: Expected")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("4045415", ("404", "54", "15", "Invalid OTP", "direct debit payment")),
        ("2000100", ("200", "01", "00", "Successful", "card registration")),
        ("2000700", ("refund",)),
        ("4017300", ("401", "73", "Unauthorized")),
    ],
)
def test_a_code_is_read(kki: Kki, code: str, says: tuple[str, ...]) -> None:
    ended = kki("code", code)
    assert ended.code == 0
    assert all(word in ended.out for word in says), ended.out
    found = kki("code", code, "--format", "json").document
    assert (found["status"], found["code"]) == (int(code[:3]), code)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("20054000", "Expected seven digits, but got 8."),
        ("404541", "Expected seven digits, but got 6."),
        ("404541x", "ASCII digits only"),
        ("٤٠٤٥٤١٥", "ASCII digits only"),
        ("9995400", "no status 999"),
        ("4045499", "status 404 has the cases 00, 01"),
        ("2009900", "Expected a known service, but 99 is none."),
    ],
)
def test_a_code_that_is_none_ends_with_1_and_why(kki: Kki, code: str, why: str) -> None:
    ended = kki("code", code)
    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err
    assert why in str(kki("code", code, "--format", "json").document["why"])


@pytest.mark.parametrize(
    "args",
    [
        ("seal", "--card", '{"bankCardNo":"9360001609987000000"}', "--shared-key", "k"),
        ("seal", "--card", "9360001609987000000", "--shared-key", "k"),
        ("seal", "--card", "{}", "--shared-key", "env:SK-canary-77"),
        ("seal", "--card", "{}", "--shared-key", "file:SK-canary-77"),
        ("sign", "--path", "/x", "--body", '{"otp":"SK-canary-77"}', "--token", "t", "--timestamp", "t",
         "--client-secret", "s"),
    ],
)  # fmt: skip
def test_what_was_given_in_place_of_a_name_is_not_quoted(kki: Kki, args: tuple[str, ...]) -> None:
    ended = kki(*args)
    assert ended.code == 2
    assert "canary" not in ended.err
    assert "9360001609987000000" not in ended.err


def test_a_token_may_come_with_its_scheme(kki: Kki) -> None:
    def signed(token: str) -> str:
        args = ("--path", "/x", "--body", "-", "--token", token, "--timestamp", "2026-05-26T10:00:00+07:00")
        return str(kki("sign", *args, "--client-secret", SECRET, stdin=b"{}").out)

    assert signed("Bearer abc") == signed("abc") == signed("bearer  abc")
