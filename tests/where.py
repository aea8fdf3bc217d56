"""Where a finding points: in the words of the reports, and at names that the contract knows, as it writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kki.edges.contract import load
from kki.model.verdict import Broken, Verdict

CONTRACT = load()
_PLACES = re.compile(
    r"(reply )?body( /[\w/]+)?( › \w+)?|reply( /[\w/]+)?|(reply )?headers?( [\w-]+)?|reply members"
    r"|status|method|path|target|time to answer|time of sending|token requests"
)
_MEMBER, _HEADER = re.compile(r"/(\w+)"), re.compile(r"header ([\w-]+)")
_KNOWN = {
    fact.name
    for operation in CONTRACT.operations.values()
    for fact in (*operation.headers, *operation.reply, *(each for form in operation.variants for each in form.fields))
}
_OTHERWISE = {name.lower(): name for name in _KNOWN}


def misplaced(verdicts: Iterable[Verdict]) -> set[str]:
    """The places of findings that no reader would find."""
    places = {
        finding.where
        for verdict in verdicts
        if isinstance(verdict.judgement, Broken)
        for finding in verdict.judgement.findings
    }
    return {place for place in places if not _PLACES.fullmatch(place) or not _as_the_contract_writes(place)}


def _as_the_contract_writes(place: str) -> bool:
    names = [*_MEMBER.findall(place), *_HEADER.findall(place)]
    return all(_OTHERWISE.get(name.lower(), name) == name for name in names)
