"""Body → minified → digest → string to sign."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kki.snap.canonical import Malformed, body_digest, minified, string_to_sign

from .support import any_bytes, json_values, quick, vector_file, vectors

REFUND = next(case["body"] for case in vector_file("signature.json")["cases"] if case["id"] == "kki-refund")
blanks = st.text(" \t\n\r", max_size=3)


def thin(body: bytes) -> bytes:
    result = minified(body)
    assert isinstance(result, bytes), result
    return result


def tokens_of(value: object) -> list[str]:
    """The JSON tokens of a value, one string or number whole: between any two of them white space may stand."""
    match value:
        case dict():
            members = [[json.dumps(name), ":", *tokens_of(inner)] for name, inner in value.items()]
            return ["{", *_joined(members), "}"]
        case list():
            return ["[", *_joined([tokens_of(inner) for inner in value]), "]"]
        case _:
            return [json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()]


def _joined(parts: list[list[str]]) -> list[str]:
    return [token for index, part in enumerate(parts) for token in ([","] if index else []) + part]


@pytest.mark.parametrize("case", vectors("signature.json", step="minify", result="valid"))
def test_minified_drops_white_space_outside_strings_only(case: dict[str, Any]) -> None:
    assert minified(bytes.fromhex(case["body_hex"])) == case["minified"].encode()


@pytest.mark.parametrize("case", vectors("signature.json", step="minify", result="invalid"))
def test_what_is_not_json_is_malformed_at_its_octet(case: dict[str, Any]) -> None:
    result = minified(bytes.fromhex(case["body_hex"]))
    assert isinstance(result, Malformed)
    assert result.offset == case["offset"], result


@pytest.mark.parametrize("case", vectors("signature.json", step="digest", result="valid"))
def test_digest_of_the_minified_body(case: dict[str, Any]) -> None:
    digest = body_digest(thin(case["body"].encode()))
    assert digest.startswith(case.get("digest_prefix", ""))
    assert digest == case.get("digest", digest)
    assert {"digest", "digest_prefix"} & set(case)


@pytest.mark.parametrize("case", vectors("signature.json", step="digest", result="invalid"))
def test_digest_of_another_body_is_another(case: dict[str, Any]) -> None:
    digest = body_digest(thin(case["body"].encode()))
    assert digest != case["digest"]
    assert digest.startswith(case["digest_prefix"])


@pytest.mark.parametrize(
    "case", [param for param in vectors("signature.json", step="digest") if "raw_digest_prefix" in param.values[0]]
)
def test_digest_of_the_same_value_in_five_serialisations(case: dict[str, Any]) -> None:
    assert json.loads(case["body"]) == json.loads(REFUND)
    assert body_digest(case["body"].encode()).startswith(case["raw_digest_prefix"])


@given(json_values)
@quick
def test_minified_means_the_same(value: object) -> None:
    assert json.loads(thin(json.dumps(value, indent=2).encode())) == value


@given(json_values)
@quick
def test_minified_agrees_with_pythons_compact_form(value: object) -> None:
    compact = json.dumps(value, separators=(",", ":")).encode()
    assert thin(json.dumps(value, indent=1).encode()) == compact


@given(json_values, st.data())
@quick
def test_white_space_between_tokens_never_changes_the_digest(value: object, data: st.DataObject) -> None:
    tokens = tokens_of(value)
    spaced = "".join(data.draw(blanks) + token for token in tokens) + data.draw(blanks)
    assert body_digest(thin(spaced.encode())) == body_digest(thin("".join(tokens).encode()))


@given(json_values)
@quick
def test_minified_twice_is_minified_once(value: object) -> None:
    once = thin(json.dumps(value, indent=3, ensure_ascii=True).encode())
    assert minified(once) == once


@given(st.text(max_size=20), st.text(max_size=20))
@quick
def test_any_change_inside_a_string_changes_the_digest(a: str, b: str) -> None:
    assume(a != b)
    one, two = (json.dumps({"reason": text}, ensure_ascii=False).encode() for text in (a, b))
    assert body_digest(thin(one)) != body_digest(thin(two))


@given(st.dictionaries(st.text(max_size=5), json_values, min_size=2, max_size=5), st.randoms())
@quick
def test_member_order_changes_the_digest(members: dict[str, object], random: Any) -> None:
    shuffled = list(members.items())
    random.shuffle(shuffled)
    assume([name for name, _ in shuffled] != list(members))
    one, two = (json.dumps(value).encode() for value in (members, dict(shuffled)))
    assert body_digest(thin(one)) != body_digest(thin(two))


@given(any_bytes)
@quick
def test_arbitrary_octets_never_raise(body: bytes) -> None:
    assert isinstance(minified(body), bytes | Malformed)


def strict(body: bytes) -> bool:
    """Another parser's opinion, with Python's leniency for NaN and its kin taken away."""

    def refused(name: str) -> object:
        raise ValueError(name)

    try:
        json.loads(body.decode("utf-8"), parse_constant=refused)
    except (ValueError, RecursionError):
        return False
    return True


@given(st.lists(st.sampled_from(list('[]{}:,"\\ \t\n019.-+eEutrfalsn\x00\x0b\u00a0é')), max_size=14).map("".join))
@quick
def test_accepts_exactly_what_another_strict_parser_accepts(text: str) -> None:
    assert isinstance(minified(text.encode()), bytes) == (strict(text.encode()) or not text)


@given(json_values, st.data())
@quick
def test_agrees_with_another_parser_on_spoilt_json(value: object, data: st.DataObject) -> None:
    body = bytearray(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + 1] = data.draw(st.sampled_from([b"", b",", b'"', b"\\", b"0", b"]", b"}", b":", b"\xc3", b"\x1f"]))
    assume(body)
    assert isinstance(minified(bytes(body)), bytes) == strict(bytes(body))


@pytest.mark.parametrize("pair", ["[]", '{"":', "[{"], ids=["arrays", "objects", "left open"])
def test_nesting_of_100_000_levels_is_read_without_recursion(pair: str) -> None:
    texts = {
        "[]": b"[" * 100_000 + b"]" * 100_000,
        '{"":': b'{"":' * 100_000 + b"0" + b"}" * 100_000,
        "[{": b"[" * 100_000,
    }
    body = texts[pair]
    expected = body if pair != "[{" else Malformed("json", "Expected a value, but the text ends.", 100_000)
    assert minified(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"0 ," * (1 << 18) + b"0]",
        b'{"k" : "' + b"x\\n" * (1 << 18) + b'"}',
        b'"' + b"\\n" * (1 << 19),
        b"1" * (1 << 20),
        b" " * (1 << 20),
        b'[" ' * (1 << 18),
    ],
    ids=["items", "escapes", "left open", "digits", "blanks", "quotes"],
)
def test_a_mebibyte_is_read_in_one_go(body: bytes) -> None:
    """What would be quadratic does not end here; bench/texts.py says what it costs."""
    result = minified(body)
    assert isinstance(result, Malformed) or len(result) <= len(body)


def test_no_body_is_no_body() -> None:
    assert minified(b"") == b""


def test_digest_is_lower_case_hexadecimal() -> None:
    # Independent of our choice of hash: FIPS 180-4's own example.
    assert body_digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(body_digest(b"")) == 2 * hashlib.sha256().digest_size


parts = st.text("abcXYZ0189/-._?=&", max_size=12)


@given(st.lists(parts, min_size=5, max_size=5), st.integers(0, 4), parts)
@quick
def test_every_part_shows_in_the_string_to_sign(before: list[str], index: int, changed: str) -> None:
    after = [*before[:index], changed, *before[index + 1 :]]
    assert (string_to_sign(*before) == string_to_sign(*after)) == (before == after)


def test_string_to_sign_repairs_nothing() -> None:
    assert string_to_sign("post", "//a?b", " t ", "D", "now") == "post://a?b: t :D:now"
