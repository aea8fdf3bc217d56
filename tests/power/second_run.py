"""`python -m tests.power.second_run LEVEL SEED`: the second server, tried in a process of its own; the row as JSON.

In a process of its own, since a run starts pytest, and pytest does not nest.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from kki import power
from kki.edges import contract as contracts
from kki.edges import settings
from kki.model.profile import Limits

from .second_server import second_server


def row(level: str, seed: int) -> power.Row:
    contract = contracts.load()
    limits = Limits(timeout_s=5.0, unbinding_settles_s=0.5)
    plan = replace(settings.built_in_profile(contract), limits=limits)
    with second_server(plan) as url:
        return power.tried(plan, contract, url, level, seed)


if __name__ == "__main__":
    print(json.dumps(row(sys.argv[1], int(sys.argv[2]))))  # noqa: T201
