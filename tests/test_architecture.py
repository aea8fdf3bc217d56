"""Who may import whom: the layers, the doors to other packages, and the purity of what is called pure."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "harness" / "kki"
SUITES = ROOT / "suites"

# The one table. A module belongs to the longest name here that is a prefix of its own; imports point to lower layers,
# or stay within the same name. In layer 2 siblings never import each other: above all, the simulator must not import
# the rules, or the two would agree in error.
LAYERS: dict[str, int] = {
    "kki": 0,  # the version
    "kki.model": 0,
    "kki.snap": 1,
    "kki.redaction": 1,
    "kki.rules": 2,
    "kki.drafting": 2,
    "kki.simulator": 2,
    "kki.diagnosis": 2,
    "kki.judge": 3,
    "kki.otherwise": 3,
    "kki.catalogue": 3,
    "kki.grading": 3,
    "kki.gate": 3,
    "kki.statistics": 1,
    "kki.comparison": 3,
    "kki.attestation": 3,
    "kki.replaying": 3,
    "kki.edges": 3,
    "kki.report": 3,
    "kki.drift": 3,
    "kki.session": 4,
    "kki.certify": 4,
    "kki.rehearsal": 4,
    "kki.run": 4,
    "kki.worker": 4,
    "kki.engine": 4,
    "kki.ending": 4,
    "kki.travel": 4,
    "kki.power": 4,
    "kki.fuzz": 4,
    "kki.plugin": 4,
    "kki.under_pytest": 4,
    "kki.cli": 4,
    "kki.__main__": 4,
    "kki.suites": 4,
}
MIXING_LAYERS = (3, 4)  # within these, modules may import each other
FORBIDDEN_PAIRS = (  # allowed by number, but not by meaning
    ("kki.edges", "kki.rules", "an adapter brings evidence and has no opinion"),
    ("kki.report", "kki.rules", "a report reads verdicts and makes none"),
)

PURE = (
    "kki.model", "kki.snap", "kki.redaction", "kki.rules", "kki.drafting", "kki.simulator", "kki.diagnosis",
    "kki.judge", "kki.otherwise", "kki.catalogue", "kki.grading", "kki.drift", "kki.gate", "kki.statistics",
    "kki.comparison", "kki.attestation",
)  # fmt: skip
# No clock, chance, environment, files, sockets or logging.
IMPURE_MODULES = (
    "asyncio", "fcntl", "fileinput", "getpass", "glob", "http.client", "http.server", "io", "logging", "mmap",
    "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "select", "shutil", "signal", "socket",
    "socketserver", "ssl", "subprocess", "sys", "syslog", "tempfile", "threading", "time", "urllib.request", "uuid",
    "warnings",
)  # fmt: skip
IMPURE_CALLS = (
    "open", "input", "print", "breakpoint", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
)  # fmt: skip

# One door per dependency.
DOORS: dict[str, tuple[str, ...]] = {
    "requests": ("kki.edges.client",),
    "urllib3": ("kki.edges.client",),
    "http.client": ("kki.edges.wire",),
    "cryptography": ("kki.snap.crypto", "kki.edges.entropy"),
    "joserfc": ("kki.snap.tokens",),
    "jsonschema_rs": ("kki.rules.shape",),
    "jsonschema": ("kki.edges.datafiles",),
    "yaml": ("kki.edges.contract",),
    "hypothesis": ("kki.suites", "kki.fuzz.generated"),
    "schemathesis": ("kki.fuzz",),
    "allure": ("kki.report.allure",),
    "allure_commons": ("kki.report.allure",),
    "allure_pytest": ("kki.report.allure",),
    "uvicorn": ("kki.edges.listener",),
    "click": ("kki.cli",),
    "rich": ("kki.cli.terminal",),
    "jinja2": ("kki.report.templating",),
    "openpyxl": ("kki.report.sheet",),
    "securesystemslib": ("kki.report.attest",),
    "starlette": ("kki.edges.pages",),
}


def modules() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py")) + sorted(SUITES.rglob("*.py"))
    return [path for path in found if "__pycache__" not in path.parts]


def name_of(path: Path) -> str:
    """The dotted name under which the module is installed."""
    base = PACKAGE if path.is_relative_to(PACKAGE) else ROOT
    return ".".join(("kki", *path.relative_to(base).with_suffix("").parts)).removesuffix(".__init__")


def imports(tree: ast.AST, name: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported, at any depth; "from a import b" gives both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = name.split(".")[: None if is_package and node.level == 1 else -(node.level - is_package)]
                base = ".".join([*above, base] if base else above)
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def home(name: str) -> str | None:
    """The row of LAYERS that this module belongs to; None for a module that nobody placed."""
    rows = [row for row in LAYERS if under(name, row) and (row != "kki" or name in ("kki", "kki.__version__"))]
    return max(rows, key=len, default=None)


def shown(path: Path) -> str:
    return str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT))


def layer_problem(path: Path, target: str) -> str | None:
    mine, theirs = home(name_of(path)), home(target)
    if mine is None:
        return f"{shown(path)} has no layer: give {name_of(path)} a row in LAYERS"
    if theirs is None or mine == theirs:
        return None
    for source, forbidden, because in FORBIDDEN_PAIRS:
        if under(mine, source) and under(theirs, forbidden):
            return f"{shown(path)} may not import {target}: {because}"
    if LAYERS[theirs] < LAYERS[mine]:
        return None
    if LAYERS[theirs] > LAYERS[mine]:
        return f"{shown(path)} is in layer {LAYERS[mine]} and may not import {target} of layer {LAYERS[theirs]}"
    if LAYERS[mine] in MIXING_LAYERS:
        return None
    return f"{shown(path)} may not import {target}: siblings in layer {LAYERS[mine]} do not know each other"


def door_problem(path: Path, target: str) -> str | None:
    for package, doors in DOORS.items():
        if under(target, package) and not any(under(name_of(path), door) for door in doors):
            return f"{shown(path)} may not import {target}: the door to {package} is {' and '.join(doors)}"
    return None


def is_pure(name: str) -> bool:
    return any(under(name, row) for row in PURE)


def purity_problem(path: Path, target: str) -> str | None:
    if is_pure(name_of(path)) and any(under(target, module) for module in IMPURE_MODULES):
        return f"{shown(path)} is pure and may not import {target}"
    return None


def call_problems(path: Path, tree: ast.AST) -> Iterator[str]:
    if not is_pure(name_of(path)):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) in IMPURE_CALLS:
            yield f"{shown(path)} is pure and may not call {called}() (line {node.lineno})"


def problems_of(path: Path, source: str) -> list[str]:
    tree = ast.parse(source)
    found = list(call_problems(path, tree))
    for line, target in imports(tree, name_of(path), path.name == "__init__.py"):
        for check in (layer_problem, door_problem, purity_problem):
            problem = check(path, target)
            if problem:
                found.append(f"{problem} (line {line})")
    return list(dict.fromkeys(found))


def test_imports_keep_to_layers_doors_and_purity() -> None:
    paths = modules()
    assert len(paths) >= 40, f"looked at {len(paths)} files only: is {PACKAGE} the right place?"
    problems = [problem for path in paths for problem in problems_of(path, path.read_text(encoding="utf-8"))]
    assert not problems, "\n" + "\n".join(problems)


def test_every_row_of_the_table_places_a_module_or_is_yet_to_come() -> None:
    names = {name_of(path) for path in modules()}
    assert names, "no modules at all"
    homeless = sorted(name for name in names if home(name) is None)
    assert not homeless, f"no row in LAYERS for {', '.join(homeless)}"


@pytest.mark.parametrize(
    ("place", "line", "sentence"),
    [
        ("rules/replies.py", "import time", "rules/replies.py is pure and may not import time (line 1)"),
        ("rules/replies.py", "from os import path", "rules/replies.py is pure and may not import os"),
        (
            "simulator/world.py",
            "from kki.rules import registry",
            "simulator/world.py may not import kki.rules: siblings in layer 2 do not know each other",
        ),
        ("simulator/world.py", "from ..rules import registry", "simulator/world.py may not import kki.rules"),
        ("snap/canonical.py", "import kki.edges.entropy", "layer 1 and may not import kki.edges.entropy of layer 3"),
        ("edges/har.py", "from kki.rules.registry import rule", "an adapter brings evidence and has no opinion"),
        ("edges/har.py", "import requests", "edges/har.py may not import requests: the door to requests is"),
        (
            "cli/check.py",
            "def f():\n    from rich import box",
            "cli/check.py may not import rich.box: the door to rich is kki.cli.terminal (line 2)",
        ),
        ("judge.py", "x = datetime.now(UTC)", "judge.py is pure and may not call datetime.now()"),
        ("lost.py", "import json", "lost.py has no layer: give kki.lost a row in LAYERS"),
    ],
)
def test_a_trespass_is_named_in_a_sentence(place: str, line: str, sentence: str) -> None:
    problems = problems_of(PACKAGE / place, line)
    assert any(sentence in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("rules/replies.py", "from kki.model.verdict import Broken"),
        ("rules/replies.py", "from datetime import datetime, timedelta"),
        ("snap/crypto.py", "from cryptography.hazmat.primitives import hashes"),
        ("cli/check.py", "import click"),
        ("edges/wire.py", "import http.client"),
        ("edges/settings.py", "from kki.edges import entropy"),
    ],
)
def test_what_is_allowed_is_not_complained_about(place: str, line: str) -> None:
    assert problems_of(PACKAGE / place, line) == []


def test_the_wheel_has_every_package() -> None:
    """An editable install has them all, listed or not."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT / "harness").parts) for path in ROOT.glob("harness/**/__init__.py")}
    assert there == {name for name in listed if not name.startswith(("kki.suites", "kki.openapi"))}
