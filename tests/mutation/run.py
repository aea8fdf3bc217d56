"""Mutation testing of ourselves: `tox -e mutation`, or `python tests/mutation/run.py [--only 'snap/*.py' ...]`.

mutmut makes the mutants, and learns which tests reach them; it wants its sources under `src`, so that it works on a
copy of the tree. What mypy --strict refuses could not be committed, and is not tried. The others are tried by loop.py.
A mutant that survives must be killed by a test, or stand in survivors.toml with the reason why no test can, or need,
tell it from the code. Known survivors are told by what they change, since mutmut's numbers move with every edit.
Mutants that only spoil the wording of a sentence for people are not counted. `--sample N` tries N, drawn by `--seed`.

0: no survivor but the explained ones; 1: others, printed as rows for that list; 3: mutmut or the tests failed; 4: not
all mutants were tried in the time.
"""

# ruff: noqa: T201  — a script for a terminal

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_name("survivors.toml")
DEFAULT = ("snap/*.py", "rules/*.py", "judge.py", "grading.py")
TESTS = (  # each mutant is judged by those that reach it
    "tests/snap", "tests/rules", "tests/judge", "tests/mutation", "tests/certify/test_merchants_on_trial.py",
    "tests/certify/test_merchants_against_simulator.py",
    "tests/certify/test_judge.py", "tests/certify/test_fair_conduct.py", "tests/certify/test_scenarios.py",
    "tests/certify/test_har_verdicts.py",
)  # fmt: skip
# What those tests read besides the package.
BESIDE = ("openapi", "suites", "reports/sample", "tests/campaign.py", "tests/where.py", "tests/conftest.py")
# What runs while modules are imported: mutmut chooses a mutant afterwards, so that none of these can be told.
AT_IMPORT = ("kki.rules.registry.", "kki.rules.faults.x_detector", "kki.rules.faults.x_cases")
CONFIGURATION = """
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]

[tool.mutmut]
source_paths = ["src"]
only_mutate = [{only}]
also_copy = [{beside}]
pytest_add_cli_args_test_selection = [{tests}]
use_git_change_detection = false
"""

FEWEST_BLANKS = 2  # in a literal that is taken for a sentence

Change = tuple[str, str, str]  # function, what was removed, what was put there


def tree(folder: Path, only: Sequence[str], tests: Sequence[str]) -> None:
    """The copy: package under `src`, contract, and the tests that are run."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "harness" / "kki", folder / "src" / "kki", ignore=ignored)
    for beside in (ROOT / name for name in BESIDE):
        target = folder / beside.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(beside, target, ignore=ignored) if beside.is_dir() else shutil.copy(beside, target)
    there = [name for name in tests if (ROOT / name).exists()]
    for name in sorted({str(Path(*Path(name).parts[:2])) for name in there}):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    # mutmut makes no folder for a file that lies in one
    whole = sorted({Path(name).parts[0] for name in BESIDE})
    listed = {"only": [f"src/kki/{one}" for one in only], "tests": there, "beside": whole}
    text = CONFIGURATION.format(**{key: ", ".join(f'"{each}"' for each in some) for key, some in listed.items()})
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def made(folder: Path) -> list[str]:
    """The names of all mutants, once mutmut has made them and has learned which tests reach them; none: it failed."""
    command = [sys.executable, "-m", "mutmut", "run", "none-of-this-name"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not (folder / "mutants" / "mutmut-stats.json").is_file():
        print(said.stdout, said.stderr)
        return []
    metas = sorted((folder / "mutants").rglob("*.meta"))
    names = [name for file in metas for name in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]]
    return sorted(name for name in names if not name.startswith(AT_IMPORT))


def chosen(folder: Path, names: Sequence[str], number: int | None, seed: int) -> list[str]:
    """So many of them, in an order by chance, but for those that the type checker refuses."""
    some = random.Random(seed).sample(names, min(number or len(names), len(names)))
    refused = mistyped(folder)
    left = [name for name in some if name not in refused]
    print(f"{len(some)} of {len(names)} mutants, drawn with seed {seed}; mypy --strict refuses {len(some) - len(left)}")
    return left


def tried(folder: Path, names: Sequence[str], tests: Sequence[str], seconds: float) -> dict[str, str] | None:
    """What became of each mutant that there was time for; None where the tests fail by themselves."""
    mutants, plan, outcomes = folder / "mutants", folder / "names.json", folder / "outcomes.jsonl"
    plan.write_text(json.dumps(names), encoding="utf-8")
    path = os.pathsep.join((str(mutants / "src"), str(ROOT)))
    environment = {**os.environ, "KKI_MUTANTS": str(plan), "KKI_OUTCOMES": str(outcomes), "PYTHONPATH": path}
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "tests.mutation.loop", "--rootdir", ".", *tests]
    running = subprocess.Popen(command, cwd=mutants, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)  # fmt: skip
    try:
        said = running.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)  # with its children
        said = running.communicate()[0]
    if not outcomes.is_file():
        print(said)
        return None
    rows = map(json.loads, outcomes.read_text(encoding="utf-8").splitlines())
    return {name: outcome for name, outcome, _ in rows}


_SHOW = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
print(json.dumps({name: get_diff_for_mutant(name) for name in json.load(sys.stdin)}))
"""


