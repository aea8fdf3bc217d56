"""From a recorded, redacted exchange back to a request that can be sent: filled in, made fresh, signed anew. Pure.

What the record hides is filled in from the profile (run.json says which pseudonym stands for which of its values),
from tokens fetched anew, or, where the value was made up for that one case and is gone, by a stand-in that is named.
How the case spoiled the request is recorded by name, so that the same is done again, after the new signature too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from kki.drafting import mutations, spoiled_cards
from kki.drafting.drafts import Draft, Kit, SignPlan, sealed_card, signed
from kki.model.contract import Contract, Operation
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request
from kki.model.profile import Profile
from kki.redaction import PSEUDONYM
from kki.snap import signature, timestamps
from kki.snap.canonical import Malformed

_HIDDEN = re.compile(r"(?:(?<![0-9])[0-9]{6})?‹(?P<kind>[a-z-]+):[0-9a-f]{6}~?›(?:[0-9]{4}(?![0-9]))?")
_SHORTENED = re.compile(r".{8}…", re.DOTALL)  # a signature, as the redactor leaves it
_OF_THE_CONNECTION = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "keep-alive", "te", "upgrade"}
)
# References that a run of ours made, by member: only those are made afresh, what a case chose stays as it is.
_OURS = {"partnerReferenceNo": re.compile(r"[0-9a-f]{32}"), "partnerRefundNo": re.compile(r"[0-9a-f]{12}")}
_ORDINARY = timedelta(seconds=30)  # a time-stamp so near to the sending was meant to be the present


@dataclass(slots=True, kw_only=True)
class Means:
    """What a replay may use. `tokens`: "b2b", "other", "customer", "refresh" → value, as far as there is one.

    `provenance`: pseudonym → one of these names. `renewed`: old → new, kept over several exchanges of one case.
    `digits` and `letters` give so many fresh characters.
    """

    profile: Profile
    contract: Contract
    now: datetime
    kit: Kit
    digits: Callable[[int], str]
    letters: Callable[[int], str]
    pseudonyms: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    same_references: bool = False
    renewed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """`said`: a sentence for everything that is not as it was, beyond time, external id and signature."""

    draft: Draft
    said: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()  # pseudonyms whose values nobody has: a stand-in went in


# --- what the record hides ----------------------------------------------------------------------


def provenance(records: Iterable[Record], contract: Contract, other_client: str | None) -> dict[str, str]:
    """Which pseudonyms the token endpoints gave out in this run, and to whom."""
    found: dict[str, str] = {}
    paths = {op.path: op.name for op in contract.operations.values() if not op.symmetric}
    for record in records:
        exchange = record.exchange
        name = paths.get(exchange.request.path)
        if name is None or exchange.response is None:
            continue
        members = _object(exchange.response.body)
        client = exchange.request.headers.get("X-CLIENT-KEY")
        kind = "customer" if name == "b2b2c" else "other" if other_client and client == other_client else "b2b"
        for member, whose in (("accessToken", kind), ("refreshToken", "refresh")):
            value = members.get(member)
            if isinstance(value, str) and PSEUDONYM.fullmatch(value):
                found.setdefault(value, whose)
    return found


def value_at(profile: Profile, key: str) -> str | None:
    """The profile's value under a key of run.json's `pseudonyms`: "test_data.bank_card_tokens[1]"."""
    table, _, name = key.partition(".")
    held: Any = getattr(profile, table, None)
    match = re.fullmatch(r"(\w+)\[([0-9]+)\]", name)
    if match:
        rows = getattr(held, match[1], ())
        return rows[int(match[2])] if int(match[2]) < len(rows) else None
    first, _, rest = name.partition(".")
    value = getattr(held, first, None)
    value = value.get(rest) if rest and isinstance(value, Mapping) else value
    return value if isinstance(value, str) else None


@dataclass(slots=True)
class _Filler:
    """Puts values where pseudonyms stand, and keeps account of it."""

    means: Means
    record: Record
    said: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def text(self, text: str, *, quoted: bool = False) -> str:
        """`quoted`: within JSON, where a value has to be escaped."""

        def fill(match: re.Match[str]) -> str:
            value = self._value(match)
            return json.dumps(value, ensure_ascii=False)[1:-1] if quoted else value

        return _HIDDEN.sub(fill, text)

    def _value(self, match: re.Match[str]) -> str:
        whole, kind = match[0], match["kind"]
        inner = whole[whole.index("‹") : whole.index("›") + 1]
        for name in (whole, inner, inner.replace("~›", "›")):
            around = ("", "") if name == whole else (whole[: whole.index("‹")], whole[whole.index("›") + 1 :])
            known = self._known(name)
            if known is not None:
                return around[0] + known + around[1]
        if kind == "card-data" and whole == inner:
            return self._card_data()
        value = self._stand_in(whole, kind)
        if whole not in self.lost:
            self.lost.append(whole)
            self.said.append(f"{whole} is in no profile: {_shape(value)} stands in for it")
        return value

    def _known(self, pseudonym: str) -> str | None:
        key = self.means.pseudonyms.get(pseudonym)
        if key is not None:
            return value_at(self.means.profile, key)
        return self.means.tokens.get(self.means.provenance.get(pseudonym, "")) or None

    def _card_data(self) -> str:
        """Sealed anew from the profile's card; spoiled as the case spoiled it."""
        spoiled = _spoiled_card(self.record)
        if spoiled is not None:
            self.said.append(f'cardData is made anew, spoiled as before: "{spoiled.name}"')
            return spoiled(self.means.kit)
        self.said.append("cardData is sealed anew from the profile's card")
        return sealed_card(self.means.kit)

    def _stand_in(self, whole: str, kind: str) -> str:
        """Of the form that such a value has; of the length that the case is named after, if it is."""
        if kind == "card" and whole.startswith(tuple("0123456789")):
            return whole[:6] + "0" * 9 + whole[-4:]
        length = re.search(r"-([0-9]{1,5})-characters", self.record.made_by)
        if kind in ("otp", "charge-token"):
            count = int(length[1]) if length else 8 if kind == "otp" else 19
            return "0" * count
        return self.means.letters(int(length[1]) if length else 32)


