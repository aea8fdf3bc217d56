"""What a judge may use besides the bytes: the contract, and what the operator told us. Frozen; no clock, no files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kki.model.contract import Contract
from kki.model.profile import Credentials, Limits, Profile, TestData
from kki.model.verdict import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything but `contract` may be missing: what cannot be decided for lack of it is Unknown, never a pass.

    `readings`: only what the operator chose. `complete`: the exchanges to be judged, with `test_data`, are the whole
    world: a token, card or payment that neither holds was never issued, bound or made. False for a recording that
    somebody else began in the middle of things. `alone`: nobody else uses these credentials meanwhile; False where
    several processes share them, so that what one asks for may replace what another holds. `staged`: the traffic was
    made for this trial, so that every request is meant for this API, and cards and money are as the profile promises;
    neither is sure of a recording. `left_out`: of a recording that somebody else made, the headers with tokens that
    are nowhere in it; None where we recorded what was sent, whole and with nothing hidden. `other_partner`: a second
    client at the target, whose tokens are used in our place to see them refused; its own token requests are in order.
    """

    contract: Contract
    credentials: Credentials = field(default_factory=Credentials)
    readings: Mapping[str, str] = field(default_factory=dict)
    test_data: TestData = field(default_factory=TestData)
    limits: Limits = field(default_factory=Limits)
    complete: bool = True
    staged: bool = True
    alone: bool = True
    left_out: frozenset[str] | None = None
    other_partner: Credentials | None = None

    @classmethod
    def of(
        cls, profile: Profile, contract: Contract, *, complete: bool = True, staged: bool = True, alone: bool = True,
        left_out: frozenset[str] | None = None,
    ) -> Knowledge:  # fmt: skip
        """What the operator's plan tells. `complete`, `staged`, `alone`, `left_out`: see the class."""
        return cls(
            contract=contract, credentials=profile.credentials, readings=profile.readings, test_data=profile.test_data,
            limits=profile.limits, other_partner=profile.other_partner, complete=complete, staged=staged,
            alone=alone, left_out=left_out,
        )  # fmt: skip

    def unseen(self, what: str) -> Unknown:
        """What is missing where something was given out before the first exchange, if it was."""
        return Unknown(what if self.complete else f"{what}; or --complete, if the recording holds everything")

    def knows_client(self, client: str) -> bool:
        """Whether this is a client id that the operator named."""
        others = self.other_partner.client_id if self.other_partner else None
        return client in (self.credentials.client_id, others)

    def held_by(self, partner: str | None) -> Credentials:
        """The credentials of the partner that a recorded request names; in a trial of ours it is always we who sign."""
        other = self.other_partner
        if self.staged or other is None or partner is None or partner != other.client_id:
            return self.credentials
        return other

    def choice(self, reading: str) -> str:
        """The choice in force for a reading: the operator's, else the default. KeyError for an unknown reading."""
        return self.contract.choice(reading, self.readings)

    def in_force(self, reading: tuple[str, str] | None) -> bool:
        """Whether (reading, choice) is what is in force; None is always in force."""
        return reading is None or self.choice(reading[0]) == reading[1]
