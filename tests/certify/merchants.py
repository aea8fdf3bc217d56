"""Merchants on trial: a correct one, and all those that are wrong in one way each.

`merchant.run(base_url, kit)` sends its day to a server over real sockets; `merchant.client(kit, wire)` is its client on
any other way to one. `merchant.breaks` are the rows that the judge must find broken, and no others.
"""

from __future__ import annotations

from . import faults_cards, faults_conduct, faults_fields, faults_headers, faults_signature, faults_tokens
from .faulty import FaultyMerchant
from .small_client import Kit, Ways

__all__ = ["CORRECT", "MERCHANTS", "FaultyMerchant", "Kit"]

CORRECT = FaultyMerchant(name="correct", area="", says="Does everything right.", breaks=frozenset(), ways=Ways())
MERCHANTS: list[FaultyMerchant] = [
    *faults_signature.MERCHANTS,
    *faults_tokens.MERCHANTS,
    *faults_headers.MERCHANTS,
    *faults_fields.MERCHANTS,
    *faults_cards.MERCHANTS,
    *faults_conduct.MERCHANTS,
]
