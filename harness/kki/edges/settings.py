"""The only reader of the profile file and of the environment: both become one frozen Profile, or every error at once.

Each error is one sentence with file, key, what was expected, what came and the nearest match; never a secret's value.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from kki.edges import addresses, entropy
from kki.edges.errors import ConfigurationError
from kki.edges.nearest import did_you_mean
from kki.edges.profile_tables import Notes, Table, quoted
from kki.edges.references import Unresolved, is_literal, resolved
from kki.model.contract import Contract
from kki.model.profile import Credentials, Limits, Profile, TestData, Waiver
from kki.redaction import redactor_for
from kki.snap import asymmetric, crypto, tokens
from kki.snap.canonical import Malformed

BASE_URL_VARIABLE = "KKI_BASE_URL"
CONTRACT_VARIABLE = "KKI_CONTRACT"
# What a merchant may say it implements; `certify` asks for the rest only where it does.
PLAN = (
    "payment_cpan", "payment_cpan_tokenise", "payment_token", "payment_recurring",
    "bind_dh", "bind_h2h", "unbind", "refund", "b2b2c",
)  # fmt: skip
_NO_PRODUCTION = "expected anything but a production host, where real money moves"
_ALLOW_PRODUCTION = "If that is what you want, write allow_production = true under [target] of the profile."
_CAUTIOUS_PACE = 20.0  # requests a second at a target that is not on loopback and for which nothing was chosen
_LITERALS_ONLY_ON_LOOPBACK = 'expected "env:NAME" or "file:PATH" for a target that is not on loopback'


def load_profile(
    path: Path | None,
    *,
    base_url: str | None = None,
    env: Mapping[str, str] = os.environ,
    contract: Contract,
    today: date | None = None,
) -> Profile:
    """The operator's plan. `path` None: no file, only the target. Target: `base_url`, else the file, else KKI_BASE_URL.

    ConfigurationError with all that is wrong. `today` (default: the day in UTC) decides which waivers have expired.
    """
    notes = Notes(source=str(path) if path else "", env=env, folder=path.parent if path else Path())
    document = Table("", _document(path) if path else {}, notes)
    profile = _profile(document, base_url, contract, today or entropy.now().date())
    document.finish()
    if notes.problems:
        # What stands in a wrong place is shown, and may be a secret that also stands in the right one.
        redactor = redactor_for(profile, salt=entropy.iv())
        raise ConfigurationError([redactor.text(problem) for problem in notes.problems])
    return replace(profile, source=str(path)) if path else replace(profile, source="no profile")


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # with a BOM, as some editors write one
    except FileNotFoundError:
        problem = "expected a profile, but there is no such file"
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problem = f"expected TOML, but could not read it: {error}"
    except UnicodeDecodeError:
        problem = "expected TOML in UTF-8, but got other octets"
    except (OSError, ValueError) as error:
        problem = f"expected to read the profile, but could not: {getattr(error, 'strerror', None) or error}"
    raise ConfigurationError([f"{path}: {problem}."])


def _profile(document: Table, base_url: str | None, contract: Contract, today: date) -> Profile:
    target = document.table("target")
    allowed = target.flag("allow_production")
    address = _address(target, base_url, allowed)
    target.finish()
    return Profile(
        base_url=address,
        allow_production=allowed,
        credentials=_credentials(document.table("credentials"), address),
        other_partner=_other_partner(document, address),
        test_data=_test_data(document.table("test_data")),
        readings=_readings(document.table("readings"), contract),
        limits=_limits(document.table("limits"), address),
        waivers=_waivers(document, contract, today),
        plan=_plan(document.table("plan")),
    )


def _address(target: Table, option: str | None, allowed: bool) -> str | None:
    """The target in force, by option, profile, environment; only the one in force is looked at closely."""
    written = target.text("base_url")
    variable = target.notes.env.get(BASE_URL_VARIABLE) or None
    in_file = f"{target.notes.source}: {target.place('base_url')}"
    places = (("--base-url", option), (in_file, written), (BASE_URL_VARIABLE, variable))
    place, address = next(((place, value) for place, value in places if value is not None), ("", None))
    if address is None:
        return None
    fault = addresses.fault_of(address)
    if fault is not None:
        target.notes.add(f"{place}: {fault}")
        return None
    if addresses.is_production(address) and not allowed:
        target.notes.add(f"{place}: {_NO_PRODUCTION}, but got {address}. {_ALLOW_PRODUCTION}")
    return addresses.tidy(address)


def _credentials(table: Table, address: str | None) -> Credentials:
    open_ground = address is None or addresses.is_loopback(address)
    credentials = Credentials(
        client_id=table.value("client_id"),
        client_secret=_secret(table, "client_secret", open_ground),
        shared_key=_secret(table, "shared_key", open_ground),
        private_key=_secret(table, "private_key", open_ground),
        public_key=table.value("public_key", lines=True),
    )
    if credentials.private_key is not None:
        _check_key(table, "private_key", crypto.private_key(credentials.private_key))
    if credentials.public_key is not None:
        _check_key(table, "public_key", crypto.public_key(credentials.public_key))
    table.finish()
    return credentials


def _other_partner(document: Table, address: str | None) -> Credentials | None:
    """A second partner at the same target, whose token is tried in our place."""
    table = document.table("other_partner")
    if not document.has("other_partner"):
        return None
    table.needed("client_id")
    table.needed("private_key")
    return _credentials(table, address)


def _secret(table: Table, name: str, open_ground: bool) -> str | None:
    written = table.text(name, secret=True)
    if written and is_literal(written) and not open_ground:
        table.wrong(name, _LITERALS_ONLY_ON_LOOPBACK, "a literal")
        return None
    return table.value(name, lines=name == "private_key")


def _check_key(table: Table, name: str, key: object) -> None:
    if isinstance(key, Malformed):
        table.notes.say(f"{table.place(name)}: {key.why[:1].lower()}{key.why[1:].rstrip('.')}")


def _test_data(table: Table) -> TestData:
    data = TestData(
        cpan=table.value("cpan"),
        otp=table.value("otp"),
        bank_card_tokens=table.values("bank_card_tokens"),
        auth_code=table.value("auth_code"),
        customer_token=table.value("customer_token"),
        expired_b2b_token=table.value("expired_b2b_token"),
        ip_address=table.value("ip_address"),
        card=table.values_by_name("card"),
        payment_members=table.members("payment_members"),
        refund_members=table.members("refund_members"),
    )
    table.finish()
    return data


def _readings(table: Table, contract: Contract) -> dict[str, str]:
    known = {reading.id: reading for reading in contract.readings.values() if reading.choices}
    chosen: dict[str, str] = {}
    for name in table.names():
        if name not in known:
            table.unknown(name, known, "reading")
            continue
        value = table.text(name)
        choices = [choice.id for choice in known[name].choices]
        if value in choices:
            chosen[name] = str(value)
        elif value is not None:
            expected = "expected one of " + ", ".join(f'"{choice}"' for choice in choices)
            table.wrong(name, expected, quoted(value, choices), did_you_mean(value, choices))
    return chosen


def _limits(table: Table, address: str | None) -> Limits:
    elsewhere = address is not None and not addresses.is_loopback(address)
    default = Limits(requests_per_second=_CAUTIOUS_PACE) if elsewhere else Limits()
    limits = Limits(
        requests_per_second=table.number("requests_per_second", default.requests_per_second, "of at least 0", least=0),
        max_requests=table.whole("max_requests", default.max_requests),
        timeout_s=table.number("timeout_s", default.timeout_s, "above 0", least=0.001),
        unbinding_settles_s=table.number("unbinding_settles_s", default.unbinding_settles_s, "of at least 0", least=0),
    )
    table.finish()
    return limits


def _plan(table: Table) -> dict[str, bool]:
    plan = {name: table.flag(name) for name in PLAN if table.has(name)}
    for name in table.names():
        if name not in PLAN:
            table.unknown(name, PLAN, "key")
    return plan


def _waivers(document: Table, contract: Contract, today: date) -> tuple[Waiver, ...]:
    found = [_waiver(table, contract, today) for table in document.tables("waivers")]
    waivers = [waiver for waiver in found if waiver is not None]
    ids = [waiver.requirement for waiver in waivers]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        document.notes.say(f"[[waivers]]: expected one waiver a requirement, but got several for {twice}")
    return tuple(waivers)


def _waiver(table: Table, contract: Contract, today: date) -> Waiver | None:
    requirement = table.needed("requirement")
    reason = table.needed("reason")
    expires = table.day("expires")
    table.finish()
    if requirement is not None and requirement not in contract.requirements:
        hint = did_you_mean(requirement, contract.requirements)
        got = quoted(requirement, contract.requirements)
        table.wrong("requirement", "expected a requirement's id (`kki catalogue` lists them)", got, hint)
        return None
    if expires is not None and expires < today:
        table.wrong("expires", f"expected a day that has not passed, today being {today}", str(expires))
        return None
    if requirement is None or reason is None or expires is None:
        return None
    return Waiver(requirement=requirement, reason=reason, expires=expires)


def contract_root(env: Mapping[str, str] = os.environ) -> Path | None:
    """The folder that KKI_CONTRACT names instead of our own `openapi/`; None: our own."""
    chosen = env.get(CONTRACT_VARIABLE)
    return Path(chosen) if chosen else None


def resolve_ref(text: str, env: Mapping[str, str] = os.environ, *, what: str = "reference") -> str:
    """The value of a REF on the command line: literal, "env:NAME" or "file:PATH" from the working directory.

    ConfigurationError where there is none; `what` names the option in its sentence.
    """
    value = resolved(text, env=env, folder=Path())
    if isinstance(value, Unresolved):
        raise ConfigurationError([f"{what}: {value.why}."])
    if not value:
        raise ConfigurationError([f'{what}: expected a literal, "env:NAME" or "file:PATH", but got nothing.'])
    return value


def built_in_profile(contract: Contract) -> Profile:
    """Throw-away credentials and test data for the embedded simulator, other ones each time where they are secret.

    The test data keep within the contract's own lengths, so that a changed limit reaches them too.
    """
    credentials = _thrown_away("BRN-0001-0000000000001")
    cpan = _fitting(contract, "chargeToken", "9360001609987000000")
    token_length = "bankCardToken"
    bound = (hashlib.sha256(f"bank card {n}".encode()).hexdigest()[:32] for n in range(40))
    return Profile(
        credentials=credentials,
        other_partner=_thrown_away("BRN-0002-0000000000002"),
        test_data=TestData(
            cpan=cpan,
            otp=_fitting(contract, "otp", "12345678"),
            bank_card_tokens=tuple(_fitting(contract, token_length, token) for token in bound),
            auth_code="auth-" + entropy.fresh_id(16),
            expired_b2b_token=_expired_token(str(credentials.client_id)),
            ip_address="192.168.1.1",
            card={"bankCardNo": cpan, "bankCardType": "D", "expiryDate": "1230"},
        ),
    )


def _thrown_away(client_id: str) -> Credentials:
    private_key, public_key = entropy.rsa_pair()
    return Credentials(
        client_id=client_id,
        client_secret="SK-" + entropy.fresh_id(40),
        shared_key="shared-" + entropy.fresh_id(24),
        private_key=private_key,
        public_key=public_key,
    )


def _expired_token(client_id: str) -> str | None:
    """A token as our simulators issue them, good for 900 s from the day before."""
    issued = entropy.now() - timedelta(days=1)
    token = tokens.issue_b2b(
        client_id=client_id, issued_at=issued, private_key_pem=entropy.issuer_key(), nonce=entropy.fresh_id(16)
    )
    return token if isinstance(token, str) else None


def _fitting(contract: Contract, name: str, text: str) -> str:
    """The text, cut or repeated until it keeps within the payment field's lengths."""
    variants = contract.operations["payment"].variants
    facts = [fact for variant in variants for fact in variant.fields if fact.name == name]
    least = max((fact.min_length or 0 for fact in facts), default=0)
    most = min((fact.max_length for fact in facts if fact.max_length is not None), default=None)
    while len(text) < least:
        text += text
    return text[: max(least, most)] if most is not None else text[: max(least, len(text))]


