"""The profile: what it becomes, and what it says when it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from kki.edges import addresses, entropy, preflight, settings
from kki.edges import contract as contracts
from kki.edges.errors import ConfigurationError
from kki.edges.listener import world_of
from kki.model.contract import Contract
from kki.model.profile import Credentials, Profile, TestData
from kki.snap import asymmetric, tokens

SECRET = "SK-canary-1f0c77-never-shown"
ENV = {"CARD_TOKEN": "0f52e5820f4c381db88a1cf91d57b73f"}
TODAY = date(2026, 6, 1)
WAIVER = '[[waivers]]\nrequirement = "{}"\nreason = "known"\nexpires = {}'
Write = Callable[..., Path]


def loaded(path: Path | None, contract: Contract, base_url: str | None = None, env: Mapping[str, str] = ENV) -> Profile:
    return settings.load_profile(path, base_url=base_url, env=env, contract=contract, today=TODAY)


def problems(path: Path | None, contract: Contract, base_url: str | None = None, env: Mapping[str, str] = ENV) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(path, contract, base_url, env)
    return "\n".join(caught.value.problems)


def test_a_good_profile_becomes_values(write_profile: Write, contract: Contract, pair: tuple[str, str]) -> None:
    waiver = WAIVER.format("KKI-SIG-010", "2026-06-01")
    path = write_profile(f'max_requests = 7\n[readings]\nsignature-encoding = "hex"\n[plan]\nrefund = true\n{waiver}')
    profile = loaded(path, contract)
    assert profile.credentials.client_secret == SECRET
    assert profile.credentials.private_key == pair[0].rstrip("\n")
    assert profile.test_data.bank_card_tokens == ("de52e5820f4c381db88a1cf91d57b73e", ENV["CARD_TOKEN"])
    assert profile.test_data.card == {"bankCardNo": "9360001609987000000", "bankCardType": "D", "expiryDate": "1230"}
    assert (profile.limits.timeout_s, profile.limits.max_requests) == (2.0, 7)
    assert profile.readings == {"signature-encoding": "hex"}
    assert profile.plan == {"refund": True}
    assert [row.requirement for row in profile.waivers] == ["KKI-SIG-010"]  # good through the day it expires
    assert profile.source == str(path)


def test_the_example_profile_is_good(
    tmp_path: Path, contract: Contract, pair: tuple[str, str]
) -> None:
    example = Path(__file__).resolve().parents[2] / "suites" / "profiles" / "sandbox.example.toml"
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "merchant.pem").write_text(pair[0])
    (tmp_path / "sandbox.toml").write_text(example.read_text("utf-8"), encoding="utf-8")
    names = ("KKI_CLIENT_SECRET", "KKI_SHARED_KEY", "KKI_CARD_TOKEN_1", "KKI_CARD_TOKEN_2", "KKI_AUTH_CODE")
    profile = loaded(tmp_path / "sandbox.toml", contract, env=dict.fromkeys(names, "value"))
    assert profile.base_url == "https://api-sandbox.doku.com"


def test_every_table_of_the_example_is_known(tmp_path: Path, contract: Contract, pair: tuple[str, str]) -> None:
    """What is commented out in the example must be right too."""
    example = Path(__file__).resolve().parents[2] / "suites" / "profiles" / "sandbox.example.toml"
    lines = example.read_text("utf-8").splitlines()
    keys = ("# allow", "# public", "# [", "# client", "# private", "# expired", "# card", "# payment", "# refund",
            "# requirement", "# reason", "# expires")  # fmt: skip
    text = "\n".join(line.removeprefix("# ") if line.startswith(keys) else line for line in lines)
    (tmp_path / "keys").mkdir()
    for name, pem in {"merchant.pem": pair[0], "other.pem": pair[0], "merchant.pub.pem": pair[1]}.items():
        (tmp_path / "keys" / name).write_text(pem)
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    names = ("CLIENT_SECRET", "SHARED_KEY", "CARD_TOKEN_1", "CARD_TOKEN_2", "AUTH_CODE", "OLD_TOKEN")
    env = {f"KKI_{name}": "value" for name in names}
    profile = loaded(tmp_path / "p.toml", contract, env=env)
    assert profile.other_partner is not None
    assert profile.other_partner.client_id == "BRN-0000-0000000000001"
    assert profile.waivers
    assert profile.plan == {"payment_cpan": True, "refund": True}


@pytest.mark.parametrize(
    ("extra", "replaced", "says"),
    [
        ("requests_per_secnd = 3", {}, '[limits] requests_per_secnd: expected one of requests_per_second, '),
        ("requests_per_secnd = 3", {}, 'Did you mean "requests_per_second"?'),
        ("max_requests = 0", {}, "[limits] max_requests: expected a whole number of at least 1, but got 0."),
        ("max_requests = true", {}, "but got true."),
        ("requests_per_second = -1", {}, "[limits] requests_per_second: expected a number of at least 0, but got -1."),
        ("requests_per_second = nan", {}, "but got nan."),
        ("", {"timeout_s = 2": "timeout_s = 0"}, "[limits] timeout_s: expected a number above 0, but got 0."),
        ("[limit]\nx = 1", {}, 'Did you mean "limits"?'),
        ("", {'client_id = "BRN-0001-0000000000001"': "client_id = 17"}, "[credentials] client_id: expected text"),
        ("", {"[credentials]": "credentials = 3\n[other]"}, "[credentials]: expected a table, but got a whole number."),
        ("", {f'"{SECRET}"': '"env:NOT_SET_X"'}, "environment variable NOT_SET_X to hold the value, but it is not set"),
        ("", {f'"{SECRET}"': '""'}, "[credentials] client_secret: expected text, but got none between the quotes."),
        ("", {"file:m.pem": "file:no/such.pem"}, "[credentials] private_key: expected the file no/such.pem"),
        ("", {"file:m.pem": "file:m.pub.pem"}, "[credentials] private_key: expected an unencrypted RSA private"),
        ("", {"file:m.pub.pem": "rubbish"}, "[credentials] public_key: expected an RSA public key in PEM"),
        ("", {'otp = "12345678"': "otp = 12345678"}, "[test_data] otp: expected text in quotes, but got a whole"),
        ("", {'"env:CARD_TOKEN"': "3"}, "[test_data] bank_card_tokens: expected text in quotes"),
        ("", {'otp = "12345678"': 'otp = "1\\r\\nX-A: b"'}, "[test_data] otp: expected one line of text"),
        ('[readings]\nsignature-encodin = "hex"', {}, 'Did you mean "signature-encoding"?'),
        ('[readings]\nsignature-encoding = "hexx"', {}, '"base64", "hex", but got "hexx". Did you mean "hex"?'),
        (WAIVER.format("KKI-SIG-011", "2027-01-31"), {}, "[[waivers]] 1 requirement: expected a requirement's id"),
        (WAIVER.format("kki-sig-010", "2027-01-31"), {}, 'Did you mean "KKI-SIG-010"?'),
        (WAIVER.format("KKI-SIG-010", "2026-05-31"), {}, "expected a day that has not passed, today being 2026-06-01"),
        (WAIVER.format("KKI-SIG-010", '"2027-01-31"'), {}, "[[waivers]] 1 expires: expected a day without quotes"),
        ('[[waivers]]\nrequirement = "KKI-SIG-010"\nexpires = 2027-01-31', {}, "[[waivers]] 1 reason: expected text"),
        ("\n".join([WAIVER.format("KKI-SIG-010", "2027-01-31")] * 2), {}, "expected one waiver a requirement"),
        ("[plan]\nrefnd = true", {}, 'Did you mean "refund"?'),
        ('[plan]\nrefund = "yes"', {}, '[plan] refund: expected true or false, but got "yes".'),
        ('[other_partner]\nclient_id = "x"', {}, "[other_partner] private_key: expected text, but the key is missing."),
        ('[target]\nbase_url = "sandbox.example"', {}, "[target] base_url: expected an address"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    write_profile: Write, contract: Contract, extra: str, replaced: dict[str, str], says: str
) -> None:
    text = problems(write_profile(extra, replaced), contract)
    assert says in text
    assert SECRET not in text
    assert "12345678" not in text
    assert all("p.toml: " in line for line in text.splitlines())


@pytest.mark.parametrize(
    ("table", "heading"),
    [
        ("target", "[target]"),
        ("credentials", "[credentials]"),
        ("other_partner", "[other_partner]"),
        ("test_data", "[test_data]"),
        ("limits", "[limits]"),
        ("plan", "[plan]"),
        ("waivers", "[[waivers]]"),
        ("", ""),
    ],
)
def test_the_keys_are_those_of_the_schema(
    tmp_path: Path, contract: Contract, table: str, heading: str
) -> None:
    (tmp_path / "p.toml").write_text(f"{heading}\nzzzz = 1\n")
    text = problems(tmp_path / "p.toml", contract)
    listed = re.search(r"zzzz\]?: expected one of (.*), but got an unknown", text)
    assert listed, text
    schema = json.loads((contracts.data_root() / "schemas" / "profile.schema.json").read_text("utf-8"))
    node = schema["properties"][table] if table else schema
    node = node.get("items", node)
    assert sorted(listed[1].split(", ")) == sorted(node["properties"])


def test_all_is_said_at_once(write_profile: Write, contract: Contract) -> None:
    path = write_profile("requests_per_secnd = 3", {SECRET: "env:NOT_SET_X", "file:m.pem": "file:no/such.pem"})
    assert len(problems(path, contract).splitlines()) == 3


@pytest.mark.parametrize(
    ("octets", "says"),
    [(b"[credentials\nclient_id = ", "p.toml: expected TOML"), (b"\xff\xfe", "p.toml: expected TOML in UTF-8")],
)
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, contract: Contract, octets: bytes, says: str) -> None:
    (tmp_path / "p.toml").write_bytes(octets)
    assert says in problems(tmp_path / "p.toml", contract)


def test_a_missing_profile_and_a_folder_are_named(tmp_path: Path, contract: Contract) -> None:
    nowhere = tmp_path / "nowhere.toml"
    assert problems(nowhere, contract) == f"{nowhere}: expected a profile, but there is no such file."
    assert f"{tmp_path}: expected to read the profile" in problems(tmp_path, contract)


@pytest.mark.parametrize("name", ["client_secret", "shared_key"])
def test_a_literal_secret_needs_a_loopback_target(write_profile: Write, contract: Contract, name: str) -> None:
    text = problems(write_profile(), contract, "https://sandbox.example")
    assert f'[credentials] {name}: expected "env:NAME" or "file:PATH" for a target that is not on loopback' in text
    assert SECRET not in text
    assert loaded(write_profile(), contract, "http://127.0.0.1:1").credentials.client_secret == SECRET
    assert loaded(write_profile(), contract).credentials.client_secret == SECRET


def test_production_needs_words(write_profile: Write, contract: Contract) -> None:
    secrets = {SECRET: "env:S", "shared-canary-88ab12": "env:S"}
    env = {**ENV, "S": "value"}
    text = problems(write_profile("", secrets), contract, "https://api.doku.com", env)
    assert text == (
        "--base-url: expected anything but a production host, where real money moves, but got https://api.doku.com. "
        "If that is what you want, write allow_production = true under [target] of the profile."
    )
    allowed = write_profile("[target]\nallow_production = true", secrets)
    assert loaded(allowed, contract, "https://api.doku.com", env).allow_production


@pytest.mark.parametrize(
    ("url", "production", "loopback"),
    [
        ("https://api.doku.com", True, False),
        ("https://API.DOKU.COM.:8443", True, False),
        ("https://eu.api.doku.com", True, False),
        ("https://api-sandbox.doku.com", False, False),
        ("https://api.doku.com.example", False, False),
        ("https://notdoku.com", False, False),
        ("http://localhost:1", False, True),
        ("http://127.9.9.9", False, True),
        ("http://[::1]:80", False, True),
        ("http://127.0.0.1.example", False, False),
    ],
)
def test_hosts_that_need_care_are_recognised(url: str, production: bool, loopback: bool) -> None:
    assert addresses.fault_of(url) is None
    assert (addresses.is_production(url), addresses.is_loopback(url)) == (production, loopback)


@pytest.mark.parametrize(
    "url",
    [
        "", "sandbox.example", "ftp://sandbox.example", "https://", "https://me:pw@s.example", "me:pw@s.example",
        "https://sandbox.example?a=b", "https://sandbox.example#top", "https://sandbox.example/v1", "http://h:99999",
        "http://h:x", "http://a b", "http://[::1", "http://h\r\nX: y", "http://h:0",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(contract: Contract, url: str) -> None:
    text = problems(None, contract, url)
    assert text.startswith("--base-url: expected ")
    assert "pw" not in text


def test_option_goes_before_profile_before_environment(write_profile: Write, contract: Contract) -> None:
    env = {**ENV, "KKI_BASE_URL": "http://127.0.0.1:3/"}
    path = write_profile('[target]\nbase_url = "http://127.0.0.1:2"')
    assert loaded(path, contract, "http://127.0.0.1:1", env).base_url == "http://127.0.0.1:1"
    assert loaded(path, contract, env=env).base_url == "http://127.0.0.1:2"
    assert loaded(write_profile(), contract, env=env).base_url == "http://127.0.0.1:3"
    assert loaded(None, contract).base_url is None
    assert "KKI_BASE_URL: expected an address" in problems(None, contract, env={"KKI_BASE_URL": "rubbish"})


def test_a_target_elsewhere_is_paced_unless_told_otherwise(write_profile: Write, contract: Contract) -> None:
    secrets = {SECRET: "env:S", "shared-canary-88ab12": "env:S"}
    env = {**ENV, "S": "value"}
    assert loaded(write_profile("", secrets), contract, "https://s.example", env).limits.requests_per_second == 20
    fast = write_profile("requests_per_second = 0", secrets)
    assert loaded(fast, contract, "https://s.example", env).limits.requests_per_second == 0
    assert loaded(write_profile(), contract, "http://127.0.0.1:1").limits.requests_per_second == 0


def test_the_built_in_profile_is_new_each_time_and_keeps_to_the_contract(contract: Contract) -> None:
    first, second = settings.built_in_profile(contract), settings.built_in_profile(contract)
    assert first.credentials.client_secret != second.credentials.client_secret
    assert first.test_data.cpan == "9360001609987000000"
    assert first.test_data.otp == "12345678"
    assert len(set(first.test_data.bank_card_tokens)) >= 8
    token = next(f for v in contract.operations["payment"].variants for f in v.fields if f.name == "bankCardToken")
    assert token.max_length is not None
    assert all(len(text) <= token.max_length for text in first.test_data.bank_card_tokens)
    assert first.credentials.private_key is not None
    assert asymmetric.public_key_of(first.credentials.private_key) == first.credentials.public_key


def test_filling_keeps_key_pairs_together(contract: Contract, pair: tuple[str, str]) -> None:
    spare = settings.built_in_profile(contract)
    private_only = Profile(credentials=Credentials(private_key=pair[0]), test_data=TestData(otp="87654321"))
    filled = settings.filled(private_only, spare)
    assert filled.credentials.public_key == pair[1]
    assert filled.credentials.client_secret == spare.credentials.client_secret
    assert (filled.test_data.otp, filled.test_data.cpan) == ("87654321", spare.test_data.cpan)
    public_only = settings.filled(Profile(credentials=Credentials(public_key=pair[1])), spare)
    assert public_only.credentials.public_key == spare.credentials.public_key


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("env:NOPE", "--x: expected the environment variable NOPE to hold the value, but it is not set."),
        ("env:EMPTY", "but it is empty."),
        ("file:none.txt", "--x: expected the file none.txt, but there is none at none.txt."),
        ("", "--x: expected a literal"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(written: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings.resolve_ref(written, {"EMPTY": ""}, what="--x")
    assert says in caught.value.problems[0]


def test_references_lead_to_values(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    assert settings.resolve_ref(f"file:{tmp_path}/secret", {}) == "from-file"
    assert settings.resolve_ref("env:S", {"S": "from-env"}) == "from-env"
    assert settings.resolve_ref("plain", {}) == "plain"


def test_chance_gives_what_its_names_promise() -> None:
    assert (len(entropy.iv()), len(entropy.salt())) == (16, 8)
    assert len(entropy.fresh_id(31)) == 31
    digits = entropy.fresh_digits(36)
    assert len(digits) == 36
    assert digits.isdigit()
    assert digits[0] != "0"
    assert entropy.now().utcoffset() is not None
    assert 0 <= entropy.seed() < 2**31


def test_the_built_in_world_refuses_what_must_be_refused(contract: Contract) -> None:
    """What the embedded run needs to decide every requirement: an expired token, and another partner's."""
    built_in = settings.built_in_profile(contract)
    assert built_in.test_data.expired_b2b_token is not None
    public = asymmetric.public_key_of(entropy.issuer_key())
    assert isinstance(public, str)
    claims = tokens.read_b2b(built_in.test_data.expired_b2b_token, public)
    assert isinstance(claims, tokens.Claims)
    assert (claims.issuer, claims.client_id) == ("DOKU", built_in.credentials.client_id)
    assert claims.expires < entropy.now()
    other = built_in.other_partner
    assert other is not None
    assert other.client_id != built_in.credentials.client_id
    assert other.private_key != built_in.credentials.private_key
    assert world_of(built_in, contract).setup.partners.keys() == {built_in.credentials.client_id, other.client_id}


