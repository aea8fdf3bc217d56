"""The search over wrong constructions of a signature, against clients that were built without it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnosis import wrong_clients as clients
from tests.diagnosis.support import diagnosed, material, quick

from kki.diagnosis.names import NAMES
from kki.diagnosis.results import Outcome
from kki.diagnosis.search import diagnose, is_right, token_is_right

WRONG = [pytest.param(wrong, id=wrong.name) for wrong in clients.WRONG]


def test_the_catalogue_of_wrong_clients_is_as_large_as_promised() -> None:
    names = [wrong.name for wrong in clients.WRONG]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("wrong", WRONG)
def test_each_wrong_client_is_diagnosed(wrong: clients.Wrong) -> None:
    found = diagnosed(wrong)
    assert found.outcome is Outcome.NAMED, found.says
    assert found.best is not None
    assert found.best.names in wrong.accepted, found.says
    assert found.best.says
    assert found.best.fix
    assert all(re.fullmatch(r"KKI-(SIG|TOK)-0[0-9]{2}", row) for row in found.best.requirements)


@pytest.mark.parametrize("wrong", WRONG)
def test_each_answer_shows_where_the_two_part_and_no_secret(wrong: clients.Wrong) -> None:
    found = diagnosed(wrong)
    for candidate in found.candidates:
        assert any(step.difference is not None for step in candidate.steps)
    texts = repr(found)
    for secret in (wrong.secret.strip(), clients.SHARED, clients.TOKEN, clients.EARLIER, clients.CUSTOMER):
        assert secret not in texts
    assert "PRIVATE KEY" not in texts


def test_the_difference_is_marked_at_the_first_character() -> None:
    found = diagnosed(next(wrong for wrong in clients.WRONG if wrong.name == "method in lower case"))
    assert found.best is not None
    step = found.best.step("string to sign")
    assert step is not None
    assert (step.theirs[:5], step.ours[:5], step.difference) == ("post:", "POST:", 0)
    path = diagnosed(next(wrong for wrong in clients.WRONG if wrong.name == "slash at the end")).best
    assert path is not None
    step = path.step("string to sign")
    assert step is not None
    assert step.difference == len(f"POST:{clients.REFUND}")


@pytest.mark.parametrize("request_", clients.right_requests(), ids=lambda request: repr(request.body[:20]))
def test_a_right_signature_is_called_right_and_nothing_is_named(request_: clients.Request) -> None:
    found = diagnose(material(request_))
    assert found.outcome is Outcome.CORRECT
    assert found.candidates == ()
    assert is_right(material(request_))


def test_a_right_token_signature_is_called_right() -> None:
    known = material(clients.token_right())
    assert diagnose(known, token_request=True).outcome is Outcome.CORRECT
    assert token_is_right(known)
    assert not token_is_right(material(clients.token_right(), public_key=clients.public_pem(2)))


@pytest.mark.parametrize("request_", clients.unknown_requests())  # no ids from signatures: one of them has a salt
def test_what_nobody_named_is_not_named(request_: clients.Request) -> None:
    again = request_.with_header("X-EXTERNAL-ID", "418075533590")  # the same content gives the same signature
    found = diagnose(material(request_, earlier_requests=(again, again)))
    assert found.outcome is Outcome.UNNAMED
    assert found.best is None
    assert "known construction" in found.says


@quick
@given(octets=st.binary(max_size=300), form=st.sampled_from(["base64", "hex", "url", "raw"]), token=st.booleans())
def test_random_octets_are_never_explained(octets: bytes, form: str, token: bool) -> None:
    # A digest of them: no piece of a MAC by construction, of any length that the search looks at.
    noise = (hashlib.shake_256(octets).digest(len(octets)) if octets else b"") or b"\x00"
    text = {
        "base64": base64.b64encode(noise).decode(), "hex": noise.hex(),
        "url": base64.urlsafe_b64encode(noise).decode(), "raw": noise.decode("latin-1"),
    }[form]  # fmt: skip
    base = clients.token_right() if token else clients.Client().request()
    found = diagnose(material(base.with_header("X-SIGNATURE", text)), token_request=token, pairs=False)
    assert found.outcome is Outcome.UNNAMED, (found.says, text)


@quick
@given(text=st.text(max_size=120), token=st.booleans())
def test_any_header_text_is_read_without_a_claim(text: str, token: bool) -> None:
    base = clients.token_right() if token else clients.Client().request()
    found = diagnose(material(base.with_header("X-SIGNATURE", text)), token_request=token, pairs=False)
    assert found.outcome in (Outcome.UNNAMED, Outcome.UNDECIDED)
    assert found.candidates == ()


@quick
@given(
    body=st.binary(max_size=80), target=st.text(max_size=40), stamp=st.text(max_size=30),
    authorization=st.text(max_size=40),
)  # fmt: skip
def test_any_request_can_be_searched(body: bytes, target: str, stamp: str, authorization: str) -> None:
    headers = clients.Headers.of(
        {"X-SIGNATURE": "A" * 86 + "==", "X-TIMESTAMP": stamp, "Authorization": authorization}
    )
    request = clients.Request(method="POST", target=target, headers=headers, body=body)
    assert diagnose(material(request), pairs=False).candidates == ()


def test_a_change_of_one_character_is_no_known_construction() -> None:
    request = clients.Client().request()
    right = request.headers.get("X-SIGNATURE") or ""
    changed = ("B" if right[0] != "B" else "C") + right[1:]
    assert diagnose(material(request.with_header("X-SIGNATURE", changed))).outcome is Outcome.UNNAMED


def test_what_is_missing_is_said() -> None:
    request = clients.Client(method="post").request()
    assert diagnose(material(request, "")).missing == "the client secret"
    assert diagnose(material(request.without_header("X-SIGNATURE"))).missing.startswith("X-SIGNATURE")
    assert "hidden" in diagnose(material(request.with_header("X-TIMESTAMP", "‹bearer:1a2b3c›"))).missing
    assert "hidden" in diagnose(material(request.with_header("X-SIGNATURE", "lmBsSjwx…"))).missing
    token = clients.token_right()
    undecided = diagnose(material(token, public_key="", private_keys=()), token_request=True)
    assert (undecided.outcome, undecided.missing) == (Outcome.UNDECIDED, "the client's public key")


def test_pairs_are_left_out_on_request() -> None:
    wrong = next(wrong for wrong in clients.WRONG if wrong.name == "lower-case method and Bearer")
    alone = diagnose(material(wrong.request()), pairs=False)
    assert (alone.outcome, alone.candidates) == (Outcome.UNNAMED, ())
    assert diagnosed(wrong).tried > alone.tried


@pytest.mark.parametrize(
    ("stamp", "name"),
    [
        ("2026-05-26T10:00:00.001234+07:00", "milliseconds-added"),
        ("2026-05-26T10:00:00.000077", "timestamp-without-zone"),
    ],
)
def test_microseconds_are_tried_on_request(stamp: str, name: str) -> None:
    known = material(clients.Client(signed_stamp=stamp).request())
    assert diagnose(known, pairs=False).outcome is Outcome.UNNAMED
    named = diagnose(known, pairs=False, microseconds=True).best
    assert named is not None
    assert named.names == (name,)


def test_readings_decide_what_is_right() -> None:
    pretty = clients.Client(sent=clients.PRETTY).request()
    assert diagnose(material(pretty, body_form="as-sent")).outcome is Outcome.CORRECT
    named = diagnose(material(pretty)).best
    assert named is not None
    assert named.requirements == ("KKI-SIG-030",)
    hexed = clients.Client(written=bytes.hex).request()
    assert diagnose(material(hexed, encoding="hex")).outcome is Outcome.CORRECT
    plain = diagnose(material(clients.Client().request(), encoding="hex")).best
    assert plain is not None
    assert (plain.names, plain.requirements) == (("base64-for-hex",), ("KKI-SIG-020",))


NOW = clients.Client().request()
UNKNOWN_SECRET = clients.Client(mac=lambda text: clients.hmac_512(text, "of another environment"))
OTHERS = {
    "method": clients.Request(method="PUT", target=NOW.target, headers=NOW.headers, body=NOW.body),
    "path": clients.Client(path=clients.PAYMENT).request(),
    "access token": NOW.with_header("Authorization", f"Bearer {clients.EARLIER}"),
    "body": clients.Client(sent='{"another":"body"}').request(),
    "timestamp": clients.Client(stamp="2026-05-26T10:00:01+07:00").request(),
}


def signed_as(request: clients.Request, other: clients.Request) -> clients.Request:
    return request.with_header("X-SIGNATURE", other.headers.get("X-SIGNATURE") or "")


def tried_again(request: clients.Request) -> clients.Request:
    return request.with_header("X-EXTERNAL-ID", "418075533590")


@pytest.mark.parametrize("part", OTHERS)
def test_a_signature_sent_before_is_recognised_where_something_else_was_signed(part: str) -> None:
    first = UNKNOWN_SECRET.request()
    found = diagnose(material(signed_as(OTHERS[part], first), earlier_requests=(first,)))
    assert found.best is not None
    assert found.best.names == ("signature-reused",)
    assert f"the two requests differ in their {part}." in found.says


REPEATED = {
    "an unknown secret": (UNKNOWN_SECRET, ()),
    "no slash in front": (clients.Client(signed_path=clients.REFUND[1:]), ("no-leading-slash",)),
    "JSON twice": (clients.Client(body=json.dumps(clients.compact(clients.DATA))), ("body-json-twice",)),
    "an empty key": (clients.Client(mac=lambda text: clients.hmac_512(text, "")), ("key-empty",)),
    "two mistakes": (clients.Client(method="post", token=""), ("method-lower-case", "no-token")),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_request_tried_again_within_its_second_reuses_nothing(name: str) -> None:
    client, names = REPEATED[name]
    first = client.request()
    found = diagnose(material(tried_again(first), earlier_requests=(first, first)))
    assert tuple(candidate.names for candidate in found.candidates) == ((names,) if names else ())


def test_blanks_alone_make_no_other_request() -> None:
    client = dataclasses.replace(UNKNOWN_SECRET, sent=clients.PRETTY, body=clients.compact(clients.DATA))
    again = dataclasses.replace(client, sent=clients.compact(clients.DATA)).request()
    assert diagnose(material(again, earlier_requests=(client.request(),))).outcome is Outcome.UNNAMED


def test_a_token_request_tried_again_within_its_second_reuses_nothing() -> None:
    text = f"{clients.CLIENT}|{clients.STAMP}".encode()
    unregistered = clients.b64(clients.rsa_key(5).sign(text, clients.padding.PKCS1v15(), clients.hashes.SHA256()))
    first = clients.token_right().with_header("X-SIGNATURE", unregistered)
    again = clients.Request(method="POST", target=first.target, headers=first.headers, body=b'{"another":"body"}')
    for request in (first, again):  # neither path nor body is signed
        found = diagnose(material(request, earlier_requests=(first,)), token_request=True)
        assert (found.outcome, found.candidates) == (Outcome.UNNAMED, ())
    later = diagnose(
        material(first.with_header("X-TIMESTAMP", "2026-05-26T10:00:09+07:00"), earlier_requests=(first,)),
        token_request=True,
    )
    assert later.best is not None
    assert (later.best.names, later.requirements) == (("signature-reused",), ("KKI-TOK-016",))


@quick
@given(
    secret=st.text(min_size=1, max_size=30), count=st.integers(1, 4), method=st.sampled_from(["POST", "post"]),
    signed_path=st.sampled_from([clients.REFUND, clients.REFUND[1:]]),
)  # fmt: skip
def test_a_secret_that_nobody_knows_is_never_explained_however_often_it_signs(
    secret: str, count: int, method: str, signed_path: str
) -> None:
    key = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    client = clients.Client(
        mac=lambda text: clients.hmac_512(text, key), method=method, signed_path=signed_path
    )
    first = client.request()
    for request in (first, tried_again(first)):
        found = diagnose(material(request, earlier_requests=(first,) * count), pairs=False)
        assert (found.outcome, found.candidates) == (Outcome.UNNAMED, ())


def test_what_was_computed_goes_before_what_was_seen() -> None:
    first = clients.Client(body="", sent='{"another":"body"}').request()
    found = diagnose(material(clients.Client(body="").request(), earlier_requests=(first,)))
    assert [candidate.names for candidate in found.candidates] == [("body-empty",), ("signature-reused",)]


def test_a_right_signature_that_was_sent_before_is_right() -> None:
    assert diagnose(material(NOW, earlier_requests=(OTHERS["body"], NOW))).outcome is Outcome.CORRECT


def test_explanations_that_fit_alike_are_told() -> None:
    name = "sends Python's default form and hashes it"
    found = diagnosed(next(wrong for wrong in clients.WRONG if wrong.name == name))
    assert found.best is not None
    assert {"body-not-minified", "body-spaced"} <= {*found.best.names, *found.best.also}


def test_every_name_is_made_by_a_wrong_client() -> None:
    made = {name for wrong in clients.WRONG for names in wrong.accepted for name in names}
    elsewhere = {"base64-for-hex", "signature-reused"}  # a reading, and an earlier request: tested above
    assert made | elsewhere == set(NAMES)


@pytest.mark.parametrize("depth", [100, 300, 450, 600, 900, 5000])
def test_a_deeply_nested_body_stops_nothing(depth: int) -> None:
    body = '{"a":' * depth + "1" + "}" * depth
    named = diagnose(material(clients.Client(sent=body, method="post").request()), pairs=False)
    assert named.best is not None
    assert named.best.names == ("method-lower-case",)
    assert diagnose(material(clients.Client(sent=body).request(), body_form="reserialised")).outcome is Outcome.CORRECT


def test_every_name_has_a_sentence_and_a_fix() -> None:
    for name, row in NAMES.items():
        assert row.did.endswith("."), name
        assert row.fix.rstrip("…).").strip(), name
        assert row.did.count("{}") <= 1, name
