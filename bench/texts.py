"""What reading texts costs as they grow: `python bench/texts.py`.

Minifying a body (under the signature) and redacting one (before it is kept), of n, 2n and 4n bytes of what hostile
clients send; and redacting beside ever more learned tokens. In CPU time; the first of each series is the baseline: with
linear growth a byte costs the same, and what was learned costs nothing.
"""

# ruff: noqa: T201  — a script for a terminal

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from time import process_time

from kki.redaction import Redactor
from kki.snap.canonical import minified

SIZE = 1 << 17
TIMES = 3
HOSTILE = {  # before, again and again, after
    "items": (b"[", b"0 ,", b"0]"),
    "escapes": (b'{"k" : "', b"\\n", b'"}'),
    "quotes": (b"[", b'"" ,', b'""]'),
    "depth": (b"", b"[", b""),
    "names": (b"[", b'{"otp" : "1"},', b"0]"),
    "percent": (b'"', b"%25", b'"'),
    "tokens": (b'"', b"eyJ", b'"'),
    "digits": (b"", b"4", b""),
}


def cost(work: Callable[[], object]) -> float:
    """CPU seconds, the least of a few."""
    best = float("inf")
    for _ in range(TIMES):
        began = process_time()
        work()
        best = min(best, process_time() - began)
    return best


def redactor(learned: int = 0) -> Redactor:
    made = Redactor({"client-secret": ("SK-a-secret-for-the-benchmark",)}, salt=b"bench")
    for number in range(learned):
        made.learn("bearer", f"eyJhbGciOiJSUzI1NiJ9.same-beginning.{number:06d}-token")
    return made


def body(name: str, size: int) -> bytes:
    before, unit, after = HOSTILE[name]
    return before + unit * (size // len(unit)) + after


def growing(read: Callable[[bytes], object]) -> None:
    for name in HOSTILE:
        each = [cost(partial(read, body(name, size))) / size for size in (SIZE, 2 * SIZE, 4 * SIZE)]
        print(f"| {name} | {each[0] * 1e9:.0f} | {each[1] / each[0]:.2f} | {each[2] / each[0]:.2f} |")


def main() -> int:
    for title, read in (("minified", minified), ("redacted", redactor().body)):
        print(f"| {title} | ns a byte | twice the bytes | four times |\n| --- | ---: | ---: | ---: |")
        growing(read)
        print()
    usual = json.dumps({"partnerReferenceNo": "INV-1", "reason": "x" * 400}).encode()
    print("| tokens learned | ms a body | of the first |\n| ---: | ---: | ---: |")
    first = 0.0
    for learned in (0, 1000, 10000):
        subject = redactor(learned)
        each = cost(lambda subject=subject: [subject.body(usual) for _ in range(40)]) / 40
        first = first or each
        print(f"| {learned} | {each * 1000:.3f} | {each / first:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