def test_filling_brings_the_other_partner_and_the_expired_token(contract: Contract) -> None:
    mine = Profile(credentials=Credentials(client_id="BRN-0009-0000000000009"))
    spare = settings.built_in_profile(contract)
    filled = settings.filled(mine, spare)
    assert filled.other_partner == spare.other_partner
    claims = tokens.peek(filled.test_data.expired_b2b_token or "")
    assert claims is not None
    assert claims.client_id == "BRN-0009-0000000000009"
    own = replace(mine, test_data=TestData(expired_b2b_token="opaque"))
    assert settings.filled(own, spare).test_data.expired_b2b_token == "opaque"


def test_the_local_example_is_whole(tmp_path: Path, contract: Contract, pair: tuple[str, str]) -> None:
    """With it, a run against the simulator leaves nothing undecided for want of data."""
    example = Path(__file__).resolve().parents[2] / "suites" / "profiles" / "local.example.toml"
    (tmp_path / "merchant.pem").write_text(pair[0])
    (tmp_path / "local.toml").write_text(example.read_text("utf-8"), encoding="utf-8")
    profile = loaded(tmp_path / "local.toml", contract, env={})
    assert list(preflight.thin_data(profile)) == []
    assert list(preflight.credentials(profile)) == []
    world = world_of(profile, contract)
    assert len(world.cards) == len(set(profile.test_data.bank_card_tokens)) == 24