def _shape(value: str) -> str:
    return f"{len(value)} digits" if value.isdigit() else f"{len(value)} characters"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def _spoiled_card(record: Record) -> spoiled_cards.SpoiledCard | None:
    """By the name of the case, or its number within the case that compares all of them."""
    match = re.search(r"\[([^\]]+)\]$", record.made_by)
    if match:
        return next((each for each in spoiled_cards.ALL if _slug(each.name) == match[1]), None)
    if "failures_of_card_data" in record.made_by:
        number = int(record.exchange.id.partition(".")[2] or 1) - 1
        return spoiled_cards.ORACLE[number] if number < len(spoiled_cards.ORACLE) else None
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


# --- made fresh ---------------------------------------------------------------------------------


def prepared(record: Record, means: Means) -> Prepared:
    """The exchange's request, ready to be signed on the way out."""
    filler = _Filler(means, record)
    request = _filled(record.exchange.request, filler)
    request = _renewed(request, means)
    request = _timed(request, record.exchange.sent_at, means.now, filler.said)
    operation = _operation(request, means.contract)
    draft = Draft(operation=operation.name if operation else "", request=request, plan=_plan(request, operation, means))
    draft = _spoiled(draft, record.mutations, means.tokens.get("b2b") or "", filler.said)
    return Prepared(draft=draft, said=tuple(dict.fromkeys(filler.said)), lost=tuple(filler.lost))


def _filled(request: Request, filler: _Filler) -> Request:
    lines = [
        (name, filler.text(value)) for name, value in request.headers.pairs if name.lower() not in _OF_THE_CONNECTION
    ]
    return replace(
        request,
        headers=Headers(tuple(lines)),
        target=filler.text(request.target),
        body=_filled_body(request.body, filler),
    )


def _filled_body(body: bytes, filler: _Filler) -> bytes:
    if b"\xe2\x80\xb9" not in body:  # ‹
        return body
    text = body.decode("utf-8", "surrogateescape")
    text = filler.text(text, quoted=text.lstrip()[:1] in ("{", "[", '"'))
    number = re.search(r"-(\w+)-number\]$", filler.record.made_by)
    if number:  # the redactor puts a hidden number in quotes; the case's name tells that it was one
        text = re.sub(rf'("{number[1]}":)"([0-9]+)"', r"\1\2", text)
    return text.encode("utf-8", "surrogateescape")


def _operation(request: Request, contract: Contract) -> Operation | None:
    return next((op for op in contract.operations.values() if op.path == request.path), None)