def filled(profile: Profile, spare: Profile) -> Profile:
    """The profile with what it lacks taken from another: for the embedded simulator, where any credentials will do."""
    mine, theirs = profile.credentials, spare.credentials
    private, public = mine.private_key, mine.public_key
    if private is not None and public is None:
        half = asymmetric.public_key_of(private)
        public = None if isinstance(half, Malformed) else half
    elif private is None:  # a public key alone cannot sign, and one of ours would not fit it
        private, public = theirs.private_key, theirs.public_key
    credentials = Credentials(
        client_id=mine.client_id or theirs.client_id,
        client_secret=mine.client_secret or theirs.client_secret,
        shared_key=mine.shared_key or theirs.shared_key,
        private_key=private,
        public_key=public,
    )
    data, more = profile.test_data, spare.test_data
    test_data = TestData(
        cpan=data.cpan or more.cpan,
        otp=data.otp or more.otp,
        bank_card_tokens=data.bank_card_tokens or more.bank_card_tokens,
        auth_code=data.auth_code or more.auth_code,
        customer_token=data.customer_token,
        expired_b2b_token=data.expired_b2b_token or _expired_token(str(credentials.client_id)),
        ip_address=data.ip_address or more.ip_address,
        card=data.card or more.card,
        payment_members=data.payment_members,
        refund_members=data.refund_members,
    )
    other = profile.other_partner or spare.other_partner
    return replace(profile, credentials=credentials, other_partner=other, test_data=test_data)
