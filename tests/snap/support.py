"""What the tests of this folder share: vector files, foreign vectors, key pairs, Hypothesis settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "openapi" / "vectors"
WYCHEPROOF = ROOT.parent / "shared" / "vectors" / "wycheproof"

# No deadline and no complaint about slowness: the machine is shared. No database: nothing is left behind.
quick = settings(deadline=None, database=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])

any_text = st.text(st.characters(exclude_categories=()), max_size=60)  # lone surrogates and control characters included
any_bytes = st.binary(max_size=120)


def vector_file(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((VECTORS / name).read_text("utf-8"))
    return document


def vectors(name: str, *, step: str | None = None, result: str | None = None) -> list[Any]:
    """One pytest parameter per case. An empty selection is an error: it would make a test that asserts nothing."""
    cases = [
        case
        for case in vector_file(name)["cases"]
        if step in (None, case.get("step")) and result in (None, case["result"])
    ]
    assert cases, f"Expected cases in {name} for step={step}, result={result}, but found none."
    return [pytest.param(case, id=case["id"]) for case in cases]


def wycheproof(name: str) -> list[Any]:
    """(group, case) of a Wycheproof file beside the checkout; one skipped parameter where the file is absent."""
    path = WYCHEPROOF / name
    if not path.exists():
        reason = f"Wycheproof is not part of this repository and was not found at {path}."
        return [pytest.param({}, {}, marks=pytest.mark.skip(reason=reason), id="absent")]
    groups = json.loads(path.read_text("utf-8"))["testGroups"]
    return [pytest.param(group, case, id=f"tc{case['tcId']}") for group in groups for case in group["tests"]]


_KEYS = vector_file("token-signature.json")["keys"]
PRIVATE_PEM: str = _KEYS[0]["private_pem"]
PUBLIC_PEM: str = _KEYS[0]["public_pem"]
OTHER_PUBLIC_PEM: str = _KEYS[1]["public_pem"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
