"""`pytest suites/server --kki-base-url URL`: a conductor from pytest's own options, without our command line."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from kki.edges import contract as contracts
from kki.edges import entropy, folders, settings
from kki.edges import preflight as preflights
from kki.edges.errors import ConfigurationError
from kki.edges.selection import chosen_requirements
from kki.model.profile import Profile
from kki.model.requirement import Party
from kki.plugin import Listener, target_of
from kki.redaction import redactor_for
from kki.run import Conductor


def _held_folder(config: pytest.Config, plan: Profile) -> Path | None:
    """--kki-output, held until pytest ends."""
    given = config.getoption("--kki-output")
    if not given:
        return None
    now = entropy.now()
    stack = ExitStack()
    config.add_cleanup(stack.close)
    redactor = redactor_for(plan, salt=entropy.iv())
    return stack.enter_context(folders.run_folder(Path(given), plan.base_url or "", now, redactor=redactor))


def conductor_for_pytest(config: pytest.Config) -> Conductor:
    """`pytest suites/server --kki-base-url URL`: the same run without our command line. Raises ConfigurationError."""
    root = settings.contract_root()
    contract = contracts.load(root)
    try:
        plan = settings.load_profile(
            Path(config.getoption("--kki-profile")) if config.getoption("--kki-profile") else None,
            base_url=target_of(config),
            env=dict(os.environ),
            contract=contract,
            today=entropy.now().date(),
        )
        if plan.base_url is None:
            raise ConfigurationError(["expected a target, but neither --kki-base-url nor the profile names one"])
        asked = config.getoption("--kki-only")
        conductor = Conductor(
            profile=plan,
            contract=contract,
            base_url=plan.base_url,
            level=config.getoption("--kki-level"),
            only=chosen_requirements(contract, asked, (Party.SERVER,)),
            seed=config.getoption("--kki-seed"),
            output=_held_folder(config, plan),
            contract_root=root,
            workers=int(config.getoption("numprocesses", 0) or 0),
            trust_secret=config.getoption("--kki-trust-secret"),
        )
        problems = preflights.problems(conductor.preflight())
        if problems:
            conductor.abandon()
            raise ConfigurationError(problems)
    except ConfigurationError as error:
        raise pytest.UsageError("\n".join(error.problems)) from None
    conductor.finish_with_pytest = True
    config.pluginmanager.register(Listener(conductor), "kki-listener")
    return conductor
