"""The operator's plan, resolved: secrets are values here, and `repr` never shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Everything may be missing: a recording is judged with what there is, the rest is Unknown."""

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    shared_key: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)  # RSA, PEM text
    public_key: str | None = field(default=None, repr=False)  # RSA, PEM text


@dataclass(frozen=True, slots=True, kw_only=True)
class TestData:
    """What the operator promises to exist at the target."""

    __test__ = False  # not a test class

    cpan: str | None = field(default=None, repr=False)
    otp: str | None = field(default=None, repr=False)
    bank_card_tokens: tuple[str, ...] = field(default=(), repr=False)
    auth_code: str | None = field(default=None, repr=False)
    customer_token: str | None = field(default=None, repr=False)
    expired_b2b_token: str | None = field(default=None, repr=False)  # once issued to this client, expired since
    ip_address: str | None = None
    card: Mapping[str, str] | None = field(default=None, repr=False)
    payment_members: Mapping[str, object] | None = None  # what this target needs besides: amount, additionalInfo, …
    refund_members: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    requests_per_second: float = 0.0  # 0: no pacing
    max_requests: int = 5000
    timeout_s: float = 10.0
    unbinding_settles_s: float = 2.0  # how long an accepted unbinding may stay pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    requirement: str
    reason: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    base_url: str | None = None
    allow_production: bool = False
    credentials: Credentials = field(default_factory=Credentials)
    other_partner: Credentials | None = None  # a second partner at the target, to try its token in our place
    test_data: TestData = field(default_factory=TestData)
    readings: Mapping[str, str] = field(default_factory=dict)  # only what the operator chose
    limits: Limits = field(default_factory=Limits)
    waivers: tuple[Waiver, ...] = ()
    plan: Mapping[str, bool] = field(default_factory=dict)  # what the merchant implements (certify)
    source: str = "built in"
