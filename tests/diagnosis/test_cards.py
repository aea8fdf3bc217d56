"""The search over wrong ways to seal card data, against card data that was sealed without it."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnosis import wrong_cards as cards
from tests.diagnosis.support import card_diagnosed, quick

from kki.diagnosis.card_names import CARD_NAMES, fix_for
from kki.diagnosis.results import Outcome
from kki.snap.carddata import Container

WRONG = [pytest.param(wrong, id=wrong.name) for wrong in cards.WRONG]


@pytest.mark.parametrize("wrong", WRONG)
def test_each_wrong_sealing_is_diagnosed(wrong: cards.WrongCard) -> None:
    found = card_diagnosed(wrong.text, wrong.container, wrong.shared)
    assert found.outcome is Outcome.NAMED, found.says
    assert found.best is not None
    assert found.best.names in wrong.accepted, found.says
    assert found.best.fix
    assert all(re.fullmatch(r"KKI-CRD-0[0-9]{2}", row) for row in found.best.requirements)


@pytest.mark.parametrize("wrong", WRONG)
def test_no_answer_holds_a_key_or_a_card(wrong: cards.WrongCard) -> None:
    texts = repr(card_diagnosed(wrong.text, wrong.container, wrong.shared))
    for secret in (cards.SECRET, cards.CARD["bankCardNo"], "9360 0016", "3012", "12/30", "2030-12"):
        assert secret not in texts
    if len(wrong.shared) > 5:  # "short" is a word of ours too
        assert wrong.shared not in texts


@pytest.mark.parametrize(("container", "text"), cards.RIGHT)
def test_right_card_data_is_called_right(container: str, text: str) -> None:
    found = card_diagnosed(text, container)
    assert (found.outcome, found.candidates) == (Outcome.CORRECT, ())


@pytest.mark.parametrize("text", cards.UNKNOWN)
def test_what_nobody_named_is_not_named(text: str) -> None:
    found = card_diagnosed(text)
    assert found.outcome is Outcome.UNNAMED
    assert found.hints


@quick
@given(
    seed=st.binary(max_size=20), blocks=st.integers(1, 12),
    container=st.sampled_from(["ciphertext|iv", "salted", "iv-prefixed"]),
)  # fmt: skip
def test_random_card_data_is_never_explained(seed: bytes, blocks: int, container: str) -> None:
    noise = hashlib.shake_256(seed).digest(16 * blocks + 16)
    sealed, vector = noise[16:], noise[:16]
    text = {
        "ciphertext|iv": f"{base64.b64encode(sealed).decode()}|{base64.b64encode(vector).decode()}",
        "salted": base64.b64encode(b"Salted__" + vector[:8] + sealed).decode(),
        "iv-prefixed": base64.b64encode(vector + sealed).decode(),
    }[container]
    assert card_diagnosed(text, container).outcome is Outcome.UNNAMED


@quick
@given(text=st.text(max_size=200))
def test_any_text_is_read_without_a_claim(text: str) -> None:
    found = card_diagnosed(text)
    if found.outcome is Outcome.NAMED:  # only what is a card in the clear
        assert found.best is not None
        assert found.best.names == ("card-not-encrypted",)


def test_a_vector_that_was_used_before_is_told() -> None:
    right = cards.RIGHT[0][1]
    found = card_diagnosed(right, vectors_seen=(cards.IV,))
    assert found.best is not None
    assert (found.best.names, found.best.requirements) == (("card-iv-reused",), ("KKI-CRD-016",))
    assert card_diagnosed(right, vectors_seen=(bytes(16),)).outcome is Outcome.CORRECT


CUT, END = (cards.barred(cards.cbc(key=part)) for part in (cards.LONG.encode()[:32], cards.LONG.encode()[-32:]))
SHORT, SECRET = (cards.barred(cards.cbc(key=cards.key128(text))) for text in (cards.LONG, cards.SECRET))


@pytest.mark.parametrize(
    ("container", "text", "name", "says", "never"),
    [
        ("ciphertext|iv", CUT, "card-key-cut", "first 16 octets", "256"),
        ("ciphertext|iv-256", CUT, "card-key-cut", "SHA-256", "16 octets"),
        ("ciphertext|iv-256", END, "card-key-end", "SHA-256", "16 octets"),
        ("ciphertext|iv-256", SHORT, "card-key-128", "SHA-256", "16 octets"),
        ("ciphertext|iv-256", SECRET, "card-client-secret", "SHA-256", "AES-128"),
        ("ciphertext|iv-256", cards.salted(passphrase=cards.LONG), "card-container-other", "“|”", "Salted__"),
        ("salted", SHORT, "card-container-other", "Salted__", "“|”"),
        ("salted", cards.salted("sha256", passphrase=cards.LONG), "card-key-evp", "MD5", "16 octets"),
        ("iv-prefixed", SHORT, "card-container-other", "behind it", "“|”"),
    ],
)
def test_the_fix_is_that_of_the_container_in_force(
    container: str, text: str, name: str, says: str, never: str
) -> None:
    found = card_diagnosed(text, container, cards.LONG)
    assert found.best is not None
    assert name in found.best.names
    assert says in found.best.fix
    assert never not in found.best.fix


@pytest.mark.parametrize("container", list(Container))
def test_no_fix_has_a_gap_left(container: Container) -> None:
    for name, row in CARD_NAMES.items():
        assert not set("‹›") & set(fix_for(row.fix, container)), name


def test_any_object_will_do_where_the_reading_says_so() -> None:
    other = cards.barred(cards.cbc(cards.compact({"cpan": "x"})))
    assert card_diagnosed(other).outcome is Outcome.NAMED
    assert card_diagnosed(other, strict=False).outcome is Outcome.CORRECT


def test_what_is_missing_is_said() -> None:
    assert card_diagnosed(cards.RIGHT[0][1], shared="").missing == "the shared key"
    assert "hidden" in card_diagnosed("‹card-data:1a2b3c›").missing
    # What stands in the clear needs no key to be seen.
    assert card_diagnosed(cards.compact(cards.CARD).decode(), shared="").outcome is Outcome.NAMED


def test_each_step_is_named() -> None:
    found = card_diagnosed(next(wrong.text for wrong in cards.WRONG if wrong.name == "ECB under the client secret"))
    assert found.best is not None
    steps = {step.name: (step.theirs, step.ours) for step in found.best.steps}
    assert list(steps) == ["container", "key", "mode", "vector", "padding", "payload"]
    assert steps["key"] == ("client secret", "first 16 octets of the shared key")
    assert steps["mode"] == ("ECB", "CBC")
    assert steps["padding"][0] == steps["padding"][1]


def test_every_name_has_a_sentence_and_a_fix() -> None:
    for name, row in CARD_NAMES.items():
        assert row.did.endswith("."), name
        assert row.fix, name
