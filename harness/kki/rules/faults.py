"""One detection serves both parties: what is wrong with an observed request, and what that means for either.

A detector looks at one request and says which faults it has. If the client is on trial a fault breaks its row. If the
server is, the row that demands refusal is judged by how such a request was answered, and the row on reasons by the
case code. So a request that a stranger sent can be judged as well as one of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from kki.model.verdict import Broken, Finding, Holds, Judgement, Unknown
from kki.rules.view import Reply, Standing

if TYPE_CHECKING:
    from kki.rules.registry import Scene

Cases = frozenset[tuple[int, str]]
"""Fitting (HTTP status, case code) pairs; case "*" is any."""


def cases(*pairs: str) -> Cases:
    """`cases("400/01", "404/*")`."""
    return frozenset((int(pair[:3]), pair[4:]) for pair in pairs)


ANY_REFUSAL = frozenset((status, "*") for status in range(400, 500))
MANDATORY = cases("400/02", "400/01")  # DOKU, case table: missing or empty; either code is found in the wild
FORMAT = cases("400/01")
LIMITS = cases("403/04", "403/14", "403/16", "403/17", "403/20", "403/23", "429/*")
"""A limit of card, token or merchant is reached: a reason to refuse anything, whatever else is wrong with it."""
BUSINESS = cases(
    *(f"403/{case:02d}" for case in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, *range(13, 24))), "404/05", "404/08", "405/01",
)  # fmt: skip
"""What the case table calls an error of the card, its limits, the merchant and what was agreed with it: the request
may be right."""


class Force(Enum):
    """What the documents demand of a server that meets the fault."""

    MUST_REFUSE = "must refuse"
    MAY_REFUSE = "may refuse"  # disputed, or a matter of taste: nothing follows for the server
    EITHER = "either"  # refuse or accept, but in an orderly way


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`where` also says which faults belong together: two at one place are one cause for a refusal.

    `client`, `server`, `reason`, `fitting` are the detector's own unless given; "" and None say "the detector's",
    NOBODY says that no row is touched.
    """

    where: str
    expected: str
    actual: str
    diagnosis: str = ""
    force: Force = Force.MUST_REFUSE
    client: str = ""
    server: str = ""
    reason: str = ""
    fitting: Cases | None = None
    field: str = ""  # the member or header that a good refusal names
    acted: str = ""  # what shows that the server acted on it, though it says that it refused
    permitted: str | None = None  # "reading=choice" under which the client does no wrong by it

    def finding(self) -> Finding:
        return Finding(where=self.where, expected=self.expected, actual=self.actual, diagnosis=self.diagnosis)

    def fits(self, case: tuple[int, str]) -> bool:
        return fits(self.fitting or frozenset(), case)


NOBODY = "-"
Detection = tuple[Fault, ...] | Unknown | None
"""Faults, none for "looked and found nothing"; Unknown: could not look; None: the question does not arise here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    name: str  # "signing.signature"
    says: str
    client: str | None
    servers: tuple[str, ...]
    reason: str | None
    fitting: Cases
    operations: frozenset[str]  # empty: any request, even outside the API
    reading: tuple[str, str] | None  # in force only under this choice
    look: Callable[[Scene], Detection]


DETECTORS: list[Detector] = []


def detector(
    *,
    client: str | None = None,
    server: str | tuple[str, ...] = (),
    reason: str | None = None,
    fitting: Cases = frozenset(),
    operations: Iterable[str] = (),
    reading: tuple[str, str] | None = None,
) -> Callable[[Callable[[Scene], Detection]], Callable[[Scene], Detection]]:
    """Registers a detector. Its docstring is the sentence in the catalogue."""

    def register(look: Callable[[Scene], Detection]) -> Callable[[Scene], Detection]:
        servers = (server,) if isinstance(server, str) else tuple(server)
        name = f"{look.__module__.rsplit('.', 1)[-1]}.{look.__name__}"
        DETECTORS.append(
            Detector(
                name=name, says=(look.__doc__ or "").strip(), client=client, servers=servers, reason=reason,
                fitting=fitting, operations=frozenset(operations), reading=reading, look=look,
            )
        )  # fmt: skip
        return look

    return register


def resolved(fault: Fault, by: Detector) -> Fault:
    """The fault with the detector's own rows where it names none itself."""
    return replace(
        fault,
        client=fault.client or by.client or NOBODY,
        server=fault.server or (by.servers[0] if by.servers else NOBODY),
        reason=fault.reason or by.reason or NOBODY,
        fitting=by.fitting if fault.fitting is None else fault.fitting,
    )


