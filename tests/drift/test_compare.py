"""What changed between two pages: one change at a time, found, named, and nothing else with it."""

from __future__ import annotations

import pytest

from kki import fuzz
from kki.drift.compare import differences
from kki.drift.model import Change
from kki.drift.openapi import transcription
from kki.drift.read import read
from kki.drift.touch import Touched
from kki.edges import contract as contracts

from .support import SEED, page, text

Told = tuple[str, str, str, str, str, str]
seed = pytest.mark.skipif(not SEED.is_file(), reason="the page's text is not beside the checkout")


def told(changes: list[Change]) -> list[Told]:
    return [(one.kind, one.keyword, one.place, one.name, one.old, one.new) for one in changes]


def test_the_same_page_has_no_difference_to_itself() -> None:
    for name in ("shelf.txt", "shelf.md", "shelf-tables.md", "unbind.txt"):
        assert differences(page(name), page(name)) == []


def test_the_same_facts_in_two_forms_are_no_difference() -> None:
    assert differences(page("shelf.txt"), page("shelf.md")) == []
    assert differences(page("shelf.md"), page("shelf.txt")) == []


@pytest.mark.parametrize(
    ("swap", "expected"),
    [
        (("string · max: 12R", "string · max: 13R"), ("changed", "maxLength", "header", "X-DESK", "12", "13")),
        (("string · max: 12R", "stringR"), ("changed", "maxLength", "header", "X-DESK", "12", "")),
        (("min: 4 max: 9", "min: 5 max: 9"), ("changed", "minLength", "body", "volumeNo", "4", "5")),
        (("· min: 1 · max: 30R", "· max: 30R"), ("changed", "minLength", "reply", "receiptNo", "1", "")),
        (("daysintegerOptional", "daysintegerRequired"),
         ("changed", "required", "body", "days", "optional", "required")),
        (("max: 9 | Optional", "max: 9 | Mandatory"),
         ("changed", "required, in words", "body", "volumeNo", "Optional", "Mandatory")),
        (("daysinteger", "daysstring"), ("changed", "type", "body", "days", "integer", "string")),
        (("utc timestamp", "date-time"), ("changed", "kind", "header", "X-WHEN", "utc timestamp", "date-time")),
        (("^[0-9]+$", "^[1-9]$"), ("changed", "pattern", "body", "days", "^[0-9]+$", "^[1-9]$")),
        (("Numeric String. ", ""), ("changed", "alphabet", "header", "X-DESK", "numeric", "")),
        (("AlphaNumeric | ", ""), ("changed", "alphabet", "body", "volumeNo", "alphanumeric", "")),
        (("Example: 0042", "Example: 0043"), ("changed", "example", "header", "X-DESK", "0042", "0043")),
        (("Default: BAG", "Default: POST"), ("changed", "default", "header", "WAY", "BAG", "POST")),
        (("Why not", "For what reason"),
         ("changed", "description", "reply 404", "reason", "Why not", "For what reason")),
        (("A reader borrows one volume.", "A reader borrows two."),
         ("changed", "prose", "", "", "A reader borrows one volume.", "A reader borrows two.")),
        (("Takes one volume", "Takes a volume"),
         ("changed", "wording", "", "", "Takes one volume off the shelf.", "Takes a volume off the shelf.")),
        (("Lend a volume", "Lend volumes"), ("changed", "title", "", "", "Lend a volume", "Lend volumes")),
        (("X-DESKstring", "X-DESK-NOstring"), ("renamed", "name", "header", "X-DESK", "X-DESK", "X-DESK-NO")),
        (("reasonstring", "Reasonstring"), ("renamed", "name", "reply 404", "reason", "reason", "Reason")),
        (("post\n/shelf/v1/return", "post\n/shelf/v2/return"),
         ("changed", "path", "", "", "/shelf/v1/return", "/shelf/v2/return")),
        (("post\n/shelf/v1/return", "put\n/shelf/v1/return"), ("changed", "method", "", "", "POST", "PUT")),
    ],
    ids=lambda value: (value[1][:20] if isinstance(value, tuple) and len(value) == 2 else ""),
)  # fmt: skip
def test_one_change_is_told_as_one(swap: tuple[str, str], expected: Told) -> None:
    old, new = page("shelf.txt"), page("shelf.txt", swap)
    assert told(differences(old, new)) == [expected]


