"""A merchant whose every request has a time of its own: who sends what, when, while what is under way."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.profile import Profile
from kki.model.verdict import Broken, Unknown
from kki.rules.knowledge import Knowledge
from kki.simulator.outcomes import Hang, Slow
from kki.simulator.server import answer
from kki.simulator.world import World

from .memory import START
from .small_client import PATHS, Kit, b64, compact, rsa, seal
from .trial import CONTRACT, PROFILE, a_world

CPAN, OTP = PROFILE.test_data.cpan or "", PROFILE.test_data.otp or ""
TOKEN = PROFILE.test_data.bank_card_tokens[0]
STATUS = "/orders/v1.0/debit/status"


@dataclass
class Lab:
    """`t`: now. `exchanges`: as sent. Each request may say when it leaves (`at`) and how long the answer takes."""

    profile: Profile = PROFILE
    t: datetime = START
    exchanges: list[Exchange] = field(default_factory=list)
    token: str = ""
    customer: str = ""

    def __post_init__(self) -> None:
        self.kit = Kit.of(self.profile)
        self.world: World = a_world(dict(self.profile.readings))
        self._ids, self._drawn = itertools.count(1000), itertools.count(1)
        self.token = self._fetch("b2b", {"grantType": "client_credentials"})
        code = {"grantType": "authorization_code", "authCode": self.profile.test_data.auth_code}
        self.customer = self._fetch("b2b2c", code)

    # -- requests -----------------------------------------------------------------------------------

    def _fetch(self, operation: str, members: dict[str, Any]) -> str:
        stamp = self.t.isoformat(timespec="seconds")
        signature = b64(rsa(self.kit.private_key, f"{self.kit.client_id}|{stamp}"))
        lines = [("X-CLIENT-KEY", self.kit.client_id), ("X-TIMESTAMP", stamp), ("X-SIGNATURE", signature)]
        reply = self._send(PATHS[operation], lines, compact(members), self.t, timedelta(milliseconds=20)).response
        return str(json.loads(reply.body)["accessToken"]) if reply else ""

    def renew(self) -> str:
        self.token = self._fetch("b2b", {"grantType": "client_credentials"})
        return self.token

    def send(
        self, operation: str, members: dict[str, Any], *, at: datetime | None = None, took: float = 0.02,
        token: str | None = None, external: str | None = None, zone: int = 7, more: dict[str, str] | None = None,
    ) -> Exchange:  # fmt: skip
        at = at or self.t
        stamp = at.astimezone(timezone(timedelta(hours=zone))).isoformat(timespec="seconds")
        bearer, path, body = token or self.token, PATHS.get(operation, operation), compact(members)
        text = f"POST:{path}:{bearer}:{hashlib.sha256(body).hexdigest()}:{stamp}"
        mac = b64(hmac.new(self.kit.client_secret.encode(), text.encode(), hashlib.sha512).digest())
        lines = [
            ("X-TIMESTAMP", stamp), ("X-PARTNER-ID", self.kit.client_id), ("X-SIGNATURE", mac),
            ("X-EXTERNAL-ID", external or str(next(self._ids))), ("Authorization", f"Bearer {bearer}"),
            ("Authorization-customer", f"Bearer {self.customer}"), *(more or {}).items(),
        ]  # fmt: skip
        return self._send(path, lines, body, at, timedelta(seconds=took))

    def _send(self, path: str, lines: list[tuple[str, str]], body: bytes, at: datetime, took: timedelta) -> Exchange:
        headers = Headers.of([("Content-Type", "application/json"), *lines])
        request = Request(method="POST", target=path, headers=headers, body=body, origin="http://doku.test")
        result = answer(self.world, request, at, self._fresh)
        took += timedelta(seconds=result.seconds if isinstance(result, Slow) else 0)
        response = result.response if isinstance(result, Slow) else result if isinstance(result, Response) else None
        failure = None if response else "timeout" if isinstance(result, Hang) else "connection closed"
        exchange = Exchange(
            id=f"x{len(self.exchanges) + 1}", request=request, response=response, sent_at=at,
            answered_at=at + took if response else None, failure=failure,
        )  # fmt: skip
        self.exchanges.append(exchange)
        self.t = max(self.t, at + took)
        return exchange

    def _fresh(self, characters: int) -> str:
        return hashlib.sha256(str(next(self._drawn)).encode()).hexdigest()[:characters].ljust(characters, "0")

    # -- what a merchant does ----------------------------------------------------------------------------

    def pay(self, reference: str, *, order: str = "", otp: str = OTP, card: str = CPAN, **how: Any) -> Exchange:
        """By CPAN and OTP, or a token as `card`. `order` goes into additionalInfo; a page-exact body has none."""
        source = {"chargeToken": card, "otp": otp} if card.isdigit() else {"bankCardToken": card}
        info = {"additionalInfo": {"order": order}} if order else {}
        return self.send("payment", {"partnerReferenceNo": reference, **source, **info}, **how)

    def ask(self, reference: str, **how: Any) -> Exchange:
        return self.send(STATUS, {"originalPartnerReferenceNo": reference, "serviceCode": "54"}, **how)

    def refund(self, original: str, number: str, **how: Any) -> Exchange:
        members = {"originalPartnerReferenceNo": original, "partnerRefundNo": number, "reason": "x"}
        return self.send("refund", members, more={"X-IP-ADDRESS": "192.168.1.1"}, **how)

    def unbind(self, token: str = TOKEN, **how: Any) -> Exchange:
        return self.send("unbind", {"tokenId": token}, **how)

    def bind(self, *, data: str = "", **members: str) -> Exchange:
        sealed = data or seal(self.kit, compact(dict(self.kit.card)))
        return self.send("bind", {"cardData": sealed, "custIdMerchant": "CUST1", **members})

    def wait(self, seconds: float) -> None:
        self.t += timedelta(seconds=seconds)

    # -- the verdict ---------------------------------------------------------------------------------------

    def verdicts(self, *, answered: bool = True, complete: bool = True) -> tuple[set[str], set[str]]:
        """Client rows broken, and those undecided somewhere. `answered`: in the order of answers, as certify judges."""
        knowledge = replace(Knowledge.of(self.profile, CONTRACT), complete=complete, staged=answered)
        judge = Judge(knowledge)
        by = (lambda each: each.answered_at or each.sent_at) if answered else (lambda each: each.sent_at)
        found = [one for each in sorted(self.exchanges, key=by) for one in judge.judge(each)] + [*judge.finish()]
        mine = [one for one in found if CONTRACT.requirements[one.requirement].party.value == "client"]
        broken = {one.requirement for one in mine if isinstance(one.judgement, Broken)}
        return broken, {one.requirement for one in mine if isinstance(one.judgement, Unknown)}

    @property
    def broken(self) -> set[str]:
        return self.verdicts()[0]
