"""The door to Jinja2: one environment in which a stranger's text is shown, never run."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from kki.report.escape import visible

__all__ = ["Environment", "environment", "text", "trusted"]


def environment() -> Environment:
    """A fresh one; filters and globals are its user's."""
    return Environment(
        loader=FunctionLoader(text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


@lru_cache(maxsize=16)
def text(name: str) -> str:
    """A file of `templates/`."""
    return files("kki.report").joinpath("templates", name).read_text(encoding="utf-8")


def trusted(text: str) -> Markup:
    """Text that is not escaped: our own files only."""
    return Markup(text)


def _finalize(value: Any) -> Any:
    """Every text that is printed becomes visible text; Jinja2 then escapes it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
