"""The checklist of `openapi/checklist.toml` as frozen values, and what of it a plan makes mandatory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from kki.edges import datafiles
from kki.edges.contract import data_root
from kki.edges.errors import ConfigurationError
from kki.model.contract import Contract
from kki.model.requirement import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What ticks a step that is to be done. `habit`: what no single request shows."""

    operation: str = ""
    variant: str = ""
    channel: str = ""
    habit: str = ""  # "token-reuse" | "otp-page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What steers a merchant into trouble: the beginning of a reference, or a CPAN. `natural`: any way into it."""

    at: tuple[str, ...]
    reference: str = ""
    cpan: str = ""
    natural: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How such a request is answered. `kind`: "refusal", "silence", "close", "slow" or "extra"."""

    kind: str
    status: int = 0
    case: str = ""
    once: bool = False
    ends_token: bool = False
    retry_after: int = 0  # seconds
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`needs`: features of the plan of which one makes it mandatory; empty: always. `advised`: a SHOULD, not missed."""

    id: str
    kind: str  # "do" | "survive"
    title: str
    how: str
    needs: tuple[str, ...] = ()
    advised: bool = False
    requirements: tuple[str, ...] = ()
    sees: Sight | None = None
    meets: Trigger | None = None
    answer: Trouble | None = None
    follow: str = ""  # "again" | "on"
    expects: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """These rows of the ledger concern only who implements one of these features."""

    needs: tuple[str, ...]
    rows: tuple[str, ...]  # ids, or "KKI-RFD-*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    steps: tuple[Step, ...]
    scopes: tuple[Scope, ...] = ()

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @property
    def cpans(self) -> frozenset[str]:
        """The documented CPANs that steer."""
        return frozenset(step.meets.cpan for step in self.steps if step.meets and step.meets.cpan)

    def mandatory(self, plan: Mapping[str, bool]) -> frozenset[str]:
        """Ids of the steps that this plan asks for."""
        return frozenset(step.id for step in self.steps if implemented(plan, step.needs))

    def in_scope(self, contract: Contract, plan: Mapping[str, bool]) -> frozenset[str]:
        """Ids of the client's requirements that concern a merchant with this plan."""
        clients = [row.id for row in contract.requirements.values() if row.party is Party.CLIENT]
        out = [pattern for scope in self.scopes if not implemented(plan, scope.needs) for pattern in scope.rows]
        return frozenset(name for name in clients if not any(fnmatchcase(name, pattern) for pattern in out))

    def met_by(self, operation: str, members: Mapping[str, Any], own_cpan: str | None = None) -> Step | None:
        """The trouble that this request asks for by its reference or CPAN. The profile's own CPAN asks for none."""
        reference, cpan = members.get("partnerReferenceNo"), members.get("chargeToken")
        for step in self.steps:
            trigger = step.meets
            if trigger is None or operation not in trigger.at:
                continue
            if trigger.reference and isinstance(reference, str) and reference.startswith(trigger.reference):
                return step
            if trigger.cpan and cpan == trigger.cpan and cpan != own_cpan:
                return step
        return None


def implemented(plan: Mapping[str, bool], needs: Iterable[str]) -> bool:
    """Whether one of these features is implemented, or none is asked for. What a plan does not name, is."""
    names = tuple(needs)
    return not names or any(plan.get(name, True) for name in names)


@lru_cache(maxsize=4)
def load(root: Path | None = None) -> Checklist:
    """The checklist under `root` (default: the contract's own folder). ConfigurationError: every problem."""
    folder = root or data_root()
    path = folder / "checklist.toml"
    data = datafiles.must_fit(datafiles.read(path), "checklist", path.name, folder)
    steps = tuple(_step(row) for row in data["step"])
    twice = sorted({step.id for step in steps if sum(other.id == step.id for other in steps) > 1})
    if twice:
        raise ConfigurationError([f"{path.name}: expected each step once, but got {', '.join(twice)} twice."])
    scopes = tuple(Scope(needs=tuple(row["needs"]), rows=tuple(row["rows"])) for row in data["scope"])
    return Checklist(steps=steps, scopes=scopes)


def _step(row: Mapping[str, Any]) -> Step:
    lists: dict[str, Any] = {name: tuple(row.get(name, ())) for name in ("needs", "requirements")}
    texts: dict[str, Any] = {name: row.get(name, "") for name in ("id", "kind", "title", "how", "follow", "expects")}
    meets = dict(row["meets"], at=tuple(row["meets"]["at"])) if "meets" in row else None
    return Step(
        **texts,
        **lists,
        advised=row.get("advised", False),
        sees=Sight(**row["sees"]) if "sees" in row else None,
        meets=Trigger(**meets) if meets else None,
        answer=Trouble(**row["answer"]) if "answer" in row else None,
    )
