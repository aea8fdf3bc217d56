"""What all folders of tests share: hypothesis draws the same examples in every run, so that none fails by chance.

`HYPOTHESIS_PROFILE=explore python -m pytest …` draws fresh ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("kki", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "kki"))
