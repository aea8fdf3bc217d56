"""How much a certification bears: requests a second, answered and judged, while live pages are open.

    python bench/certify.py [--seconds 20] [--rate 200] [--pages 3]

Two measurements, each with `--pages` live pages open and reading: at a fixed rate, with the time that each reply took
and how far the judge fell behind; and as fast as four clients can go. Clients run in a process of their own, on the
same machine.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import http.client
import json
import multiprocessing
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlsplit

from kki.certify import checklist as checklists
from kki.certify.scenarios import staged
from kki.certify.session import Plan, Session
from kki.edges import contract as contracts
from kki.edges import settings
from kki.edges.listener import serve, world_of
from kki.edges.pages import serve_pages
from kki.model.profile import Profile
from kki.snap.asymmetric import sign_token_request

B2B = "/authorization/v1/access-token/b2b"
B2B2C = "/authorization/v1/access-token/b2b2c"
PAYMENT = "/direct-debit/core/v1/debit/payment-host-to-host"
JAKARTA = timezone(timedelta(hours=7))
TARGET_PER_S = 200  # issue 4 of this project
CLIENTS = 4


def signed(secret: str, client: str, token: str, customer: str, card: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a correct payment with a bound card."""
    members = {"partnerReferenceNo": secrets.token_hex(16), "bankCardToken": card}
    body = json.dumps(members, separators=(",", ":")).encode()
    at = datetime.now(JAKARTA).isoformat(timespec="seconds")
    text = f"POST:{PAYMENT}:{token}:{hashlib.sha256(body).hexdigest()}:{at}"
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha512).digest()).decode()
    headers = {
        "Content-Type": "application/json", "X-TIMESTAMP": at, "X-PARTNER-ID": client, "X-SIGNATURE": signature,
        "X-EXTERNAL-ID": str(secrets.randbelow(10**24)), "Authorization": f"Bearer {token}",
        "Authorization-customer": f"Bearer {customer}",
    }  # fmt: skip
    return headers, body


def client(url: str, kit: tuple[str, str, str, str, str], until: float, gap: float, told: SimpleQueue[float]) -> None:
    """One connection that is kept open. `gap`: seconds from one request to the next; 0: at once."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    due = time.perf_counter()
    while time.perf_counter() < until:
        if gap:
            due += gap
            time.sleep(max(0.0, due - time.perf_counter()))
        headers, body = signed(*kit)
        began = time.perf_counter()
        line.request("POST", PAYMENT, body, headers)
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"expected 200 but got {answer.status}")
        told.put(time.perf_counter() - began)
    line.close()


def load(url: str, kit: tuple[str, str, str, str, str], seconds: float, rate: float, out: object) -> None:
    """In a process of its own: CLIENTS threads; puts the times that the replies took into `out`."""
    told: SimpleQueue[float] = SimpleQueue()
    until = time.perf_counter() + seconds
    gap = CLIENTS / rate if rate else 0.0
    threads = [threading.Thread(target=client, args=(url, kit, until, gap, told)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = [told.get() for _ in range(told.qsize())]
    out.put(times)  # type: ignore[attr-defined]  # a multiprocessing queue has no public type


def read_page(url: str, stop: threading.Event, count: list[int]) -> None:
    """What a browser does with the live page: loads it, then reads the stream."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
    line.request("GET", "/")
    line.getresponse().read()
    line.request("GET", "/events?since=0")
    stream = line.getresponse()
    while not stop.is_set():
        try:
            count[0] += stream.readline().startswith(b"event: update")
        except OSError:
            break
    line.close()


def fetched(url: str, profile: Profile, path: str, body: dict[str, str]) -> str:
    """A token, by the front door."""
    held, at = profile.credentials, datetime.now(JAKARTA).isoformat(timespec="seconds")
    signature = sign_token_request(client_id=held.client_id or "", timestamp=at, private_key_pem=held.private_key or "")
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    headers = {"Content-Type": "application/json", "X-CLIENT-KEY": held.client_id or "", "X-TIMESTAMP": at}
    line.request("POST", path, json.dumps(body), {**headers, "X-SIGNATURE": str(signature)})
    told = json.loads(line.getresponse().read())
    line.close()
    return str(told["accessToken"])


def tokens(url: str, profile: Profile) -> tuple[str, str]:
    b2b = fetched(url, profile, B2B, {"grantType": "client_credentials"})
    code = profile.test_data.auth_code or ""
    return b2b, fetched(url, profile, B2B2C, {"grantType": "authorization_code", "authCode": code})


@contextmanager
def reading(url: str, pages: int) -> Iterator[list[int]]:
    stop, count = threading.Event(), [0]
    threads = [threading.Thread(target=read_page, args=(url, stop, count), daemon=True) for _ in range(pages)]
    for thread in threads:
        thread.start()
    try:
        yield count
    finally:
        stop.set()


def measured(seconds: float, rate: float, pages: int) -> dict[str, float]:
    contract = contracts.load()
    profile = settings.built_in_profile(contract)
    checklist = checklists.load()
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            profile=profile, contract=contract, use="certify", target="bench", checklist=checklist, output=Path(folder)
        )
        session = Session(plan)
        world = world_of(profile, contract, staged(checklist, own_cpan=profile.test_data.cpan))
        held = profile.credentials
        with serve(world, watch=session.watch, backlog=session.backlog) as running, serve_pages(session.board) as live:
            card = profile.test_data.bank_card_tokens[0]
            kit = (held.client_secret or "", held.client_id or "", *tokens(running.url, profile), card)
            with reading(live.url, pages) as updates:
                spawned = multiprocessing.get_context("spawn")
                out: object = spawned.Queue()
                process = spawned.Process(target=load, args=(running.url, kit, seconds, rate, out))
                process.start()
                worst = 0
                while process.is_alive() and out.empty():  # type: ignore[attr-defined]
                    worst = max(worst, session.backlog())
                    time.sleep(0.05)
                times = sorted(out.get(timeout=60))  # type: ignore[attr-defined]
                process.join()
                answered_by = time.perf_counter()
                session.drain()
                behind = time.perf_counter() - answered_by
                seen = updates[0]
        run = session.finish()
    judged = run.exchange_count - 2  # the token requests
    broken = [row.id for row in run.requirements if row.outcome.value == "broken"]
    if judged != len(times) or broken:
        raise SystemExit(f"expected {len(times)} judged and nothing broken, but got {judged} and {broken}")
    return {
        "requests a second": len(times) / seconds,
        "median reply, ms": times[len(times) // 2] * 1000,
        "99th percentile, ms": times[int(len(times) * 0.99)] * 1000,
        "slowest, ms": times[-1] * 1000,
        "judge's longest queue": worst,
        "judge behind at the end, s": behind,
        "updates that pages got": seen,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=TARGET_PER_S)
    parser.add_argument("--pages", type=int, default=3)
    given = parser.parse_args()
    for title, rate in ((f"at {given.rate:g} a second", given.rate), ("as fast as it goes", 0.0)):
        print(title)  # noqa: T201
        for name, value in measured(given.seconds, rate, given.pages).items():
            print(f"  {name:28} {value:10.1f}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