@pytest.mark.parametrize(
    "text",
    [
        '[readings]\nsignature-encoding = "CANARY"',
        '[limits]\ntimeout_s = "CANARY"',
        '[target]\nbase_url = "CANARY"',
        '[target]\nbase_url = "http://127.0.0.1:1/CANARY"',
        '[target]\nbase_url = "http://127.0.0.1:1?key=CANARY"',
        '[target]\nallow_production = "CANARY"',
        '[credentials]\nCANARY = "x"',
        '[credentials]\nsecret = "CANARY"',
        '[CANARY]\nx = 1',
        '[[waivers]]\nrequirement = "CANARY"\nreason = "r"\nexpires = "CANARY"',
        '[test_data]\nbank_card_tokens = "CANARY"',
        '[credentials]\nclient_secret = "env:CANARY"',
        '[credentials]\nclient_secret = "file:CANARY"',
        'client_secret = "CANARY"',
        'client_secret = CANARY',
    ],
)  # fmt: skip
@pytest.mark.parametrize("canary", ["SK-77cafe0011223344", "84207731", "ab12cd34ef56ab12cd34ef56ab12cd34"])
def test_a_secret_in_a_wrong_place_is_not_quoted(tmp_path: Path, contract: Contract, text: str, canary: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text.replace("CANARY", canary), encoding="utf-8")
    with pytest.raises(ConfigurationError) as failure:
        settings.load_profile(path, env={}, contract=contract)
    assert canary not in " ".join(failure.value.problems)


def test_a_byte_order_mark_is_no_part_of_a_profile(tmp_path: Path, contract: Contract, pair: tuple[str, str]) -> None:
    (tmp_path / "m.pem").write_text("\ufeff" + pair[0], encoding="utf-8")
    text = '\ufeff[credentials]\nclient_id = "BRN-1"\nclient_secret = "s"\nprivate_key = "file:m.pem"\n'
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    plan = settings.load_profile(tmp_path / "p.toml", env={}, contract=contract)
    assert plan.credentials.client_id == "BRN-1"
    assert plan.credentials.private_key == pair[0].rstrip("\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("merchant.pem", "a text without “-----BEGIN”: is it the name of a file? Then write file:PATH"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----", "one under a pass phrase"),
        ("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "a public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----", "one in OpenSSH's form"),
    ],
)
def test_a_key_that_is_none_says_what_it_looks_like(tmp_path: Path, contract: Contract, text: str, says: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(f'[credentials]\nclient_id = "b"\nprivate_key = """{text}"""\n', encoding="utf-8")
    with pytest.raises(ConfigurationError) as failure:
        settings.load_profile(path, env={}, contract=contract)
    assert says in " ".join(failure.value.problems)
