"""The pytest plugin: `pytest suites/server --kki-base-url URL`; `kki check` is its front.

A worker (or the only process) runs cases and judges what they sent; the conductor (the process that started pytest)
alone collects, numbers and writes. Between them travels what pytest's reports carry: redacted lines and verdicts.
Nothing heavy is imported here until a run is on trial: this module is loaded by every pytest of the environment.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kki.model.contract import Contract
    from kki.run import Conductor  # named in a string below
    from kki.session import Session
    from kki.worker import Worker  # noqa: F401  # likewise

CONDUCTOR = pytest.StashKey["Conductor"]()
WORKER = pytest.StashKey["Worker"]()
LEVELS = ("quick", "standard", "thorough")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kki", "KKI conformance: put a server on trial")
    group.addoption("--kki-base-url", metavar="URL", help="the server on trial")
    group.addoption("--kki-profile", metavar="FILE", help="the plan: credentials, test data, limits, readings")
    group.addoption("--kki-level", choices=LEVELS, default="standard", help="how much is tried")
    group.addoption("--kki-seed", type=int, default=0, metavar="N", help="what chance starts from")
    group.addoption("--kki-only", action="append", default=[], metavar="ID-OR-AREA", help="only these requirements")
    group.addoption("--kki-trust-secret", action="store_true", help="go on even if every signature is refused")
    group.addoption("--kki-output", metavar="DIR", help="where the run's files go (default: none are written)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "level(name): from which level on the case runs")
    config.addinivalue_line("markers", "early: before all other cases, while no card is unbound yet")
    config.addinivalue_line("markers", "operation(name): the operation that the case is about")
    config.addinivalue_line("markers", "exercises(*ids): the requirements that the case must decide")
    handed = getattr(config, "workerinput", {}).get("kki")
    if handed is not None:
        from kki.worker import Worker

        config.stash[WORKER] = Worker.handed(handed)
    elif CONDUCTOR not in config.stash and _asked(config):
        from kki.under_pytest import conductor_for_pytest

        conductor = conductor_for_pytest(config)
        config.stash[CONDUCTOR] = conductor
        config.stash[WORKER] = conductor.worker


def _asked(config: pytest.Config) -> bool:
    return bool(target_of(config) or config.getoption("--kki-profile"))


def target_of(config: pytest.Config) -> str | None:
    """Our own option, else pytest-base-url's where that plugin is installed and our suites are what is run."""
    own: str | None = config.getoption("--kki-base-url")
    if own:
        return own
    other = config.getoption("base_url", None) if config.pluginmanager.hasplugin("base_url") else None
    return str(other) if other and any("suites" in arg for arg in config.args) else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist is about to start a worker: hand it the plan and the tokens, through the pipe, never through a file."""
    conductor = node.config.stash.get(CONDUCTOR, None)
    if conductor is not None:
        node.workerinput["kki"] = conductor.to_hand(node.workerinput["workerid"])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    conductor = node.config.stash.get(CONDUCTOR, None)
    if conductor is not None:
        conductor.worker_ended(getattr(node, "workeroutput", {}).get("kki"), error)


def pytest_sessionfinish(session: pytest.Session) -> None:
    worker = session.config.stash.get(WORKER, None)
    if worker is None:
        return
    ended = worker.ended()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["kki"] = ended
        return
    conductor = session.config.stash.get(CONDUCTOR, None)
    if conductor is not None:
        conductor.worker_ended(ended if not conductor.distributed else None, None)
        if conductor.finish_with_pytest:
            session.exitstatus = conductor.finish()


@pytest.fixture(scope="session")
def kki_session(request: pytest.FixtureRequest) -> Session:
    """The session with the target; skips where no target was given."""
    worker = request.config.stash.get(WORKER, None)
    if worker is None:
        pytest.skip("no server is on trial: give --kki-base-url URL or --kki-profile FILE, or use `kki check`")
    session: Session = worker.session
    return session


def contract_under_trial() -> Contract:
    """The contract, at collection time. The checkout's or the wheel's, or the one KKI_CONTRACT names."""
    from kki.edges.contract import load
    from kki.edges.settings import contract_root

    return load(contract_root())


# --- which cases --------------------------------------------------------------------------------


def _marked(item: pytest.Item, name: str) -> tuple[str, ...]:
    mark = item.get_closest_marker(name)
    return tuple(str(arg) for arg in mark.args) if mark else ()


def _level(item: pytest.Item) -> str:
    return (_marked(item, "level") or ("standard",))[0]


def exercised(item: pytest.Item) -> frozenset[str]:
    """Every id that the item's marks name."""
    return frozenset(str(arg) for mark in item.iter_markers("exercises") for arg in mark.args)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what the level and --only ask for. Every worker comes to the same list in the same order."""
    worker = config.stash.get(WORKER, None)
    if worker is None:
        return
    reach = LEVELS.index(worker.level)
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        inside = LEVELS.index(_level(item)) <= reach and (not worker.only or exercised(item) & worker.only)
        (kept if inside else dropped).append(item)
    # What only fills the time comes last: if that is up, everything that must be decided has been tried.
    items[:] = sorted(kept, key=lambda item: (_level(item) == "thorough", item.get_closest_marker("early") is None))
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    for number, item in enumerate(items, 1):
        item.stash[NUMBER] = number
    items[:] = [item for item in items if _title(item) not in worker.done]  # numbered as in the run's first part
    worker.planned = len(items)


NUMBER = pytest.StashKey[int]()


# --- one case -----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run the body, then judge: a violation fails the case, and so does a named requirement that was not decided."""
    worker = pyfuncitem.config.stash.get(WORKER, None)
    if worker is None or "kki_session" not in pyfuncitem.fixturenames:
        return (yield)
    from kki.edges.client import PlanEnded
    from kki.worker import NOT_TRIED

    further = _level(pyfuncitem) == "thorough"
    why = worker.begin(_title(pyfuncitem), f"x{pyfuncitem.stash.get(NUMBER, 0)}", further=further)
    if why:
        pytest.skip(f"{NOT_TRIED}: {why}")
    result: object = None
    try:
        result = yield
    except PlanEnded:
        why = worker.ended_early(further=further)
    said = worker.failures()
    if said:
        pytest.fail(said, pytrace=False)
    if why:
        pytest.skip(f"{NOT_TRIED} to its end: {why}")
    undecided = worker.undecided(exercised(pyfuncitem))
    if undecided:
        pytest.skip(undecided)
    return result


def _title(item: pytest.Item) -> str:
    return item.nodeid.split("suites/")[-1]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What the case sent and what the judge said travels with the report, as plain values."""
    report = yield
    worker = item.config.stash.get(WORKER, None)
    if worker is not None and "kki_session" in getattr(item, "fixturenames", ()) and call.when == "call":
        area = Path(str(item.path)).stem.removeprefix("test_").replace("_", " ")
        report.kki = worker.parcel(
            title=_title(item),
            area=area,
            operation=(_marked(item, "operation") or ("",))[0],
            exercises=sorted(exercised(item)),
            outcome=report.outcome,
            reason=_reason(report),
            seconds=call.duration,
        )
    return report


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr or "")


class Listener:
    """Registered in the conductor's process: hands each report's parcel over as it comes."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        parcel = getattr(report, "kki", None)
        if parcel is not None:
            self.conductor.take(parcel)
        elif report.failed:
            self.conductor.broke(report.nodeid, str(report.longrepr))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:  # under xdist the workers collect
            self.conductor.planned(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Each worker comes to the same list."""
        if not self.conductor.count_planned:
            self.conductor.planned(len(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.conductor.broke(report.nodeid, str(report.longrepr))
