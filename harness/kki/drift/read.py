"""From the bytes of a saved page to what it states. Whatever form it was saved in, bad input gets a sentence."""

from __future__ import annotations

import json

from kki.drift import lines, tables
from kki.drift.model import Page, UnreadableError
from kki.drift.openapi import requests_of

LARGEST = 5_000_000  # bytes; the page has some twenty thousand
_HOW = "Save the page's text, or its Markdown (its address with .md at the end)"


def read(data: bytes) -> Page:
    """What a saved page states. UnreadableError, with a sentence, for anything in which there is no field table."""
    text = _text(data)
    head = text.lstrip()[:200].lower()
    if head.startswith(("<!doctype", "<html", "<?xml")):
        raise UnreadableError(f"expected text or Markdown, but got HTML. {_HOW}.")
    if head.startswith("{"):
        return _document(text)
    in_markdown, in_text = tables.read(text), lines.read(text)
    page = max((in_text, in_markdown), key=lambda one: one.count)
    if not page.count:
        raise UnreadableError(f"expected a page with tables of fields, but found none in it. {_HOW}.")
    return page


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise UnreadableError(f"expected at most {LARGEST:,} bytes, but got {len(data):,}.")
    if not data.strip():
        raise UnreadableError("expected a page, but the file is empty.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise UnreadableError(f"expected UTF-8, but got other bytes at offset {failure.start}.") from None
    if "\0" in text:
        raise UnreadableError("expected text, but got a file with NUL characters in it.")
    return text


def _document(text: str) -> Page:
    """The file is an OpenAPI document itself."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise UnreadableError(f"expected JSON, since it begins with a brace, but got: {failure}.") from None
    page = Page(form="openapi", requests=tuple(requests_of(document)))
    if not page.count:
        raise UnreadableError("expected an OpenAPI document with operations, but found none in it.")
    return page
