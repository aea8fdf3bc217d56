"""The operator's mistakes: said in sentences, all at once, before any traffic (exit code 2)."""

from __future__ import annotations

from collections.abc import Sequence


class ConfigurationError(Exception):
    """What the operator must put right. `problems` holds one sentence each and is never empty."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems) or ("The configuration is not usable.",)
        super().__init__("\n".join(self.problems))
