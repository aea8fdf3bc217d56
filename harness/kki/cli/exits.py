"""The exit codes that scripts rely on."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    CONFORMS = 0  # no violation, and every MUST in scope was decided
    DOES_NOT_CONFORM = 1  # at least one violation; or a comparison, baseline or verification failed
    OPERATOR = 2  # bad option, bad profile, unreachable target, refused credentials; nothing was scored
    HARNESS = 3  # our own fault
    INCOMPLETE = 4  # no violation, but a MUST in scope was not exercised or could not be decided
    INTERRUPTED = 130
    READER_GONE = 141  # who read our standard output closed it, as `head` does
