"""The same trial by pytest's own options: what is named wrongly is refused, and not taken for "all"."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_unknown_requirement_is_a_usage_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "suites" / "pytest.ini"),
         str(ROOT / "suites" / "server"), "--kki-base-url", "http://127.0.0.1:9", "--kki-only", "SGI"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 4  # pytest's own: usage error
    said = done.stdout + done.stderr
    assert "--only: expected a requirement's id or one of the areas BEH, BND" in said
    assert 'but got "SGI". Did you mean "SIG"?' in said
    assert "Traceback" not in said
