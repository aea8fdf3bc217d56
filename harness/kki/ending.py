"""What `check`, `certify`, `judge` and `relay` say alike when they end, whoever was on trial."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kki.edges import contract as contracts
from kki.model.contract import Contract
from kki.model.exchange import Exchange
from kki.model.profile import Profile
from kki.model.run import Run, quoted
from kki.model.verdict import Outcome, Overall
from kki.snap import signature, tokens

CONFORMS, DOES_NOT_CONFORM, HARNESS, INCOMPLETE, INTERRUPTED = 0, 1, 3, 4, 130  # interface.md, exit codes
MOST_SIGNED = 4096  # octets of a body whose signature is shown


def exit_code(run: Run, faults: Sequence[str]) -> int:
    """0 conforms, 1 does not, 3 our own fault, 4 incomplete. A violation is never hidden by a fault of ours."""
    if run.overall is Overall.DOES_NOT_CONFORM:
        return DOES_NOT_CONFORM
    if faults or any(row.outcome is Outcome.FAULTY for row in run.requirements):
        return HARNESS
    return CONFORMS if run.overall is Overall.CONFORMS else INCOMPLETE


def plainly(title: str) -> str:
    """A case's title for people: "server/test_state.py::test_a_refund_twice[x]" → "state: a refund twice (x)"."""
    found = re.fullmatch(r"(?:.*/)?test_(\w+)\.py::test_(\w+)(?:\[(.*)\])?", title, re.DOTALL)
    if found is None:
        return title
    with_ = f" ({found[3]})" if found[3] else ""
    return f"{found[1]}: {found[2]}".replace("_", " ") + with_


def waived(profile: Profile) -> Iterator[str]:
    """A note for each waiver: nothing is green in silence."""
    for waiver in profile.waivers:
        yield f"Waived until {waiver.expires.isoformat()}: {waiver.requirement}, {waiver.reason}"


def signing_steps(exchange: Exchange, profile: Profile) -> tuple[tuple[str, str], ...]:
    """How X-SIGNATURE of this request is made, step by step; () where it has none, or the secret is missing."""
    headers, secret = exchange.request.headers, profile.credentials.client_secret
    stamp, token = headers.get("X-TIMESTAMP"), tokens.bearer_lenient(headers.get("Authorization") or "")
    if secret is None or not stamp or not token or len(exchange.request.body) > MOST_SIGNED:
        return ()
    made = signature.sign(
        method=exchange.request.method, target=exchange.request.target, body=exchange.request.body, token=token,
        timestamp=stamp, client_secret=secret,
    )  # fmt: skip
    if not isinstance(made, signature.Signing):
        return ()
    return (
        ("minified body", made.minified.decode("utf-8", "replace")), ("SHA-256 of it, lower-case hex", made.digest),
        ("string to sign", made.string_to_sign), ("HMAC-SHA512 of it, Base64", made.signature),
        ("X-SIGNATURE as sent", headers.get("X-SIGNATURE") or "none"),
    )  # fmt: skip


def power_figures() -> Mapping[str, Any] | None:
    """The suite's own measured power, as the committed table says; None where there is no table."""
    path = contracts.data_root() / "power.json"
    if not path.is_file():
        return None
    figures: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return figures


def told_by(contract: Contract, profile: Profile) -> dict[str, Any]:
    """What every report quotes from the contract: areas, documents, operations, readings in force."""
    chosen = {name: contract.choice(name, profile.readings) for name, row in contract.readings.items() if row.choices}
    return {**quoted(contract), "readings": chosen}


def digest_of(profile: Profile) -> str:
    """Of the plan without its secrets: what was tried, under which readings, limits and waivers."""
    limits = dataclasses.asdict(profile.limits)
    waivers = [[row.requirement, row.reason, row.expires.isoformat()] for row in profile.waivers]
    plain = {
        "target": profile.base_url, "client": profile.credentials.client_id, "readings": dict(profile.readings),
        "limits": limits, "waivers": waivers, "plan": dict(profile.plan),
    }  # fmt: skip
    return "sha256:" + hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
