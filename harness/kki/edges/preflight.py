"""Before anything is scored: are our keys, our clock, the way to the target and its token endpoint in order?

"Most errors are configuration errors": each check says in one sentence what it saw and what to do. Exit code 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from kki.edges.contract import data_root
from kki.model.exchange import Exchange
from kki.model.http import Response
from kki.model.profile import Profile
from kki.snap import asymmetric, signature
from kki.snap.canonical import Malformed

CLOCK_SKEW_S = 300  # beyond this a strict server may refuse every X-TIMESTAMP


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` False and `fatal`: the run must not start."""

    name: str
    ok: bool
    says: str
    fix: str = ""
    fatal: bool = True


def self_test() -> Check:
    """Our own signing on vectors that other implementations computed."""
    vectors = json.loads((data_root() / "vectors" / "signature.json").read_text("utf-8"))
    for case in vectors["cases"]:
        if case.get("result") != "valid" or not {"client_secret", "string_to_sign", "signature"} <= case.keys():
            continue
        if signature.encoded(signature.mac(case["client_secret"], case["string_to_sign"])) != case["signature"]:
            return Check("self-test", False, f"our signing does not reproduce vector {case['id']}",
                         "this is the harness's own fault; please report it")
    return Check("self-test", True, "our signing reproduces the known vectors")


def credentials(profile: Profile) -> Iterator[Check]:
    """What no run can do without, and that the private key is one."""
    held = profile.credentials
    for key in ("client_id", "client_secret", "private_key"):
        if not getattr(held, key):
            yield Check(f"credentials: {key}", False, f"{profile.source}: [credentials] {key} is missing",
                        "add it to the profile, as env:NAME or file:PATH")
    if held.private_key and isinstance(asymmetric.public_key_of(held.private_key), Malformed):
        yield Check("credentials: private_key", False, "the private key is no RSA key in PEM form",
                    "give the key whose public half is known to the target")


def thin_data(profile: Profile) -> Iterator[Check]:
    """What will stay undecided for want of test data. Not fatal."""
    data = profile.test_data
    wanted = (
        (data.cpan and data.otp, "test_data: cpan, otp", "payments with a CPAN stay undecided"),
        (data.bank_card_tokens, "test_data: bank_card_tokens", "payments with a token and unbinding stay undecided"),
        (len(data.bank_card_tokens) != 1, "test_data: bank_card_tokens", "a second token is needed for unbinding"),
        (data.auth_code or data.customer_token, "test_data: auth_code", "the customer token stays untried"),
        (profile.other_partner, "other_partner", "whether another partner's token is refused stays undecided"),
        (data.expired_b2b_token, "test_data: expired_b2b_token", "whether an expired token is refused stays undecided"),
        (
            data.card and profile.credentials.shared_key,
            "test_data: card, credentials: shared_key",
            "binding stays undecided",
        ),
    )
    for there, name, consequence in wanted:
        if not there:
            yield Check(name, False, consequence, "add it to the profile", fatal=False)


def reachable(exchange: Exchange, base_url: str) -> Check:
    """From the first exchange: did anything answer at all?"""
    if exchange.response is not None:
        return Check("reachable", True, f"{base_url} answers")
    fixes = {
        "connection refused": "is the server running, and are host and port right?",
        "timeout": "is it the right host? [limits] timeout_s sets how long we wait",
        "TLS failed": "is its certificate valid for this host?",
    }
    return Check("reachable", False, f"{base_url} gave no reply to the token request: {exchange.failure}",
                 fixes.get(exchange.failure or "", "does an HTTP server listen there?"))


def clock(exchange: Exchange, now: datetime) -> Check:
    """Our clock against the reply's Date header."""
    text = exchange.response.headers.get("Date") if exchange.response else None
    try:
        moment = parsedate_to_datetime(text) if text else None
        skew = (now - moment).total_seconds() if moment else None
    except (TypeError, ValueError):
        skew = None
    if skew is None:
        return Check("clock", True, "the target sends no usable Date header, so clocks were not compared", fatal=False)
    if abs(skew) > CLOCK_SKEW_S:
        side = "ahead of" if skew > 0 else "behind"
        said = f"this machine's clock is {abs(skew):.0f} s {side} the target's"
        return Check("clock", False, said, "set the clock: every X-TIMESTAMP would be refused")
    return Check("clock", True, f"clocks agree within {abs(skew):.0f} s")


def token(exchange: Exchange) -> Check:
    """Did the B2B token endpoint give a token?"""
    response = exchange.response
    if response is None:
        return Check("token exchange", False, "no reply", "see above")
    found = _json(response)
    if isinstance(found.get("accessToken"), str) and found["accessToken"]:
        return Check("token exchange", True, "the target gave a B2B token")
    answer = f"{found.get('responseCode', 'no responseCode')} {found.get('responseMessage', '')}".strip()[:200]
    said = answer if found else _kind(response)
    fix = "is this a SNAP API? base_url must be the root under which /authorization and /direct-debit live"
    if response.status in (400, 401, 403, 404) and found:
        fix = "check client_id, and that the target knows the public half of private_key"
    return Check("token exchange", False, f"expected a B2B token, but got HTTP {response.status}: {said}", fix)


def customer_token(exchange: Exchange) -> Check:
    found = _json(exchange.response) if exchange.response else {}
    if isinstance(found.get("accessToken"), str) and found["accessToken"]:
        return Check("customer token", True, "the target gave a customer token", fatal=False)
    status = str(exchange.failure)
    if exchange.response:
        status = f"HTTP {exchange.response.status} {found.get('responseCode', '')}".strip()
    said = f"expected a customer token for auth_code, but got {status}"
    fix = "an authCode is good once: get a fresh one, or give customer_token"
    return Check("customer token", False, said, fix, fatal=False)


def _json(response: Response) -> dict[str, object]:
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _kind(response: Response) -> str:
    if not response.body:
        return "an empty body"
    stated = response.headers.get("Content-Type") or "a body of no stated type"
    return f"{stated}, {len(response.body)} bytes that are no JSON object"


def problems(checks: Iterable[Check]) -> list[str]:
    """A sentence for each check that keeps a run from starting: what is wrong, and what to do."""
    return [
        f"{each.name}: {each.says}. {each.fix[:1].upper()}{each.fix[1:]}{'' if each.fix.endswith('?') else '.'}"
        for each in checks
        if each.fatal and not each.ok
    ]
