"""`kki replay` from the outside, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kki.drafting import drafts
from kki.drafting.mutations import mutation
from kki.edges import entropy, settings, store
from kki.edges.client import Client
from kki.edges.listener import serve_simulator
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.profile import Profile
from kki.model.requirement import Level, Party, Standing
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall
from kki.redaction import redactor_for
from kki.rules.knowledge import Knowledge
from kki.session import Session
from kki.simulator.correct import CORRECT
from kki.simulator.personas import persona as named

Kki = Callable[..., Any]
WriteProfile = Callable[..., Path]
SECRET = "SK-canary-1f0c77-never-shown"


@dataclass
class World:
    """A simulator, the profile file for it, and the folder of a small run against it."""

    url: str
    profile: str
    folder: str
    session: Session

    def replay(self, kki: Kki, *args: str) -> Any:
        return kki("replay", *args, "--run", self.folder, "--profile", self.profile, "--base-url", self.url)


@contextmanager
def recorded(
    profile: Profile, contract: Contract, folder: Path, persona: str | None, target: str
) -> Iterator[Session]:
    """A simulator and a run against it: tokens, payment (x1), refund (x2), spoiled ones (x3…), a duplicate (x9.2)."""
    behaviour = (named(persona).change(CORRECT),) if persona else ()
    with serve_simulator(profile, contract, *behaviour) as url:
        client = Client(url, profile.credentials, profile.limits, now=entropy.now)
        knowledge = Knowledge(contract=contract, credentials=profile.credentials, test_data=profile.test_data)
        session = Session(profile=profile, contract=contract, client=client, judge=Judge(knowledge))
        records = list(_traffic(session))
        redactor = redactor_for(profile, salt=b"salt")
        folder.mkdir()
        with store.ExchangeWriter(folder / store.EXCHANGES, redactor) as writer:
            for record in records:
                writer.write(record)
        finding = Evidence(exchange="x8", where="status", expected="HTTP 401", actual="HTTP 200")
        row = RequirementResult(
            id="KKI-SIG-110", says="", party=Party.SERVER, level=Level.MUST, standing=Standing.STATED,
            outcome=Outcome.BROKEN, grade=Grade.VIOLATION, findings=(finding,),
        )  # fmt: skip
        now = entropy.now()
        store.write_run(folder, Run(
            use="check", overall=Overall.CONFORMS, harness="0.1.0", contract=contract.digest, target=target or url,
            seed=1, level="quick", started=now, finished=now, exchange_count=len(records), requirements=(row,),
            pseudonyms=redactor.pseudonyms(),
        ))  # fmt: skip
        yield session


def _traffic(session: Session) -> Iterator[Any]:
    watched = session.begin("preflight", "p")
    session.fetch_b2b()
    session.fetch_customer()
    yield from watched.records
    payment = drafts.a_payment(session.kit())
    for name, draft in {
        "x1": payment,
        "x2": drafts.a_refund(session.kit(), payment.json["partnerReferenceNo"]),
        "x3": mutation("body value changed after signing")(drafts.a_payment(session.kit())),
        "x4": mutation("B2B token altered")(drafts.a_payment(session.kit())),
        "x5": mutation("X-PARTNER-ID twice")(drafts.a_payment(session.kit())),
        "x6": mutation("signature by SHA-256")(drafts.an_unbinding(session.kit())),
        "x7": drafts.a_binding(session.kit()),
        "x8": mutation("signature of rubbish")(drafts.a_payment(session.kit())),
    }.items():
        watched = session.begin(f"case {name}", name)
        session.send(draft)
        yield from watched.records
    watched = session.begin("case x9", "x9")
    twice = session.kit()
    session.send(drafts.a_payment(twice))
    session.send(drafts.a_payment(replace(session.kit(), reference=twice.reference)))
    yield from watched.records


@pytest.fixture
def plan(write_profile: WriteProfile) -> str:
    return str(write_profile("", {'"env:CARD_TOKEN"': '"0f52e5820f4c381db88a1cf91d57b73f"'}))


@pytest.fixture
def world(plan: str, contract: Contract, tmp_path: Path) -> Iterator[World]:
    profile = settings.load_profile(Path(plan), env={}, contract=contract)
    with recorded(profile, contract, tmp_path / "run", None, "") as session:
        yield World(session.client.base_url, plan, str(tmp_path / "run"), session)


@pytest.mark.parametrize("name", ["p", "x1", "x3", "x4", "x5", "x6", "x7", "x8"])
def test_the_same_comes_of_it(kki: Kki, world: World, name: str) -> None:
    ended = world.replay(kki, name)
    assert ended.code == 0, ended.out + ended.err
    assert "The same came of it." in ended.out
    assert "responseCode" in ended.out
    for secret in (SECRET, "9360001609987000000", "12345678"):
        assert secret not in ended.out + ended.err


def test_something_else_is_exit_1_and_shown(kki: Kki, world: World) -> None:
    """The same refund again is refused."""
    ended = world.replay(kki, "x2", "--same-references", "--format", "json")
    assert ended.code == 1
    assert ended.document["same"] is False
    compared = {row["what"]: (row["recorded"], row["now"]) for row in ended.document["compared"]}
    assert compared["status"] == ("200", "404")
    assert compared["responseCode"][0] == "2000700"


def test_a_case_of_several_needs_those_before(kki: Kki, world: World) -> None:
    alone = world.replay(kki, "x9.2")
    assert (alone.code, "--case sends the earlier ones" in alone.err) == (1, True)
    whole = world.replay(kki, "x9.2", "--case")
    assert whole.code == 0, whole.out
    assert "First x9: 200." in whole.err


def test_the_references_can_stay(kki: Kki, world: World) -> None:
    assert world.replay(kki, "x1", "--same-references").code == 1  # charged already
    assert world.replay(kki, "x1").code == 0


def test_verbatim_needs_the_tokens_and_is_seen_as_a_replay(kki: Kki, world: World) -> None:
    refused = world.replay(kki, "x1", "--verbatim")
    assert refused.code == 2
    assert "was not kept, so the very octets are gone" in refused.err
    tokens = world.session.tokens
    ended = world.replay(kki, "x1", "--verbatim", "--token", tokens.b2b, "--customer-token", tokens.customer)
    assert ended.code == 1
    assert "4095400" in ended.out  # the external id was used before: the octets were the same
    assert tokens.b2b not in ended.out + ended.err


def test_the_requirement_that_was_broken_is_judged_again(kki: Kki, world: World) -> None:
    assert "KKI-SIG-110: holds now." in world.replay(kki, "x8").out


def test_a_broken_requirement_is_still_broken(kki: Kki, plan: str, contract: Contract, tmp_path: Path) -> None:
    profile = settings.load_profile(Path(plan), env={}, contract=contract)
    with recorded(profile, contract, tmp_path / "bad", "accepts-any-signature", "") as session:
        world = World(session.client.base_url, plan, str(tmp_path / "bad"), session)
        ended = world.replay(kki, "x8")
    assert "KKI-SIG-110: still broken." in ended.out
    assert ended.code == 0


def test_the_embedded_simulator_is_started_anew(kki: Kki, contract: Contract, tmp_path: Path) -> None:
    """The run's own profile is gone; another one fills in the same places."""
    with recorded(settings.built_in_profile(contract), contract, tmp_path / "own", None, "embedded simulator"):
        pass
    for name in ("x1", "x2", "x3", "x7", "x9.2"):
        ended = kki("replay", name, "--run", str(tmp_path / "own"))
        assert ended.code == 0, (name, ended.out, ended.err)


