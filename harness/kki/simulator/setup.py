"""What the simulator knows before the first request: partners, keys, test data. Limits of fields are the Contract's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kki.model.contract import Contract
from kki.model.profile import Credentials, Profile
from kki.snap import asymmetric

MAX_BODY = 2 * 1024 * 1024  # octets; ours, the documents name none
MAX_DEPTH = 256  # levels of nesting; ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A merchant as DOKU knows it. `public_key`: RSA, PEM; verifies its token requests."""

    client_id: str
    client_secret: str = field(repr=False)
    shared_key: str = field(repr=False)
    public_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """`client_id`: the partner on trial, one of `partners`. `issuer_key`: RSA, PEM; signs B2B tokens."""

    contract: Contract
    client_id: str
    partners: Mapping[str, Partner] = field(repr=False)
    issuer_key: str = field(repr=False)
    cpans: frozenset[str] = field(default=frozenset(), repr=False)
    otp: str = field(default="", repr=False)
    bank_card_tokens: tuple[str, ...] = field(default=(), repr=False)
    auth_codes: tuple[str, ...] = field(default=(), repr=False)
    customer_tokens: tuple[str, ...] = field(default=(), repr=False)
    expired_tokens: tuple[str, ...] = field(default=(), repr=False)  # B2B, once issued to the partner on trial
    readings: Mapping[str, str] = field(default_factory=dict)
    public_url: str = ""  # what redirectUrl begins with; "": where the request came in

    def choice(self, reading: str) -> str:
        """The choice in force for a reading: the operator's, else the default."""
        return self.contract.choice(reading, self.readings)


def setup_from(profile: Profile, contract: Contract, *, issuer_key: str) -> Setup:
    """The setup that a profile's credentials, test data and readings describe. ValueError names what is missing."""
    data = profile.test_data
    own = partner_from(profile.credentials, "credentials")
    partners = {own.client_id: own}
    if profile.other_partner is not None:
        other = partner_from(profile.other_partner, "other_partner", needed=("client_id", "public_key"))
        partners.setdefault(other.client_id, other)
    return Setup(
        contract=contract,
        client_id=own.client_id,
        partners=partners,
        issuer_key=issuer_key,
        cpans=frozenset({data.cpan} if data.cpan else ()),
        otp=data.otp or "",
        bank_card_tokens=data.bank_card_tokens,
        auth_codes=(data.auth_code,) if data.auth_code else (),
        customer_tokens=(data.customer_token,) if data.customer_token else (),
        expired_tokens=(data.expired_b2b_token,) if data.expired_b2b_token else (),
        readings=profile.readings,
    )


_EVERYTHING = ("client_id", "client_secret", "shared_key", "public_key")


def partner_from(held: Credentials, table: str, needed: tuple[str, ...] = _EVERYTHING) -> Partner:
    """The partner with these credentials; the public key may be derived from the private one."""
    public = held.public_key
    if public is None and held.private_key is not None:
        derived = asymmetric.public_key_of(held.private_key)
        public = derived if isinstance(derived, str) else None
    values = {
        "client_id": held.client_id or "",
        "client_secret": held.client_secret or "",
        "shared_key": held.shared_key or "",
        "public_key": public or "",
    }
    missing = [f"{table}.{name}" for name in needed if not values[name]]
    if missing:
        raise ValueError(f"Expected {', '.join(missing)} in the profile, but found nothing there.")
    return Partner(**values)
