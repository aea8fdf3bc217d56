"""X-SIGNATURE in every way that it is written: by whom which row is broken, and which refusals fit.

The right signature is computed here, by hand, from the formula: METHOD:path:token:digest:timestamp under HMAC-SHA512.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from kki.drafting.drafts import Draft
from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Unknown
from kki.snap import asymmetric

from .stage import Stage, broken, refused, said

LINE = "X-SIGNATURE"


@dataclass(frozen=True)
class Right:
    """What may be signed, and with what."""

    text: str
    secret: bytes

    def mac(self, algorithm: str = "sha512") -> bytes:
        return hmac.new(self.secret, self.text.encode(), algorithm).digest()


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def right_for(stage: Stage, taken: Exchange, body: bytes | None = None) -> Right:
    request, held = taken.request, stage.plan.credentials
    token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
    digest = hashlib.sha256(request.body if body is None else body).hexdigest().lower()
    stamp = request.headers.get("X-TIMESTAMP")
    return Right(f"POST:{request.target}:{token}:{digest}:{stamp}", (held.client_secret or "").encode())


def a_payment(stage: Stage) -> tuple[Exchange, Right]:
    """One whose MAC has other letters in Base64 for URLs, and one that is small before the padding: of a great one in
    lower case bits would be over, so that it would not be Base64 at all."""
    while True:
        taken = stage.client.send(stage.a("payment"), "r")
        right = right_for(stage, taken)
        text = b64(right.mac())
        if set("+/").intersection(text) and text[-3].islower():
            return taken, right


def signed(taken: Exchange, value: str) -> Exchange:
    return replace(taken, request=replace(taken.request, headers=taken.request.headers.having(LINE, value)))


Write = Callable[[Right], str]
# How it is written; rows of the client's, rows of a server that accepts it; and whether 400/01 fits as well as 401/00.
WRITTEN: dict[str, tuple[Write, str, str, bool]] = {
    "as it should be": (lambda right: b64(right.mac()), "", "", False),
    "hexadecimal": (lambda right: right.mac().hex(), "SIG-020", "SIG-140", True),
    "capital hexadecimal": (lambda right: right.mac().hex().upper(), "SIG-020", "SIG-140", True),
    "without padding": (lambda right: b64(right.mac()).rstrip("="), "SIG-020", "SIG-140", True),
    "for URLs": (lambda right: base64.urlsafe_b64encode(right.mac()).decode(), "SIG-020", "SIG-140", True),
    "for URLs, without padding": (
        lambda right: base64.urlsafe_b64encode(right.mac()).decode().rstrip("="), "SIG-020", "SIG-140", True,
    ),
    "in lower case": (lambda right: b64(right.mac()).lower(), "SIG-010", "SIG-130", False),
    "cut to 8": (lambda right: b64(right.mac())[:8], "SIG-010 SIG-020", "SIG-120", True),
    "cut to 7": (lambda right: b64(right.mac())[:7], "SIG-010 SIG-020", "SIG-110", True),
    "its last 8": (lambda right: b64(right.mac())[-8:], "SIG-010 SIG-020", "SIG-120", True),
    "its last 7": (lambda right: b64(right.mac())[-7:], "SIG-010 SIG-020", "SIG-110", True),
    "with text behind": (lambda right: b64(right.mac()) + "A", "SIG-010 SIG-020", "SIG-120", True),
    "with text before": (lambda right: "sig=" + b64(right.mac()), "SIG-010 SIG-020", "SIG-120", True),
    "HMAC-SHA256": (lambda right: b64(right.mac("sha256")), "SIG-010 SIG-020", "SIG-150", True),
    "HMAC-SHA384 in hexadecimal": (lambda right: right.mac("sha384").hex(), "SIG-010 SIG-020", "SIG-150", True),
    "HMAC-SHA256 in capitals": (lambda right: right.mac("sha256").hex().upper(), "SIG-010 SIG-020", "SIG-150", True),
    "HMAC-MD5": (lambda right: b64(right.mac("md5")), "SIG-010 SIG-020", "SIG-150", True),
    "HMAC-SHA1": (lambda right: b64(right.mac("sha1")), "SIG-010 SIG-020", "SIG-150", True),
    "HMAC-SHA224": (lambda right: b64(right.mac("sha224")), "SIG-010 SIG-020", "SIG-150", True),
    "HMAC-SHA384": (lambda right: b64(right.mac("sha384")), "SIG-010 SIG-020", "SIG-150", True),
    "as long as RSA's": (lambda _: b64(bytes(256)), "SIG-010 SIG-020", "SIG-150", True),
    "without a key": (lambda right: b64(hashlib.sha512(right.text.encode()).digest()), "SIG-010", "SIG-150", False),
    "without a key, in hexadecimal": (
        lambda right: hashlib.sha512(right.text.encode()).hexdigest(), "SIG-010 SIG-020", "SIG-150", True,
    ),
    "another MAC": (lambda right: b64(Right("x", right.secret).mac()), "SIG-010", "SIG-110", False),
    "another MAC in hexadecimal": (
        lambda right: Right("x", right.secret).mac().hex(), "SIG-010 SIG-020", "SIG-110", True,
    ),
    "63 hexadecimal digits and another": (lambda _: "0" * 63 + "!", "SIG-010 SIG-020", "SIG-110", True),
    "with bits over": (lambda right: b64(right.mac())[:-3] + "x==", "SIG-010 SIG-020", "SIG-110", True),
    "rubbish": (lambda _: "no signature at all!", "SIG-010 SIG-020", "SIG-110", True),
}  # fmt: skip


def rows(found: set[str], area: str) -> set[str]:
    return {row.removeprefix("KKI-") for row in found if row.startswith(f"KKI-{area}")}


@pytest.mark.parametrize("way", list(WRITTEN))
def test_a_way_to_write_a_signature(way: str) -> None:
    write, client, server, form = WRITTEN[way]
    stage = Stage()
    stage.send(stage.a("payment"))
    taken, right = a_payment(stage)
    taken = signed(taken, write(right))
    verdicts = stage.judge.judge(taken)
    assert rows(broken(verdicts, Party.CLIENT), "SIG") == set(client.split())
    assert rows(broken(verdicts, Party.SERVER), "SIG") == set(server.split())
    if client:
        for code, fits in (("4015400", True), ("4005401", form), ("4045401", False)):
            verdicts = stage.judge.judge(refused(taken, code, "Unauthorized. Signature"))
            assert bool(rows(broken(verdicts, Party.SERVER), "RSN-110")) is not fits, code


@pytest.mark.parametrize("way", list(WRITTEN))
def test_under_the_other_reading_hexadecimal_is_right(way: str) -> None:
    write = WRITTEN[way][0]
    stage = Stage(signature_encoding="hex")
    taken, over = a_payment(stage)
    verdicts = stage.judge.judge(signed(taken, write(over)))
    client = rows(broken(verdicts, Party.CLIENT), "SIG")
    right = way in ("hexadecimal", "without a key, in hexadecimal", "another MAC in hexadecimal")
    assert ("SIG-020" in client) is not right
    assert not broken(verdicts, Party.SERVER), "it goes by the same reading"


SPACED = b'{"additionalInfo": {"note": "caf\\u00e9"}, "partnerReferenceNo": "REF1"}'
FORMS = {  # of SPACED, written down by hand
    "minified": b'{"additionalInfo":{"note":"caf\\u00e9"},"partnerReferenceNo":"REF1"}',
    "as-sent": SPACED,
    "reserialised": '{"additionalInfo":{"note":"café"},"partnerReferenceNo":"REF1"}'.encode(),
}


@pytest.mark.parametrize("choice", list(FORMS))
@pytest.mark.parametrize("form", list(FORMS))
def test_over_which_form_of_the_body_it_is_made(form: str, choice: str) -> None:
    stage = Stage(body_canonical_form=choice)
    taken = stage.client.send(stage.a("payment").with_body(SPACED), "r")
    verdicts = stage.judge.judge(signed(taken, b64(right_for(stage, taken, FORMS[form]).mac())))
    assert rows(broken(verdicts, Party.CLIENT), "SIG") == (set() if form == choice else {"SIG-030"})


@pytest.mark.parametrize("choice", list(FORMS))
def test_where_all_forms_are_one_each_is_right(choice: str) -> None:
    stage = Stage(body_canonical_form=choice)
    verdicts = stage.send(stage.a("payment"))[1]
    assert rows(broken(verdicts), "SIG") == set()


@pytest.mark.parametrize("header", [LINE, "X-TIMESTAMP", "Authorization"])
def test_what_redaction_hid_leaves_the_signature_open(header: str) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment"), "r")
    value = "Bearer ‹token:a1b2c3›" if header == "Authorization" else "‹signature:a1b2c3›"
    taken = replace(taken, request=replace(taken.request, headers=taken.request.headers.having(header, value)))
    verdicts = stage.judge.judge(taken)
    assert isinstance(said(verdicts, "KKI-SIG-010"), Unknown)


def with_body(draft: Draft, note: str) -> Draft:
    return draft.having(additionalInfo={"note": note})


@pytest.mark.parametrize(("note", "hidden"), [("‹note:a1b2c3›", True), ("‹ a note ›", False), ("a note", False)])
def test_so_does_a_hidden_member(note: str, hidden: bool) -> None:
    stage = Stage()
    taken = stage.client.send(with_body(stage.a("payment"), note), "r")
    verdicts = stage.judge.judge(signed(taken, b64(bytes(64))))
    assert isinstance(said(verdicts, "KKI-SIG-010"), Unknown) is hidden


@pytest.mark.parametrize(
    ("value", "defined"), [("Basic {}", False), ("{}", True), ("bearer {}", True), ("Bearer {}", True)]
)
def test_without_a_token_there_is_no_string_to_sign(value: str, defined: bool) -> None:
    stage = Stage()
    line = value.format(stage.session.tokens.b2b)
    taken = stage.client.send(stage.a("payment").with_header("Authorization", line), "r")
    verdicts = stage.judge.judge(signed(taken, b64(bytes(64))))
    assert ("KKI-SIG-010" in {each.requirement for each in verdicts}) is defined


@pytest.mark.parametrize("told", ["both", "private", "neither"])
def test_a_token_request_is_checked_with_either_key(told: str) -> None:
    stage = Stage()
    held = stage.judge.knowledge.credentials
    public = asymmetric.public_key_of(held.private_key or "")
    assert isinstance(public, str)
    known = {"both": (held.private_key, public), "private": (held.private_key, None), "neither": (None, None)}[told]
    credentials = replace(held, private_key=known[0], public_key=known[1])
    stage.judge.knowledge = replace(stage.judge.knowledge, credentials=credentials)
    taken = signed(stage.client.send(stage.a("b2b"), "r"), b64(bytes(256)))
    assert ("KKI-TOK-116" in broken(stage.judge.judge(taken), Party.SERVER)) is (told != "neither")