def _plan(request: Request, operation: Operation | None, means: Means) -> SignPlan:
    """Symmetric but at the token endpoints; another partner's token request is signed with that partner's key."""
    # What was sent to an unknown path was signed too: the token endpoints are told by their header.
    asymmetric = not operation.symmetric if operation else "X-CLIENT-KEY" in request.headers
    if not asymmetric:
        return SignPlan()
    other = means.profile.other_partner
    theirs = other is not None and request.headers.get("X-CLIENT-KEY") == other.client_id
    return SignPlan(kind="asymmetric", private_key=other.private_key if other is not None and theirs else None)


def _renewed(request: Request, means: Means) -> Request:
    """With a fresh external id, and fresh references of ours, wherever the old ones stand in header or body."""
    renewed = means.renewed
    for old in request.headers.all("X-EXTERNAL-ID"):
        if any(char.isdigit() for char in old) and old not in renewed:
            renewed[old] = _like_digits(old, means.digits)
    members = _object(request.body)
    for member, form in _OURS.items():
        value = members.get(member)
        if not means.same_references and isinstance(value, str) and form.fullmatch(value) and value not in renewed:
            renewed[value] = means.letters(len(value))
    headers = Headers(tuple((name, renewed.get(value, value)) for name, value in request.headers.pairs))
    body = request.body
    for old, new in renewed.items():
        if len(old) >= 12:  # a shorter one may be part of anything
            body = body.replace(old.encode("utf-8", "surrogateescape"), new.encode("utf-8", "surrogateescape"))
    return replace(request, headers=headers, body=body)


def _like_digits(old: str, digits: Callable[[int], str]) -> str:
    """Other digits in the places where digits were; the letters of `ext-2026-01` stay."""
    fresh = iter(digits(sum(char.isdigit() for char in old)))
    return "".join(next(fresh) if char.isdigit() else char for char in old)


def _timed(request: Request, sent_at: datetime, now: datetime, said: list[str]) -> Request:
    """X-TIMESTAMP as far from now as it was from the sending, in the form it had."""
    old = request.headers.get("X-TIMESTAMP")
    if old is None:
        return request
    read = timestamps.parse(old)
    if isinstance(read, Malformed):
        said.append(f'X-TIMESTAMP stays "{old}", which is no time')
        return request
    shift = read.moment - sent_at
    moment = now if abs(shift) < _ORDINARY else now + shift
    return request.with_header("X-TIMESTAMP", _in_the_form_of(read, moment))


def _in_the_form_of(read: timestamps.Timestamp, moment: datetime) -> str:
    local = moment.astimezone(read.moment.tzinfo)
    digits = len(read.text) - len(read.zone) - 20 if read.milliseconds else 0
    fraction = f".{local.microsecond:06d}"[: 1 + digits].ljust(1 + digits, "0") if digits else ""
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{read.zone}"


# --- spoiled again ------------------------------------------------------------------------------

_TOKENS = frozenset(each.name for each in mutations.TOKEN)


def _spoiled(draft: Draft, names: Iterable[str], token: str, said: list[str]) -> Draft:
    """What was done before signing stands in the record already; what was done at or after it is done again."""
    draft = replace(draft, request=draft.request.without_header("X-SIGNATURE"))
    for name in names:
        mutation = mutations.BY_NAME.get(name)
        if mutation is None:
            said.append(f'"{name}" is a way to spoil a request that this version does not know; it is left out')
        elif mutation.stage is mutations.Stage.AT_SIGNING:
            draft = mutation(draft)
        elif mutation.stage is mutations.Stage.AFTER_SIGNING:
            draft = _spoiled_after(draft, mutation)
        elif name in _TOKENS and "Authorization" in draft.request.headers:
            draft = mutation(draft.with_header("Authorization", f"Bearer {token}"))  # a fresh one, spoiled alike
        else:
            draft = replace(draft, mutations=(*draft.mutations, name))
    names_seen = [name.lower() for name, _ in draft.request.headers.pairs]
    return replace(draft, exact=draft.exact or len(set(names_seen)) < len(names_seen))


def _spoiled_after(draft: Draft, mutation: mutations.Mutation) -> Draft:
    """The record holds the spoiled body. Signing what the same change makes of it parts body and signature again."""
    single = replace(draft.request, headers=_single(draft.request.headers))
    changed = mutation.apply(replace(draft, request=single, after=())).after[-1](single)
    if changed.body != single.body:
        return replace(draft.planned(body=changed.body), mutations=(*draft.mutations, mutation.name))
    return mutation(replace(draft, request=single))


