"""A redactor for a profile: every secret in it, with the key it came from."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from kki.model.profile import Credentials, Profile
from kki.redaction.forms import is_card
from kki.redaction.redactor import Redactor


def salt_for(profile: Profile, nonce: str) -> bytes:
    """What a run's pseudonyms are made from: the same again for whoever has the profile's secrets and the nonce.

    The nonce may be written down; the secrets are not, so that nobody else can guess an OTP back from a pseudonym.
    Without a secret in the profile ValueError: chance has to make the salt then.
    """
    held = profile.credentials
    secrets = [value for value in (held.client_secret, held.private_key, held.shared_key) if value]
    if not secrets:
        raise ValueError("Expected a profile with a secret, but it has none.")
    return hmac.new("\n".join(secrets).encode(), nonce.encode(), hashlib.sha256).digest()


def redactor_for(profile: Profile, *, salt: bytes) -> Redactor:
    """A redactor that knows every secret of the profile. The client id is no secret."""
    credentials, data = profile.credentials, profile.test_data
    named: list[tuple[str, str, str | None]] = [
        ("client-secret", "credentials.client_secret", credentials.client_secret),
        ("shared-key", "credentials.shared_key", credentials.shared_key),
        ("private-key", "credentials.private_key", credentials.private_key),
        ("card", "test_data.cpan", data.cpan),
        ("otp", "test_data.otp", data.otp),
        ("auth-code", "test_data.auth_code", data.auth_code),
        ("bearer", "test_data.customer_token", data.customer_token),
        ("bearer", "test_data.expired_b2b_token", data.expired_b2b_token),
        *_of_other_partner(profile.other_partner),
        *(("card-token", f"test_data.bank_card_tokens[{n}]", token) for n, token in enumerate(data.bank_card_tokens)),
        *(
            ("card" if is_card(value) else "card-data", f"test_data.card.{key}", value)
            for key, value in (data.card or {}).items()
        ),
    ]
    secrets: dict[str, list[str]] = {}
    origins: dict[str, str] = {}
    for kind, key, value in named:
        if value:
            secrets.setdefault(kind, []).append(value)
            origins.setdefault(value, key)
    return Redactor(secrets, salt=salt, origins=origins)


def _of_other_partner(other: Credentials | None) -> Iterator[tuple[str, str, str | None]]:
    if other is not None:
        yield "client-secret", "other_partner.client_secret", other.client_secret
        yield "shared-key", "other_partner.shared_key", other.shared_key
        yield "private-key", "other_partner.private_key", other.private_key