def test_other_recordings(kki: Kki, world: World, tmp_path: Path) -> None:
    """An exchange out of its folder has no run.json to tell what its pseudonyms stand for: tokens are fetched anew."""
    lines = (Path(world.folder) / store.EXCHANGES).read_text("utf-8").splitlines()
    one = next(line for line in lines if json.loads(line)["id"] == "x4")
    (tmp_path / "one.jsonl").write_text(one + "\n", encoding="utf-8")
    args = ("--profile", world.profile, "--base-url", world.url)
    assert kki("replay", str(tmp_path / "one.jsonl"), *args).code == 0
    assert kki("replay", f"{world.folder}#x6", *args).code == 0
    assert kki("replay", f"{world.folder}/exchanges.jsonl#x6", *args).code == 0
    assert kki("replay", "-", *args, stdin=one.encode()).code == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("x99",), 'expected the id of one of its 12 exchanges, but got "x99". Did you mean "x9"?'),
        (("x1", "--token", "env:KKI_NOT_SET"), "--token: expected the environment variable KKI_NOT_SET"),
    ],
)
def test_wrong_use_is_exit_2(kki: Kki, world: World, args: tuple[str, ...], says: str) -> None:
    ended = world.replay(kki, *args)
    assert ended.code == 2
    assert says in ended.err


