"""Our own data files against their schemas (openapi/schemas): the one door to `jsonschema`, for its messages' sake.

Every problem is one sentence: file, place in it, what was expected, what stands there, and the nearest match for a name
that is not known.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

from kki.edges.errors import ConfigurationError
from kki.edges.nearest import did_you_mean

# Below these members values may be secrets: a message says of what type they are, never what they are.
_SECRET = frozenset({"credentials", "other_partner", "test_data"})
_SHOWN = 60  # characters of a value in a message
_NOUNS = {"object": "a table", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
          "boolean": "true or false", "null": "null"}  # fmt: skip


def read(path: Path) -> Any:
    """The data in a TOML or JSON file, dates as ISO text. ConfigurationError if it is missing or unreadable."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return _plain(tomllib.loads(text)) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise ConfigurationError([f"{path}: expected a file, but there is none."]) from None
    except OSError as failure:
        raise ConfigurationError([f"{path}: expected a readable file, but got: {failure.strerror}."]) from None
    except UnicodeDecodeError as failure:
        raise ConfigurationError([f"{path}: expected UTF-8, but got other bytes at offset {failure.start}."]) from None
    except ValueError as failure:  # tomllib and json both raise a ValueError that names line and column
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise ConfigurationError([f"{path}: expected {kind}, but got: {failure}."]) from None


def problems(data: Any, schema: str, source: str, root: Path) -> list[str]:
    """One sentence for each thing in `data` that `schema` ("ledger", "profile", …) does not allow; empty: all is well.

    `source` is how the messages call the file; `root` is the folder of the contract that holds `schemas/`.
    """
    validator = _validator(root / "schemas" / f"{schema}.schema.json")
    errors = sorted(validator.iter_errors(_plain(data)), key=lambda error: [str(step) for step in error.absolute_path])
    return [f"{source}: {sentence}" for error in errors for sentence in _sentences(error)]


def broken(data: Any, schema: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str]]:
    """What a plain JSON Schema 2020-12 holds against `data`: (path, keyword, the missing member's name or "")."""
    from jsonschema import Draft202012Validator

    found: list[tuple[tuple[str | int, ...], str, str]] = []
    for error in Draft202012Validator(schema).iter_errors(data):
        missing = error.validator == "required"
        names = [name for name in error.validator_value if name not in error.instance] if missing else []
        name = _first_named(error.message, names) if missing else ""
        found.append((tuple(error.absolute_path), str(error.validator), name))
    return found


def must_fit(data: Any, schema: str, source: str, root: Path) -> Any:
    """`data`, if the schema allows it; else ConfigurationError with every problem."""
    found = problems(data, schema, source, root)
    if found:
        raise ConfigurationError(found)
    return data


@lru_cache(maxsize=64)
def _validator(path: Path) -> Any:
    from jsonschema import Draft202012Validator  # here, since it costs start-up time

    return Draft202012Validator(read(path))


def _plain(value: Any) -> Any:
    """TOML's dates as ISO text, everything else as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _sentences(error: Any) -> Iterator[str]:
    where = _where(error.absolute_path)
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        for name in sorted(set(error.instance) - set(known)):
            yield f"{where}: expected one of {_names(known)}, but got '{name}'.{did_you_mean(str(name), known)}"
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield f"{where}: expected the member '{_first_named(error.message, missing)}', but it is missing."
    else:
        yield f"{where}: expected {_expected(error)}, but got {_got(error)}.{_hint(error)}"


def _first_named(message: str, missing: list[str]) -> str:
    """jsonschema reports each missing member in an error of its own and names it first in the message."""
    return next((name for name in missing if message.startswith(f"'{name}'")), missing[0])


def _where(path: Any) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "top level"


def _names(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "no member at all"


def _expected(error: Any) -> str:
    value = error.validator_value
    kinds: dict[str, str] = {
        "type": " or ".join(_NOUNS.get(one, str(one)) for one in ([value] if isinstance(value, str) else value))
        if error.validator == "type" else "",
        "enum": "one of " + ", ".join(json.dumps(one) for one in value) if error.validator == "enum" else "",
        "const": json.dumps(value, default=str),
        "pattern": f"text that matches {value}",
        "minimum": f"at least {value}",
        "maximum": f"at most {value}",
        "exclusiveMinimum": f"more than {value}",
        "minLength": f"at least {value} characters",
        "maxLength": f"at most {value} characters",
        "minItems": f"at least {value} entries",
        "uniqueItems": "no entry twice",
    }  # fmt: skip
    described = error.schema.get("description")
    return kinds.get(error.validator) or described or f"what '{error.validator}' in its schema allows"


def _got(error: Any) -> str:
    if error.absolute_path and error.absolute_path[0] in _SECRET:
        return f"a value of type {type(error.instance).__name__}"
    text = json.dumps(error.instance, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _hint(error: Any) -> str:
    if error.validator != "enum" or not isinstance(error.instance, str):
        return ""
    return did_you_mean(error.instance, [str(one) for one in error.validator_value])