def test_another_status_is_told_with_the_fields_below_it() -> None:
    changes = told(differences(page("shelf.txt"), page("shelf.txt", ("\n404\n", "\n410\n"))))
    assert changes == [
        ("changed", "status", "", "", "200, 404", "200, 410"),
        ("moved", "place", "reply 404", "reason", "reply 404", "reply 410"),
    ]


def test_a_field_that_comes_or_goes_is_told_with_what_it_is() -> None:
    with_more = page(
        "shelf.txt", ("daysinteger", "colourstring · max: 5Required\n\nWhich\n\nExample: red\ndaysinteger")
    )
    (come,) = differences(page("shelf.txt"), with_more)
    assert (come.kind, come.keyword, come.place, come.name) == ("new", "field", "body", "colour")
    assert come.new == "string, required, at most 5 characters"
    (gone,) = differences(with_more, page("shelf.txt"))
    assert (gone.kind, gone.name, gone.old) == ("gone", "colour", come.new)


def test_a_field_that_moves_from_the_headers_to_the_body_is_told_as_moved() -> None:
    there = "X-WHENstring · utc timestampRequired\n\nWhen the reader asked\n\nExample: 2026-01-02T03:04:05Z\n"
    body = "Body\nvolumeNostringRequired\n\nNumber of the volume | A"
    moved = page("shelf.txt", (there, ""), (body, body.replace("Body\n", f"Body\n{there}")))
    assert told(differences(page("shelf.txt"), moved)) == [("moved", "place", "header", "X-WHEN", "header", "body")]


def test_a_request_that_comes_or_goes_is_told_as_one() -> None:
    whole = text("shelf.txt")
    less = read(whole[: whole.index("2. Returning")].encode())
    changes = [one for one in differences(page("shelf.txt"), less) if one.keyword == "request"]
    assert told(changes) == [("gone", "request", "", "", "POST /shelf/v1/return, 2 fields", "")]
    assert changes[0].requests == ("Bring it back",)


def test_a_request_under_another_path_and_title_is_known_by_its_fields() -> None:
    swaps = (("post\n/shelf/v1/return", "post\n/shelf/v2/back"), ("Bring it back", "Hand in"))
    assert {one[1] for one in told(differences(page("shelf.txt"), page("shelf.txt", *swaps)))} == {"path", "title"}


def test_what_changed_in_several_requests_alike_is_one_change() -> None:
    swaps = (("min: 4 max: 9", "min: 4 max: 8"), ("volume | max: 9", "volume | max: 8"))
    first, second = differences(page("shelf.txt"), page("shelf.txt", *swaps))
    assert first.requests == ("Lend a volume",)  # of two paths, hence two
    assert second.requests == ("Bring it back",)
    twice = text("shelf.txt").replace("Bring it back", "Lend a volume").replace("/return", "/lend")
    again = twice.replace("max: 9", "max: 8").replace("2. Returning", "1. Lending").encode()
    both = differences(read(twice.replace("2. Returning", "1. Lending").encode()), read(again))
    assert [one.keyword for one in both] == ["maxLength"]


# --- against the contract ---------------------------------------------------------------------------------


def ours() -> list[Change]:
    found = differences(transcription(contracts.document()), page("unbind.txt"))
    return Touched(contracts.load(), fuzz.cases_for()).all(found)


def test_a_page_of_our_own_differs_from_the_contract_in_what_was_put_there() -> None:
    changes = [one for one in ours() if one.requests == ("Card Unbinding",)]
    assert told(changes) == [
        ("renamed", "name", "body", "tokenId", "tokenId", "tokenNo"),
        ("changed", "maxLength", "header", "X-PARTNER-ID", "32", "30"),
        ("changed", "pattern", "header", "X-TIMESTAMP", r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+\-]\d{2}:\d{2}$",
         r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"),
        ("changed", "enum", "header", "CHANNEL-ID", "DH, H2H", "DH, H2H, APP"),
        ("changed", "required", "reply", "responseCode", "optional", "required"),
        ("gone", "field", "header", "X-IP-ADDRESS", "string, optional", ""),
        ("new", "field", "body", "reason", "", "string, optional"),
    ]  # fmt: skip


