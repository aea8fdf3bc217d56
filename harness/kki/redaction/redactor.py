"""The search: known values wherever they stand, unknown ones by their place or form, and what goes in instead."""

from __future__ import annotations

import hashlib
import hmac
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.verdict import Finding, Holds, NotApplicable, Verdict
from kki.redaction import forms, names
from kki.redaction.layers import layers_of, lowered

SHORTEST = forms.SHORTEST
MOST_LEARNED = 50_000  # values; beyond, recognition by place and form goes on
MOST_SHOWN = 1000  # header lines, targets and origins whose redacted form is remembered
LONGEST_SHOWN = 4096  # characters
MOST_CARDS = 200  # card numbers that are looked for in groups too
PSEUDONYM = re.compile(r"‹[a-z-]+:[0-9a-f]{6}~?›")
_HALF_CARD = re.compile(r"[0-9]{6}‹card:[0-9a-f]{6}›[0-9]{4}")
# The digits of X-EXTERNAL-ID are the sender's own; one in ten long numbers passes the Luhn check by chance.
_OWN_NUMBERS = frozenset({"x-external-id"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Secret:
    kind: str
    value: str  # as the profile or the traffic first had it
    literal: str  # what to look for, in lower case: the value itself or one of its encodings


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    instead: str


class Redactor:
    """Hides secrets; `secrets` maps a kind to its values, `salt` is random and stays in memory.

    `origins` maps a value to the profile key it came from, so that a replay can put it back.
    Cost is linear in the text, whatever the number of known values.
    """

    def __init__(
        self,
        secrets: Mapping[str, Iterable[str]] | None = None,
        *,
        salt: bytes,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self._salt = salt
        self._known: dict[str, str] = {}  # value → kind
        self._grams: dict[str, list[tuple[int, _Secret]]] = {}  # six characters → (offset, what they are part of)
        self._cards: list[str] = []  # of the known values: card numbers
        self._shown: dict[tuple[str, str], str] = {}  # (header name or "", text) → as it is shown, until more is known
        self._origins = dict(origins or {})
        for kind, values in (secrets or {}).items():
            for value in values:
                self.learn(kind, value)

    def learn(self, kind: str, value: str) -> None:
        """From now on hide this value wherever it stands (if it has at least six characters)."""
        if value in self._known or len(value) < SHORTEST or len(self._known) >= MOST_LEARNED:
            return
        if PSEUDONYM.search(value):
            return
        self._known[value] = kind
        self._shown.clear()
        if forms.is_card(value) and len(self._cards) < MOST_CARDS:
            self._cards.append(value)
        lines = [line for line in value.split() if len(line) >= 16] if "-----BEGIN" in value else []
        whole = ["".join(line for line in lines if "-" not in line)] if lines else []
        literals = chain(*(forms.encodings(part) for part in (value, *lines, *whole)))
        for literal in dict.fromkeys(lowered(text) for text in literals):
            if len(literal) >= SHORTEST:
                self._index(_Secret(kind, value, literal))

    def _index(self, secret: _Secret) -> None:
        # All JWTs of a server begin alike: of several places take the one whose six characters are rarest so far.
        last = len(secret.literal) - SHORTEST
        offsets = {0, last, last // 2, last // 3, 2 * last // 3}
        at = min(sorted(offsets), key=lambda o: len(self._grams.get(secret.literal[o : o + SHORTEST], ())))
        self._grams.setdefault(secret.literal[at : at + SHORTEST], []).append((at, secret))

    def pseudonym(self, kind: str, value: str, *, exact: bool = True) -> str:
        """`‹kind:1a2b3c›`; of a card number in clear, the first six and last four digits stay."""
        kind = self._known.get(value, kind)
        if kind == "charge-token" and forms.is_card(value):
            kind = "card"
        digits = hmac.new(self._salt, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:6]
        hidden = f"‹{kind}:{digits}{'' if exact else '~'}›"
        return f"{value[:6]}{hidden}{value[-4:]}" if kind == "card" and exact and forms.is_card(value) else hidden

    def pseudonyms(self) -> dict[str, str]:
        """Pseudonym → profile key, for `run.json`: tells a replay what to fill in, and no value."""
        return {self.pseudonym("", value): key for value, key in self._origins.items() if value in self._known}

    # --- what there is to redact ---------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Prose: findings, titles, messages, tracebacks, file names."""
        return self._redacted(text, names.IN_PROSE)

    def body(self, body: bytes) -> bytes:
        """A message body: JSON stays JSON (a hidden number becomes a string), all other bytes stay in place."""
        text = body.decode("utf-8", "surrogateescape")
        return self._redacted(text, names.IN_EVIDENCE, json=True).encode("utf-8", "surrogateescape")

    def headers(self, headers: Headers) -> Headers:
        """Names and order stay."""
        return Headers(tuple((self._evidence(name), self._header(name, value)) for name, value in headers.pairs))

    def exchange(self, exchange: Exchange) -> Exchange:
        """Learns from the whole exchange first: a token that the reply brings may stand in the request's path."""
        self._learn_from(exchange)
        request, response = exchange.request, exchange.response
        return replace(
            exchange,
            request=Request(
                method=self._evidence(request.method),
                target=self._evidence(request.target),
                origin=self._evidence(request.origin),
                headers=self.headers(request.headers),
                body=self.body(request.body),
            ),
            response=response
            and Response(status=response.status, headers=self.headers(response.headers), body=self.body(response.body)),
            failure=exchange.failure and self.text(exchange.failure),
        )

    def record(self, record: Record) -> Record:
        return Record(
            exchange=self.exchange(record.exchange),
            made_by=self.text(record.made_by),
            mutations=tuple(self.text(name) for name in record.mutations),
        )

    def finding(self, finding: Finding) -> Finding:
        return self.anything(finding)

    def verdict(self, verdict: Verdict) -> Verdict:
        """Most verdicts hold, and quote nobody: those are not looked through."""
        return verdict if isinstance(verdict.judgement, Holds | NotApplicable) else self.anything(verdict)

    def anything(self, value: T) -> T:
        """Every text in a value of ours (a Run, a Verdict, nested tuples, mappings), by `text`; the rest stays."""
        return self._walked(value)  # type: ignore[no-any-return]

    def _walked(self, value: Any) -> Any:
        if isinstance(value, str) and type(value) is str:
            return self.text(value)
        if isinstance(value, bytes):
            return self.body(value)
        if isinstance(value, Record):
            return self.record(value)
        if isinstance(value, Exchange):
            return self.exchange(value)
        if isinstance(value, Mapping):
            return {self._walked(key): self._walked(item) for key, item in value.items()}
        if isinstance(value, (tuple, list, set, frozenset)):
            return type(value)(self._walked(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: self._walked(getattr(value, f.name)) for f in fields(value) if f.init})
        return value

    # --- places --------------------------------------------------------------------------------------------------

    def _evidence(self, text: str) -> str:
        return self._remembered("", text, lambda: self._redacted(text, names.IN_EVIDENCE))

    def _header(self, name: str, value: str) -> str:
        return self._remembered(name, value, lambda: self._header_shown(name, value))

    def _remembered(self, name: str, text: str, make: Callable[[], str]) -> str:
        """Most header lines and targets come again with each request."""
        shown = self._shown.get((name, text))
        if shown is None:
            shown = make()
            if len(self._shown) >= MOST_SHOWN:
                self._shown.clear()
            if len(text) <= LONGEST_SHOWN:
                self._shown[name, text] = shown
        return shown

    def _header_shown(self, name: str, value: str) -> str:
        shown = self._redacted(value, names.IN_EVIDENCE, luhn=name.lower() not in _OWN_NUMBERS)
        kind = names.kind_of(name)
        scheme, rest = ("", value.strip()) if kind == "cookie" else names.scheme(value)
        if kind is None or not rest or PSEUDONYM.fullmatch(names.scheme(shown)[1]):
            return shown
        return scheme + self._hidden(kind, rest)

    def _learn_from(self, exchange: Exchange) -> None:
        messages: list[Request | Response] = [exchange.request]
        if exchange.response is not None:
            messages.append(exchange.response)
        for message in messages:
            for name, value in message.headers.pairs:
                kind = names.kind_of(name)
                if kind and forms.worth_learning(kind, names.scheme(value)[1]):
                    self.learn(kind, names.scheme(value)[1])
            text = message.body.decode("utf-8", "surrogateescape")
            for leaf in names.leaves(text) if names.may_name(text) else ():
                if leaf.kind and forms.worth_learning(leaf.kind, leaf.meaning):
                    card = leaf.kind == "charge-token" and forms.is_card(leaf.meaning)
                    self.learn("card" if card else leaf.kind, leaf.meaning)

    # --- the search ----------------------------------------------------------------------------------------------

    def _redacted(self, text: str, named: re.Pattern[str], *, json: bool = False, luhn: bool = True) -> str:
        if not text:
            return text
        spans: list[_Span] = []
        layers = layers_of(text)
        for layer in layers:
            at = layer.text
            found = chain(self._known_in(at), self._forms_in(at, luhn), self._named_in(at, named))
            spans += (_Span(layer.origin(start), layer.origin(end), instead) for start, end, instead in found)
        if json and (spans or any(names.may_name(layer.text) for layer in layers)):
            spans = self._by_leaf(text, spans)
        return _applied(text, spans) if spans else text

    def _known_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        grams = self._grams
        if not grams:
            return
        lower = lowered(text)
        for at in [i for i in range(len(lower) - SHORTEST + 1) if lower[i : i + SHORTEST] in grams]:
            for offset, secret in grams[lower[at : at + SHORTEST]]:
                start = at - offset
                if start >= 0 and lower.startswith(secret.literal, start):
                    end = start + len(secret.literal)
                    exact = text[start:end] == secret.value
                    yield start, end, self.pseudonym(secret.kind, secret.value, exact=exact)

    def _forms_in(self, text: str, luhn: bool) -> Iterator[tuple[int, int, str]]:
        if "PRIVATE KEY" in text:
            yield from ((m.start(), m.end(), self.pseudonym("private-key", m[0])) for m in forms.PEM.finditer(text))
        if "eyJ" in text:
            yield from ((m.start(), m.end(), self.pseudonym("bearer", m[0])) for m in forms.JWT.finditer(text))
        yield from ((m.start(1), m.end(1), self.pseudonym("bearer", m[1])) for m in forms.BEARER.finditer(text))
        if "@" in text:
            for match in forms.USER_INFO.finditer(text):
                yield match.start(), match.end(), self.pseudonym("client-secret", match[0])
        for match in forms.LONG_RUN.finditer(text):
            if len(match[0]) in forms.MAC_LENGTHS:
                yield match.start(), match.end(), forms.shortened(match[0])
        for match in chain(forms.CPAN.finditer(text), forms.CARD.finditer(text) if luhn else ()):
            digits = re.sub("[ -]", "", match[0])
            if digits.startswith("9360") or forms.luhn(digits):
                yield match.start(), match.end(), self.pseudonym("card", digits)
        yield from self._grouped_in(text)

    def _grouped_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Known card numbers written in groups, whatever stands between them: dots, dashes, blanks of any kind."""
        for match in forms.GROUPED.finditer(text) if self._cards else ():
            digits = re.sub("[^0-9]", "", match[0])
            known = next((card for card in self._cards if card in digits), None)
            if known is not None and len(digits) < len(match[0]):
                yield match.start(), match.end(), self.pseudonym("card", known, exact=False)

    def _named_in(self, text: str, named: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
        if not names.may_name(text):
            return
        for match in named.finditer(text):
            group = match.lastgroup or "name"
            kind = names.kind_of(match["name"]) or "client-secret"
            if group != "name" and not _in_pseudonym(text, match.start("name")):
                skip = len(names.scheme(match[group])[0]) if kind == "bearer" else 0
                instead = self._hidden(kind, match[group][skip:])
                yield match.start(group) + skip, match.end(group), instead

    def _hidden(self, kind: str, value: str) -> str:
        hidden = PSEUDONYM.fullmatch(value) or _HALF_CARD.fullmatch(value)
        if not value.strip() or hidden or value.lower() in names.SCHEMES:
            return value
        return forms.shortened(value) if kind == "signature" else self.pseudonym(kind, value)

    def _by_leaf(self, text: str, spans: list[_Span]) -> list[_Span]:
        """Spans moved to the JSON they stand in: sensitive members go whole, a number that is touched is quoted."""
        if text.lstrip(" \t\r\n\ufeff")[:1] not in tuple('{["-0123456789'):
            return spans
        found = sorted(spans, key=lambda span: span.start)
        starts = [span.start for span in found]
        longest = max((span.end - span.start for span in found), default=0)
        moved: list[_Span] = []
        for leaf in names.leaves(text):
            instead = leaf.meaning
            if leaf.kind:
                instead = self._hidden(leaf.kind, leaf.meaning)
            elif leaf.number:
                near = found[bisect_right(starts, leaf.start - longest - 1) : bisect_right(starts, leaf.end - 1)]
                instead = next((span.instead for span in near if span.end > leaf.start), instead)
            if instead != leaf.meaning:
                moved.append(_Span(leaf.start, leaf.end, f'"{instead}"' if leaf.number else instead))
        return [*moved, *spans]


def _in_pseudonym(text: str, position: int) -> bool:
    """‹client-secret:…› reads like a named value itself."""
    match = PSEUDONYM.match(text, text.rfind("‹", max(0, position - 24), position + 1))
    return match is not None and match.end() > position


def _applied(text: str, spans: list[_Span]) -> str:
    """The text with its spans replaced; of spans that overlap, the union goes and the longest one's text stands."""
    united: list[tuple[int, int, _Span]] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if united and span.start < united[-1][1]:
            start, end, best = united[-1]
            longer = span if span.end - span.start > best.end - best.start else best
            united[-1] = (start, max(end, span.end), longer)
        else:
            united.append((span.start, span.end, span))
    parts: list[str] = []
    done = 0
    for start, end, best in united:
        parts += (text[done:start], best.instead)
        done = end
    return "".join((*parts, text[done:]))