def _single(headers: Headers) -> Headers:
    """The first line of each name."""
    first: dict[str, tuple[str, str]] = {}
    for name, value in headers.pairs:
        first.setdefault(name.lower(), (name, value))
    return Headers(tuple(first.values()))


# --- as it was ----------------------------------------------------------------------------------


def verbatim(record: Record, means: Means) -> tuple[Draft, list[str]]:
    """The recorded octets, with what was hidden put back; and what cannot be put back, a sentence each."""
    filler = _Filler(means, record)
    request = record.exchange.request
    hidden = sorted({match[0] for match in _HIDDEN.finditer(_all_text(request))})
    missing = [
        f"{each} was not kept, so the very octets are gone"
        for each in hidden
        if not filler.text(each) or each in filler.lost
    ]
    again = sorted(each for each in hidden if each.startswith("‹card-data"))
    missing += [f"{each} was not kept, so the very octets are gone" for each in again if each not in filler.lost]
    request = _filled(request, filler)
    request, problem = _with_signature(request, _operation(request, means.contract), means)
    draft = Draft(operation="", request=request, plan=SignPlan(kind="none"))
    names = [name.lower() for name, _ in request.headers.pairs]
    return replace(draft, exact=len(set(names)) < len(names)), missing + ([problem] if problem else [])


def _all_text(request: Request) -> str:
    return "\n".join(
        [request.target, *(value for _, value in request.headers.pairs), request.body.decode("utf-8", "replace")]
    )


def _with_signature(request: Request, operation: Operation | None, means: Means) -> tuple[Request, str | None]:
    """A shortened signature is computed again; its first characters tell whether that gave the old one."""
    old = request.headers.get("X-SIGNATURE") or ""
    if not _SHORTENED.fullmatch(old):
        return request, None
    plan = _plan(request, operation, means)
    new = (
        signed(request.without_header("X-SIGNATURE"), plan, means.profile.credentials).headers.get("X-SIGNATURE") or ""
    )
    if not signature.same(new[:8], old[:8]):
        return (
            request,
            "X-SIGNATURE was shortened and cannot be computed again: the case spoiled it, or a token is gone",
        )
    return request.with_header("X-SIGNATURE", new), None


# --- what it builds on --------------------------------------------------------------------------


def before(record: Record, records: Iterable[Record]) -> list[Record]:
    """What has to be sent first: the earlier ones of its case, and the payment that a refund names."""
    prefix, _, number = record.exchange.id.partition(".")
    original = _object(record.exchange.request.body).get("originalPartnerReferenceNo")
    found: list[Record] = []
    for each in records:
        if each.exchange.id == record.exchange.id:
            break
        mine = bool(number) and each.exchange.id.partition(".")[0] == prefix
        paid = _object(each.exchange.request.body).get("partnerReferenceNo") == original and original is not None
        if mine or (paid and each.exchange.response is not None and each.exchange.response.status == 200):
            found.append(each)
    return found


# --- side by side -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    what: str
    recorded: str
    now: str

    @property
    def same(self) -> bool:
        return self.recorded == self.now


def side_by_side(recorded: Exchange, now: Exchange) -> tuple[Row, ...]:
    """What decides first: status and responseCode; then the message, the members, the type."""
    old, new = _object(_body(recorded)), _object(_body(now))
    rows = [
        Row(what="status", recorded=_status(recorded), now=_status(now)),
        Row(what="responseCode", recorded=_shown(old, "responseCode"), now=_shown(new, "responseCode")),
        Row(what="responseMessage", recorded=_shown(old, "responseMessage"), now=_shown(new, "responseMessage")),
        Row(what="members", recorded=", ".join(sorted(old)) or "none", now=", ".join(sorted(new)) or "none"),
        Row(what="Content-Type", recorded=_type(recorded), now=_type(now)),
    ]
    return tuple(rows)


def alike(rows: Iterable[Row]) -> bool:
    """Whether the same came of it: status and responseCode."""
    return all(row.same for row in rows if row.what in ("status", "responseCode"))


def _body(exchange: Exchange) -> bytes:
    return exchange.response.body if exchange.response else b""


def _status(exchange: Exchange) -> str:
    return str(exchange.response.status) if exchange.response else f"no reply: {exchange.failure or 'not recorded'}"


def _type(exchange: Exchange) -> str:
    return (exchange.response.headers.get("Content-Type") or "none") if exchange.response else "none"


def _shown(members: Mapping[str, Any], name: str) -> str:
    return str(members[name]) if name in members else "none"