def test_a_folder_without_evidence_is_exit_2(kki: Kki, tmp_path: Path) -> None:
    ended = kki("replay", "x1", "--run", str(tmp_path))
    assert ended.code == 2
    assert "expected the folder of a run, but it holds no exchanges.jsonl" in ended.err
    ended = kki("replay", "x1", "--run", str(tmp_path / "none"))
    assert (ended.code, "there is none" in ended.err) == (2, True)


def test_a_dead_target_is_exit_2(kki: Kki, world: World) -> None:
    ended = kki("replay", "x1", "--run", world.folder, "--profile", world.profile, "--base-url", "http://127.0.0.1:1")
    assert ended.code == 2
    assert "reachable" in ended.err


def test_a_state_violation_is_shown_by_the_command_that_reports_print(
    kki: Kki, plan: str, contract: Contract, tmp_path: Path
) -> None:
    profile = settings.load_profile(Path(plan), env={}, contract=contract)
    with recorded(profile, contract, tmp_path / "bad", "accepts-duplicate-reference", "") as session:
        path = tmp_path / "bad" / "run.json"
        path.write_text(path.read_text().replace("KKI-SIG-110", "KKI-STA-120").replace('"x8"', '"x9.2"'))
        run = store.read_run(path.parent)
        assert run.replay_of("x9.2") == "kki replay x9.2 --case"
        assert run.replay_of("x9") == "kki replay x9"
        world = World(session.client.base_url, plan, str(path.parent), session)
        alone, whole = world.replay(kki, "x9.2"), world.replay(kki, "x9.2", "--case")
    assert "KKI-STA-120: not decided by this exchange alone." in alone.out
    assert alone.code == 4, "nothing is green that was not decided"
    assert "KKI-STA-120: still broken." in whole.out
    assert whole.code == 0


def test_without_a_secret_nothing_is_signed_afresh(kki: Kki, world: World) -> None:
    ended = kki("replay", "x8", "--run", world.folder, "--base-url", world.url, "--token", "t", "--customer-token", "c")
    assert ended.code == 2
    assert "x8: expected client_secret to sign it afresh, but there is none; give --profile FILE." in ended.err


def test_a_fresh_token_that_the_server_quotes_in_prose_is_hidden(
    kki: Kki, plan: str, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opaque, fetched for this replay alone, and quoted where no member's name tells what it is."""
    profile = settings.load_profile(Path(plan), env={}, contract=contract)
    opaque = "mTq7hZb2vKx9"
    seen: list[str] = []
    original = Session.send

    def quoting(self: Session, draft: Any) -> Any:
        exchange = original(self, draft)
        if self.tokens.b2b != opaque or exchange.response is None:
            return exchange
        seen.append(opaque)
        body = json.dumps({"responseCode": "4015400", "responseMessage": f"Unauthorized {opaque} is spent"}).encode()
        return replace(exchange, response=replace(exchange.response, body=body))

    with recorded(profile, contract, tmp_path / "run", None, "") as session:
        world = World(session.client.base_url, plan, str(tmp_path / "run"), session)
        monkeypatch.setattr(Session, "send", quoting)
        monkeypatch.setattr(Session, "take_b2b", lambda self, _exchange: setattr(self.tokens, "b2b", opaque))
        ended = world.replay(kki, "x8", "-vv")
        document = world.replay(kki, "x8", "--format", "json")
    assert seen
    assert opaque not in ended.out + ended.err + document.out + document.err
