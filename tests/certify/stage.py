"""A session on loopback for the tests: DOKU played, the judge at work, the live page served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kki.certify.scenarios import staged
from kki.certify.session import Plan, Session
from kki.edges.listener import Running, serve, world_of
from kki.edges.pages import serve_pages
from kki.model.contract import Contract
from kki.model.profile import Profile

from .small_client import Kit, SmallClient, Socket, Ways
from .trial import CHECKLIST, CONTRACT, PROFILE

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Stage:
    session: Session
    running: Running
    pages: Running | None
    profile: Profile

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def live(self) -> str:
        assert self.pages is not None, "this stage has no live page"
        return self.pages.url

    def client(self, ways: Ways | None = None, scenarios: Mapping[str, str] | None = None) -> SmallClient:
        return SmallClient(Kit.of(self.profile), Socket(self.url), ways or Ways(), scenarios or {})

    def judged(self) -> Session:
        """The session, once everything that was answered by now is judged."""
        assert self.session.drain(PATIENCE_S), "the judge did not come to an end"
        return self.session

    def broken(self) -> set[str]:
        return {row.id for row in self.judged().board.broken()}


@contextmanager
def a_stage(
    *, output: Path | None = None, live: bool = False, plan: Mapping[str, bool] | None = None,
    contract: Contract = CONTRACT, profile: Profile = PROFILE,
) -> Iterator[Stage]:  # fmt: skip
    profile = replace(profile, plan=plan or {})
    session = Session(
        Plan(profile=profile, contract=contract, use="certify", target="a test", checklist=CHECKLIST, output=output)
    )
    behaviour = staged(
        CHECKLIST, own_cpan=profile.test_data.cpan, issued=lambda token: session.learn("card-token", token)
    )
    world = world_of(profile, contract, behaviour, more_cpans=CHECKLIST.cpans)
    with serve(world, watch=session.watch, prefix="c", backlog=session.backlog) as running:
        session.board.url = running.url
        pages = serve_pages(session.board) if live else None
        try:
            yield Stage(session, running, pages, profile)
        finally:
            if pages is not None:
                pages.stop()
            running.stop()
            if not session.board.over:
                session.finish()


def until(true: Callable[[], bool], what: str) -> None:
    """Waits for what another thread brings about."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE_S:g} s in vain until {what}"
        time.sleep(0.01)
