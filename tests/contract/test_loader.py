"""The loader: one folder, one contract, and every problem in one answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from kki import fuzz
from kki.edges import datafiles
from kki.edges.contract import data_root, load
from kki.edges.errors import ConfigurationError
from kki.model.contract import Contract


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "openapi"
    shutil.copytree(data_root(), root, ignore=shutil.ignore_patterns("__pycache__", "vectors"))
    return root


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text, old
    (root / name).write_text(text.replace(old, new), encoding="utf-8")


def problems(root: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(root)
    assert caught.value.problems
    return "\n".join(caught.value.problems)


def test_the_same_folder_gives_the_same_contract() -> None:
    assert load() is load(data_root())
    assert isinstance(load(), Contract)
    assert load().digest.startswith("sha256:")


def test_operations_are_found_by_path() -> None:
    operation = load().operation_at("/direct-debit/core/v1/debit/refund")
    assert operation is not None
    assert operation.name == "refund"
    assert load().operation_at("/direct-debit/core/v1/debit/refund/") is None


def test_variants_are_self_contained_schemas() -> None:
    payment = load().operations["payment"]
    assert [one.name for one in payment.variants] == ["cpan", "cpan-tokenise", "token", "token-recurring"]
    for operation in load().operations.values():
        for variant in operation.variants:
            text = str(variant.schema)
            assert "$ref" not in text
            assert "x-" not in text
            Draft202012Validator.check_schema(variant.schema)
            assert variant.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
            assert set(variant.schema["properties"]) == {fact.name for fact in variant.fields}


def test_the_pages_payment_satisfies_all_four_variants() -> None:
    body = {"partnerReferenceNo": "INV-0001", "bankCardToken": "de52", "chargeToken": "936", "otp": "12345678"}
    for variant in load().operations["payment"].variants:
        assert datafiles.broken(body, variant.schema) == []


def test_tags_beside_a_reference_are_joined_with_those_behind_it() -> None:
    variant = load().operations["payment"].variant("cpan")
    assert variant is not None
    (otp,) = [fact for fact in variant.fields if fact.name == "otp"]
    required, length = otp.tag_for("required"), otp.tag_for("maxLength")
    assert required is not None
    assert length is not None
    assert (required.client, required.reading) == ("KKI-PAY-016", ("required-or-optional", "label"))
    assert (length.client, length.server) == ("KKI-PAY-022", "KKI-PAY-122")


def test_a_comment_does_not_change_the_digest_and_a_limit_does(copy: Path, tmp_path: Path) -> None:
    change(copy, "kki.openapi.yaml", "openapi: 3.1.0", "# a comment\nopenapi: 3.1.0")
    assert load(copy).digest == load().digest
    other = tmp_path / "other"
    shutil.copytree(copy, other)
    change(other, "kki.openapi.yaml", "maxLength: 255", "maxLength: 254")
    assert load(other).digest != load().digest


def test_a_changed_limit_reaches_fields_schemas_and_cases(copy: Path) -> None:
    change(copy, "kki.openapi.yaml", "maxLength: 20\n", "maxLength: 23\n")
    variant = load(copy).operations["payment"].variant("cpan")
    assert variant is not None
    (fact,) = [one for one in variant.fields if one.name == "chargeToken"]
    assert fact.max_length == 23
    assert variant.schema["properties"]["chargeToken"]["maxLength"] == 23
    cases = {case.id: case for case in fuzz.cases_for(copy)}
    assert len(cases["payment.cpan.body.chargeToken.string-above-max-length"].body["chargeToken"]) == 24


def test_all_problems_are_told_at_once(copy: Path) -> None:
    change(copy, "requirements/unb.toml", 'document = "page"', 'document = "pages"')
    change(copy, "requirements/pay.toml", '"required-or-optional"', '"required-or-not"')
    change(copy, "kki.openapi.yaml", "KKI-BND-018", "KKI-BND-819")
    change(
        copy, "kki.openapi.yaml", "client: KKI-BND-014, server: KKI-BND-114", "client: KKI-BND-114, server: KKI-BND-014"
    )
    change(copy, "kki.openapi.yaml", "ip-address-length=limits", "ip-address-length=limit")
    change(copy, "readings.toml", 'default = "dh"', 'default = "h2h"')
    told = problems(copy)
    assert "KKI-UNB-010: expected a document of sources.toml, but got 'pages'." in told
    assert "KKI-PAY-010: expected a reading with choices, but got 'required-or-not'." in told
    assert "bind, body custIdMerchant: expected an id of the ledger, but got 'KKI-BND-819'." in told
    assert "expected a row with the client on trial, but got 'KKI-BND-114'." in told
    assert "expected a reading and one of its choices, but got 'ip-address-length=limit'." in told
    assert "channel-default: expected a default among ['dh', 'none'], got 'h2h'." in told


def test_an_id_twice_is_refused(copy: Path) -> None:
    change(copy, "requirements/unb.toml", "KKI-UNB-012", "KKI-UNB-010")
    assert "expected each id once, but got 'KKI-UNB-010' twice." in problems(copy)


def test_a_strange_key_in_the_ledger_is_named_with_file_and_nearest_match(copy: Path) -> None:
    change(copy, "requirements/unb.toml", 'standing = "conflicted"', 'standng = "conflicted"')
    told = problems(copy)
    assert "requirements/unb.toml" in told
    assert "'standng'" in told
    assert 'Did you mean "standing"?' in told


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("kki.openapi.yaml", "a: [", "expected YAML, but got"),
        ("kki.openapi.yaml", "openapi: 3.1.0", "expected the member 'paths', but it is missing."),
        ("readings.toml", "reading =", "expected TOML, but got"),
        ("requirements/unb.toml", "", "expected the member 'area', but it is missing."),
    ],
)
def test_a_broken_file_is_a_sentence(copy: Path, name: str, content: str, sentence: str) -> None:
    (copy / name).write_text(content, encoding="utf-8")
    assert sentence in problems(copy)
    assert name in problems(copy)


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    assert "kki.openapi.yaml: expected a readable file" in problems(tmp_path / "nowhere")


def test_a_document_that_is_incomplete_is_a_sentence(copy: Path) -> None:
    change(copy, "kki.openapi.yaml", 'x-service-code: "05"', 'x-service-number: "05"')
    assert "expected 'unbind' to be complete, but got KeyError('x-service-code')." in problems(copy)


# --- data files in general --------------------------------------------------------------------------------


def test_a_profile_as_documented_is_allowed() -> None:
    plan = {
        "target": {"base_url": "https://sandbox.example"},
        "credentials": {"client_id": "BRN-0001", "client_secret": "env:KKI_CLIENT_SECRET", "private_key": "file:m.pem"},
        "test_data": {"cpan": "936", "bank_card_tokens": ["a", "b"], "card": {"bankCardNo": "936"}},
        "readings": {"card-data-container": "ciphertext|iv"},
        "limits": {"requests_per_second": 20, "max_requests": 5000, "timeout_s": 10},
        "waivers": [{"requirement": "KKI-REF-040", "reason": "known", "expires": "2027-01-31"}],
    }
    assert datafiles.problems(plan, "profile", "kki.toml", data_root()) == []


def test_unknown_keys_are_named_with_the_nearest_match_and_secrets_are_never_shown() -> None:
    plan = {"limits": {"max_request": 3}, "credentials": {"client_secret": 424242}, "targets": {}}
    told = datafiles.problems(plan, "profile", "kki.toml", data_root())
    assert len(told) == 3
    assert any("limits" in one and 'Did you mean "max_requests"?' in one for one in told)
    assert any('Did you mean "target"?' in one for one in told)
    assert any("credentials.client_secret: expected text, but got a value of type int." in one for one in told)
    assert not any("424242" in one for one in told)


def test_must_fit_raises_with_every_problem() -> None:
    with pytest.raises(ConfigurationError) as caught:
        datafiles.must_fit({"schema": 2, "broken": [{"finding": 1}]}, "baseline", "baseline.json", data_root())
    told = "\n".join(caught.value.problems)
    assert "baseline.json: schema: expected 1, but got 2." in told
    assert "broken[0]: expected the member 'owner', but it is missing." in told
    assert "broken[0].finding: expected text, but got 1." in told


def test_unreadable_files_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff")
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    for name, sentence in (("a.json", "expected UTF-8"), ("b.json", "expected JSON"), ("c.json", "there is none")):
        with pytest.raises(ConfigurationError, match=sentence):
            datafiles.read(tmp_path / name)


def test_an_error_without_problems_still_says_something() -> None:
    assert ConfigurationError([]).problems
    assert str(ConfigurationError(["One.", "Two."])) == "One.\nTwo."