def fits(fitting: Cases, case: tuple[int, str]) -> bool:
    return case in fitting or (case[0], "*") in fitting


@dataclass(slots=True, kw_only=True)
class Detected:
    """All that was found on one request. `unknown`: what could not be looked into, with the codes it would explain."""

    faults: tuple[Fault, ...] = ()
    unknown: list[tuple[Cases, str, str]] = field(default_factory=list)  # fitting, missing, detector name

    @property
    def places(self) -> frozenset[str]:
        return frozenset(fault.where for fault in self.faults)

    def may_explain(self, case: tuple[int, str] | None) -> str | None:
        """What is missing, if a detector that could not look might account for this code."""
        return next((missing for fitting, missing, _ in self.unknown if case is None or fits(fitting, case)), None)


def client_judgement(client: str, faults: Iterable[Fault]) -> Judgement:
    """Of the client's row, once a detector has looked."""
    mine = [fault for fault in faults if fault.client == client]
    if not mine:
        return Holds()
    permitted = mine[0].permitted if all(fault.permitted for fault in mine) else None
    return Broken(tuple(fault.finding() for fault in mine), permitted)


def server_judgement(fault: Fault, found: Detected, reply: Reply) -> Judgement | None:
    """Of the row that demands refusal; None where this exchange cannot decide it."""
    if fault.acted and fault.force is Force.MUST_REFUSE:
        return Broken((_server_finding(fault, "a refusal that changes nothing", fault.acted),))
    match reply.standing:
        case Standing.NONE:
            return Unknown("a reply; how the fault is received cannot be seen without one")
        case Standing.ACCEPTED:
            return _accepted(fault, reply)
        case Standing.REFUSED:
            return Holds() if fault.force is not Force.MAY_REFUSE and _due_to(fault, found, reply) else None
        case Standing.FAILED if fault.force is Force.EITHER:
            return Broken((_server_finding(fault, "an orderly answer: refused with 4xx, or accepted", reply.said()),))
        case _:
            return None


def _accepted(fault: Fault, reply: Reply) -> Judgement | None:
    if fault.force is Force.MAY_REFUSE:
        return None
    if fault.force is Force.EITHER:
        return Holds()
    expected = f"a refusal, since the request is at fault: {fault.where} should be {fault.expected}"
    actual = f"accepted with {reply.said()}, though it was {fault.actual}"
    return Broken((_server_finding(fault, expected, actual),))


def _server_finding(fault: Fault, expected: str, actual: str) -> Finding:
    return Finding(where=fault.where, expected=expected, actual=actual, diagnosis=fault.diagnosis)


def _due_to(fault: Fault, found: Detected, reply: Reply) -> bool:
    """Whether the refusal can be put down to this fault and to no other."""
    if fault.force is Force.EITHER:
        return True
    if reply.case is None:
        return len(found.places) == 1 and not found.unknown
    if fault.fits(reply.case):
        others = [other for other in found.faults if other.where != fault.where]
        return not any(other.fits(reply.case) for other in others) and not _hidden(fault, found, reply.case)
    return len(found.places) == 1 and found.may_explain(reply.case) is None


def _hidden(fault: Fault, found: Detected, case: tuple[int, str]) -> bool:
    """Whether something unseen explains the code as well; not where the fault is itself of that kind."""
    return any(fits(fitting, case) and fitting != fault.fitting for fitting, _, _ in found.unknown)


def reason_judgements(found: Detected, reply: Reply, *, usual: bool = False) -> dict[str, Judgement]:
    """Of the rows on reasons: the code of a refusal has to fit a fault that the request has.

    `usual`: this business code has declined sound requests of the operation, so that it says nothing of this one.
    """
    must = [fault for fault in found.faults if fault.force is Force.MUST_REFUSE and fault.reason != NOBODY]
    if reply.standing is not Standing.REFUSED or reply.case is None or not must:
        return {}
    if usual or fits(LIMITS, reply.case):
        return {}
    fitting = [fault for fault in found.faults if fault.fits(reply.case)]
    if fitting:
        only = fitting[0].where if len({fault.where for fault in fitting}) == 1 else None
        return {fault.reason: Holds() for fault in must if fault.where == only and fault.fits(reply.case)}
    if found.may_explain(reply.case) is not None or any(not fault.fitting for fault in found.faults):
        return {}
    first = must[0]
    wanted = " or ".join(sorted(f"{status}/{case}" for status, case in first.fitting or ()))
    expected = f"a code that fits the fault ({first.where} was {first.actual}): {wanted}"
    return {first.reason: Broken((Finding(where="reply /responseCode", expected=expected, actual=reply.said()),))}
