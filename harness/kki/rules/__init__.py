"""Judgements: detectors that say what is wrong with a request, rules on what is not a fault. Importing registers."""

from kki.rules import (
    acceptance,
    behaviour,
    carddata,
    fields,
    headers,
    reasons,
    references,
    replies,
    robustness,
    secrecy,
    signing,
    success,
    tokens,
)

__all__ = [
    "acceptance",
    "behaviour",
    "carddata",
    "fields",
    "headers",
    "reasons",
    "references",
    "replies",
    "robustness",
    "secrecy",
    "signing",
    "success",
    "tokens",
]
