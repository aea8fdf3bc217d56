"""Where a text stands in a request or a reply, and whether a secret is in it, in whatever writing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from kki.rules.registry import Scene

LONGEST = 20_000  # characters of one text that are looked through: longer ones are no place for a number
_RUN = re.compile(r"[A-Za-z0-9+/_-]{12,8192}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,4096}")
_GROUPED = re.compile(r"(?<=[0-9])[ .-](?=[0-9])")
_STANDARD = str.maketrans("-_", "+/")


def strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string and number of a JSON value, with its pointer. Iterative: nesting has no limit."""
    stack: list[tuple[str, object]] = [(path, value)]
    while stack:
        where, item = stack.pop()
        if isinstance(item, dict):
            stack.extend((f"{where}/{name}", one) for name, one in item.items())
            stack.extend((f"{where}/…", str(name)) for name in item)
        elif isinstance(item, list):
            stack.extend((f"{where}/{index}", one) for index, one in enumerate(item))
        elif isinstance(item, str):
            yield where, item
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield where, str(item)


def request_places(scene: Scene, *, but: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """(where, text) of all that a request says. `but`: pointers into the body that are left out."""
    request, view = scene.view.exchange.request, scene.view
    yield "target", request.target
    yield from ((f"header {name}", value) for name, value in request.headers.pairs)
    if view.body.members is not None:
        skipped = set(but)
        yield from ((f"body {where}", text) for where, text in strings(view.body.members) if where not in skipped)
    else:
        yield "body", request.body.decode("utf-8", "replace")


def reply_places(scene: Scene, *, but: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """The same of its reply; nothing where there is none."""
    response, reply = scene.view.exchange.response, scene.view.reply
    if response is None:
        return
    yield from ((f"reply header {name}", value) for name, value in response.headers.pairs)
    if reply.members is not None:
        skipped = set(but)
        yield from ((f"reply {where}", text) for where, text in strings(reply.members) if where not in skipped)
    else:
        yield "reply body", response.body.decode("utf-8", "replace")


def writings(text: str) -> tuple[str, ...]:
    """The text, and what it hides: percent-encoded, in Base64 of either alphabet, in hexadecimal."""
    return (text,) if len(text) > LONGEST else _read(text)


# Several rules look for several secrets in the same text, and most headers come again and again.
@lru_cache(maxsize=256)
def _read(text: str) -> tuple[str, ...]:
    return tuple(_readings_of(text))


def _readings_of(text: str) -> Iterator[str]:
    yield text
    if "%" in text:
        yield unquote(text, "latin-1")
    for run in _RUN.findall(text):
        yield _from_base64(run)
    for run in _HEX.findall(text):
        yield bytes.fromhex(run).decode("latin-1")


def _from_base64(run: str) -> str:
    standard = run.rstrip("=").translate(_STANDARD)
    standard = standard[: len(standard) - (len(standard) % 4 == 1)]
    return base64.b64decode(standard + "=" * (-len(standard) % 4)).decode("latin-1")


def holds_card(text: str, number: str) -> bool:
    """A card number, whatever stands around it: twelve digits and more are no accident; in groups too."""
    return any(number in each for each in (*writings(text), *_without_groups(text)))


@lru_cache(maxsize=256)
def _without_groups(text: str) -> tuple[str, ...]:
    return tuple(_GROUPED.sub("", each) for each in writings(text))


def holds_secret(text: str, secret: str) -> bool:
    return any(secret in each for each in writings(text))


def holds_digits(text: str, digits: str) -> bool:
    """A short number such as an OTP: not as a part of a longer one, which is another."""
    at = text.find(digits)
    while at >= 0:
        if not text[at - 1 : at].isdigit() and not text[at + len(digits) : at + len(digits) + 1].isdigit():
            return True
        at = text.find(digits, at + 1)
    return False
