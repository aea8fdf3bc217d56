"""How long a diagnosis takes: `python bench/diagnosis.py [rounds]`. Prints a table in Markdown and asserts nothing.

Aims: under 50 ms for the single constructions, under 1 s with pairs. The signatures are such that no construction
explains them, so that every one is tried; sizes of the body vary, since each wrong form of it is hashed.
"""

# ruff: noqa: T201 — a script for a terminal

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import statistics
import sys
from time import perf_counter

from kki.diagnosis.cards import CardMaterial, diagnose_card
from kki.diagnosis.parts import Material
from kki.diagnosis.search import diagnose, is_right
from kki.edges.entropy import rsa_pair
from kki.model.http import Headers, Request

SECRET = "SK-bench-0001"
PATHS = tuple(f"/direct-debit/core/v1/{tail}" for tail in ("debit/refund", "debit/payment-host-to-host"))


def request(size: int, signature: str) -> Request:
    data = {"partnerReferenceNo": "INV-0001", "reason": "café / <x>", "lineItems": ["x" * 60] * (size // 64)}
    headers = {
        "Authorization": "Bearer " + "t" * 600, "Authorization-customer": "Bearer " + "c" * 40,
        "X-TIMESTAMP": "2026-05-26T10:00:00.123+07:00", "X-SIGNATURE": signature, "X-PARTNER-ID": "BRN-1",
        "X-EXTERNAL-ID": "418075533589", "X-CLIENT-KEY": "BRN-1", "Host": "localhost:8443",
    }  # fmt: skip
    body = json.dumps(data, indent=2, ensure_ascii=False).encode()
    return Request(method="POST", target=PATHS[0], headers=Headers.of(headers), body=body)


def measured(rounds: int, work: object, *args: object, **options: object) -> tuple[float, float, int]:
    """Median and worst in milliseconds, and how many constructions were compared."""
    times, tried = [], 0
    for _ in range(rounds):
        start = perf_counter()
        found = work(*args, **options)  # type: ignore[operator]
        times.append((perf_counter() - start) * 1000)
        tried = getattr(found, "tried", 1)
    return statistics.median(times), max(times), tried


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    private, public = rsa_pair()
    noise = hmac.digest(b"another secret", b"noise", "sha512")
    signatures = {"64 octets": noise, "32 octets": noise[:32], "256 octets": noise * 4}
    print("| what | body | constructions | median ms | worst ms |")
    print("| --- | ---: | ---: | ---: | ---: |")

    def row(what: str, size: object, found: tuple[float, float, int]) -> None:
        print(f"| {what} | {size} | {found[2]} | {found[0]:.1f} | {found[1]:.1f} |")

    for size in (300, 4_000, 60_000, 1_000_000):
        for name, octets in signatures.items():
            known = Material(
                request=request(size, base64.b64encode(octets).decode()), client_secret=SECRET, client_id="BRN-1",
                shared_key="shared-0001", public_key=public, private_keys=(private,), earlier_tokens=("old",) * 3,
                paths=PATHS,
            )  # fmt: skip
            length = len(known.request.body)
            row(f"{name}, singles", length, measured(rounds, diagnose, known, pairs=False))
            row(f"{name}, pairs", length, measured(rounds, diagnose, known))
            row(f"{name}, token request", length, measured(rounds, diagnose, known, token_request=True))
        row("only whether it is right", length, measured(rounds, is_right, known))
    sealed = base64.b64encode(hashlib.shake_256(b"noise").digest(112)).decode()
    vector = base64.b64encode(noise[:16]).decode()
    card = CardMaterial(text=f"{sealed}|{vector}", shared_key="shared-0001", client_secret=SECRET, client_id="BRN-1")
    row("card data", "-", measured(rounds, diagnose_card, card))


if __name__ == "__main__":
    main()