def mistyped(folder: Path) -> set[str]:
    """Mutants that mypy --strict refuses: no such change could be committed, since CI runs it."""
    source = folder / "mutants" / "src"
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--no-warn-unused-ignores",
               "--explicit-package-bases", "kki"]  # fmt: skip
    said = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False).stdout
    places: dict[str, set[int]] = {}
    for line in said.splitlines():
        fault = json.loads(line)
        # What mypy cannot say of one function since another one is wrong is no fault of its own.
        if fault["severity"] == "error" and fault["code"] not in ("has-type", "var-annotated"):
            places.setdefault(fault["file"], set()).add(fault["line"])
    return {name for file, lines in places.items() for name in mutants_at(source, Path(file), lines)}


def mutants_at(source: Path, file: Path, lines: set[int]) -> Iterable[str]:
    module = ".".join(file.with_suffix("").parts)
    for node in ast.walk(ast.parse((source / file).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or "__mutmut_" not in node.name or node.name.endswith("_orig"):
            continue
        if lines.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
            yield f"{module}.{node.name}"


def changes_of(folder: Path, names: Sequence[str]) -> list[Change]:
    """What these mutants change: the function, and the lines without their indentation. One process for all."""
    command = [sys.executable, "-c", _SHOW]
    done = subprocess.run(command, cwd=folder, input=json.dumps(names), capture_output=True, text=True, check=True)
    return [change_of(name, diff.splitlines()) for name, diff in json.loads(done.stdout.splitlines()[-1]).items()]


def change_of(name: str, diff: Sequence[str]) -> Change:
    removed = " ".join(line[1:].strip() for line in diff if line.startswith("-") and not line.startswith("---"))
    added = " ".join(line[1:].strip() for line in diff if line.startswith("+") and not line.startswith("+++"))
    return name.rpartition("__mutmut_")[0], removed, added


def only_words(change: Change) -> bool:
    """Whether nothing but the wording of a sentence for people differs: a literal with a blank in it, marked with XX
    or in other case, or left out as the sentence of a Malformed. Sentences are read by people, and tested by a few."""
    bare = [_LITERAL.sub(_unworded, text) for text in change[1:]]
    return bare[0] == bare[1] or re.sub(r'(Malformed\("[a-z -]+", )…', r"\1None", bare[0]) == bare[1]


_LITERAL = re.compile(r'[frb]*"(?:[^"\\]|\\.)*"')


def _unworded(literal: re.Match[str]) -> str:
    return "…" if literal[0].count(" ") >= FEWEST_BLANKS else literal[0]


def explained() -> set[Change]:
    rows = tomllib.loads(EXPLAINED.read_text(encoding="utf-8")).get("survivor", [])
    return {(row["function"], row["was"], row["is"]) for row in rows}


def toml_row(change: Change) -> str:
    function, was, now = (each.replace("\\", "\\\\").replace('"', '\\"') for each in change)
    return f'[[survivor]]\nfunction = "{function}"\nwas = "{was}"\nis = "{now}"\nwhy = ""\n'


def report(changes: Iterable[Change]) -> int:
    known = explained()
    found = [change for change in changes if not only_words(change)]
    new = [change for change in found if change not in known]
    for change in new:
        print(toml_row(change))
    print(f"{len(new)} survivors without an explanation; see {EXPLAINED.relative_to(ROOT)}")
    return 1 if new else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", metavar="PATTERN", help=f"below harness/kki; default: {DEFAULT}")
    parser.add_argument("--tests", action="append", metavar="PATH", help=f"folder or file; default: {TESTS}")
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop trying after so long; default: an hour")
    parser.add_argument("--sample", type=int, metavar="N", help="try N mutants alone, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing; default: 0")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, and leave the mutants there")
    given = parser.parse_args(arguments)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="kki-mutants-"))
    tests = [name for name in given.tests or TESTS if (ROOT / name).exists()]
    try:
        tree(folder, given.only or DEFAULT, tests)
        names = made(folder)
        meant = chosen(folder, names, given.sample, given.seed)
        became = tried(folder, meant, tests, given.seconds) if meant else {}
        if became is None or not names:
            return 3
        counts = Counter(became.values())
        untried = len(meant) - len(became)
        print("; ".join(f"{count} {outcome}" for outcome, count in counts.items()) + f"; {untried} not tried")
        survivors = [name for name in meant if became.get(name, "").startswith("survived")]
        return report(changes_of(folder, survivors)) or (4 if untried else 0)
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