def test_each_difference_names_the_rows_and_cases_that_it_touches() -> None:
    touched = {(one.keyword, one.name): one for one in ours()}
    assert touched["maxLength", "X-PARTNER-ID"].rows == ("KKI-HDR-024", "KKI-HDR-124")
    assert touched["pattern", "X-TIMESTAMP"].rows == ("KKI-HDR-014", "KKI-HDR-114")
    assert touched["enum", "CHANNEL-ID"].rows == ("KKI-HDR-080", "KKI-HDR-180")
    assert touched["required", "responseCode"].rows == ("KKI-UNB-210",)
    assert set(touched["name", "tokenId"].rows) >= {"KKI-UNB-010", "KKI-UNB-012", "KKI-UNB-110", "KKI-UNB-112"}
    assert touched["field", "reason"].cases == ()
    for case in touched["maxLength", "X-PARTNER-ID"].cases:
        assert case.startswith("unbind.header.X-PARTNER-ID.")
    assert len(touched["name", "tokenId"].cases) == 3


def test_requests_that_the_page_lacks_are_told_with_all_their_rows() -> None:
    gone = {one.requests[0]: one for one in ours() if one.keyword == "request" and one.kind == "gone"}
    assert {one.path.rpartition("/")[2] for one in gone.values()} == {
        "payment-host-to-host", "registration-card-bind", "refund",
    }  # fmt: skip
    assert "KKI-RFD-024" in gone["Online Refund"].rows
    assert "KKI-PAY-022" not in gone["Online Refund"].rows


def test_what_the_page_does_not_speak_of_is_not_missed_in_it() -> None:
    """The token operations come from other documents, and so do the limits that are stated elsewhere."""
    found = transcription(contracts.document())
    assert not [one for one in found.requests if "access-token" in one.path]
    fields = {(one.path.rpartition("/")[2], x.place, x.name): x for one in found.requests for x in one.fields}
    assert fields["refund", "header", "X-EXTERNAL-ID"].max_length is None  # the national standard's
    assert fields["refund", "header", "X-EXTERNAL-ID"].alphabet == "numeric"
    assert fields["registration-card-bind", "reply", "responseCode"].required is False  # a reading makes it required
    assert ("registration-card-bind", "reply", "additionalInfo") not in fields


@seed
def test_the_transcription_is_the_page() -> None:
    assert differences(transcription(contracts.document()), read(SEED.read_bytes())) == []


@seed
@pytest.mark.parametrize(
    ("old", "new", "expected", "row"),
    [
        ("Customer CPAN | max: 20", "Customer CPAN | max: 19",
         ("changed", "maxLength", "body", "chargeToken", "20", "19"), "KKI-PAY-020"),
        ("IP Address Customer | min: 10 max: 15", "IP Address Customer | min: 7 max: 15",
         ("changed", "minLength", "header", "X-IP-ADDRESS", "10", "7"), "KKI-HDR-072"),
        ("Pattern: ^[a-zA-Z0-9]+$", "Pattern: ^[a-zA-Z0-9_-]+$",
         ("changed", "pattern", "body", "custIdMerchant", "^[a-zA-Z0-9]+$", "^[a-zA-Z0-9_-]+$"), "KKI-BND-018"),
        ("tokenIdstringRequired", "tokenIdstringOptional",
         ("changed", "required", "body", "tokenId", "required", "optional"), "KKI-UNB-010"),
        ("Example: 2000700", "Example: 2005800", ("changed", "example", "reply", "responseCode", "2000700", "2005800"),
         "KKI-RSP-230"),
    ],
    ids=["limit", "limit-in-words", "pattern", "required", "example"],
)  # fmt: skip
def test_a_change_of_the_real_page_is_found_against_the_contract(old: str, new: str, expected: Told, row: str) -> None:
    said = SEED.read_text(encoding="utf-8")
    assert old in said
    changed = read(said.replace(old, new).encode())
    for base in (transcription(contracts.document()), read(said.encode())):
        (change,) = Touched(contracts.load(), fuzz.cases_for()).all(differences(base, changed))
        assert told([change]) == [expected]
        assert row in change.rows


@seed
def test_a_changed_sentence_of_the_real_page_touches_the_rows_that_cite_it() -> None:
    said = SEED.read_text(encoding="utf-8")
    old = "marks them as PENDING for deactivation"
    assert old in said
    (change,) = differences(read(said.encode()), read(said.replace(old, "deactivates them at once").encode()))
    assert change.keyword == "wording"
    (touched,) = Touched(contracts.load(), fuzz.cases_for()).all([change])
    flow = {row.id for row in contracts.load().requirements.values() if row.source.section == "3. Unbinding › Flow"}
    assert flow
    assert flow <= set(touched.rows)
