"""Values that travel between processes: profiles and verdicts as what pytest-xdist can carry, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kki.model.profile import Credentials, Limits, Profile, TestData, Waiver
from kki.model.requirement import Party
from kki.model.verdict import Broken, Faulty, Finding, Holds, Judgement, NotApplicable, Unknown, Verdict

Plain = dict[str, Any]


def profile_to_plain(profile: Profile) -> Plain:
    plain = dataclasses.asdict(profile)
    plain["waivers"] = [{**row, "expires": row["expires"].isoformat()} for row in plain["waivers"]]
    plain["test_data"]["card"] = dict(profile.test_data.card) if profile.test_data.card else None
    return plain


def profile_from_plain(plain: Plain) -> Profile:
    data = dict(plain["test_data"])
    data["bank_card_tokens"] = tuple(data["bank_card_tokens"])
    other = plain["other_partner"]
    waivers = tuple(
        Waiver(**{**row, "expires": datetime.fromisoformat(row["expires"]).date()}) for row in plain["waivers"]
    )
    return Profile(
        **{
            **plain,
            "credentials": Credentials(**plain["credentials"]),
            "test_data": TestData(**data),
            "limits": Limits(**plain["limits"]),
            "waivers": waivers,
            "other_partner": Credentials(**other) if other else None,
        }
    )


def verdict_to_plain(verdict: Verdict) -> list[Any]:
    judgement = verdict.judgement
    payload: Any = None
    match judgement:
        case Broken(findings, permitted):
            payload = [[dataclasses.asdict(finding) for finding in findings], permitted]
        case Holds(reading):
            payload = reading
        case Unknown(missing):
            payload = missing
        case Faulty(trace):
            payload = trace
    return [verdict.requirement, verdict.exchange, verdict.party.value, type(judgement).__name__, payload]


def verdict_from_plain(row: Sequence[Any]) -> Verdict:
    requirement, exchange, party, kind, payload = row
    judgement: Judgement
    match kind:
        case "Broken":
            judgement = Broken(tuple(Finding(**finding) for finding in payload[0]), payload[1])
        case "Holds":
            judgement = Holds(payload)
        case "Unknown":
            judgement = Unknown(payload)
        case "Faulty":
            judgement = Faulty(payload)
        case _:
            judgement = NotApplicable()
    return Verdict(requirement=requirement, exchange=exchange, party=Party(party), judgement=judgement)
