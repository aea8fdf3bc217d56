"""A run that was killed: what can be said of it from its evidence alone. Nothing was decided, so nothing is claimed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from kki.model.contract import Contract
from kki.model.exchange import Record
from kki.model.run import ON_TRIAL, RequirementResult, Run, quoted
from kki.model.verdict import Grade, Outcome, Overall

WHY = "the run ended before its verdicts were written; the evidence is what was recorded by then"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # nothing was recorded: no time is known


def partial_run(
    records: Iterable[Record],
    contract: Contract,
    *,
    harness: str,
    replay: str,
    problems: Iterable[str] = (),
) -> Run:
    """Every requirement not exercised, overall incomplete, marked partial.

    The evidence is redacted, so judging it again would find signatures wrong that were right: it is shown, not
    judged. `problems` are the sentences of lines that could not be read.
    """
    count, origin, made_by = 0, "", ""
    first, last = None, None
    for record in records:
        exchange = record.exchange
        count, origin, made_by = count + 1, origin or exchange.request.origin, made_by or record.made_by
        first = min(first or exchange.sent_at, exchange.sent_at)
        last = max(last or exchange.sent_at, exchange.answered_at or exchange.sent_at)
    use = use_of(made_by)
    return Run(
        use=use,
        overall=Overall.INCOMPLETE,
        harness=harness,
        contract=contract.digest,
        target=origin or "unknown",
        seed=0,
        level="standard",
        started=first or _NEVER,
        finished=last or _NEVER,
        exchange_count=count,
        requirements=tuple(_open(contract, name, use) for name in contract.requirements),
        partial=True,
        replay=replay,
        notes=(f"No verdict: {WHY}. Level and seed are not known.", *problems),
        **quoted(contract),
    )


def use_of(made_by: str) -> str:
    """Which command wrote such evidence: a listener is certify's, a HAR's entry was judged, all else was checked."""
    if made_by.startswith("har:"):
        return "judge"
    return "certify" if made_by.startswith("listener") else "check"


def _open(contract: Contract, name: str, use: str) -> RequirementResult:
    row = contract.requirements[name]
    return RequirementResult(
        id=row.id,
        says=row.says,
        party=row.party,
        level=row.level,
        standing=row.standing,
        outcome=Outcome.NOT_EXERCISED,
        grade=Grade.NONE,
        source=row.source,
        missing="" if row.untestable else WHY,
        untestable=row.untestable,
        in_scope=row.party in ON_TRIAL[use],
    )
