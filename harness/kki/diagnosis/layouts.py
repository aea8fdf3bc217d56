"""The wrong ways to join the parts of the string to sign: separator, order, a part missing or too many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations

from kki.diagnosis.choices import Choice, distinct, doubly, named, wrong

PARTS = ("method", "path", "access token", "body digest", "timestamp")
_RIGHT = "{0}:{1}:{2}:{3}:{4}"
_TOKEN_RIGHT = "{5}|{4}"
# Where the format strings find what: the five parts, then client id, external id, customer token, body, secret, and
# the Base64 digest of DOKU's older signature.
CLIENT, EXTERNAL, CUSTOMER, BODY, SECRET, OLD_DIGEST = "{5}", "{6}", "{7}", "{8}", "{9}", "{10}"

_SEPARATORS = {
    "|": "“|” instead of “:”", "": "nothing instead of “:”", ",": "“,” instead of “:”", ";": "“;” instead of “:”",
    "\n": "line ends instead of “:”", " ": "blanks instead of “:”", "&": "“&” instead of “:”",
    ".": "“.” instead of “:”", "-": "“-” instead of “:”", "::": "“::” instead of “:”",
    ": ": "“: ” instead of “:”", " : ": "“ : ” instead of “:”", "_": "“_” instead of “:”", "+": "“+” instead of “:”",
    "#": "“#” instead of “:”", "/": "“/” instead of “:”", "\\n": "a written-out “\\n” instead of “:”",
    "\r\n": "CR LF instead of “:”", "\t": "tabs instead of “:”", "~": "“~” instead of “:”",
}  # fmt: skip
_COMMON_SEPARATORS = ("|", "", ",", "\n", "&", ".")


@dataclass(frozen=True, slots=True)
class Layout:
    """A format string over the parts, and what is done to the whole ("lower", "upper" or nothing)."""

    template: str
    case: str = ""

    def text(self, parts: Sequence[str]) -> str:
        text = self.template.format(*parts)
        return text.lower() if self.case == "lower" else text.upper() if self.case == "upper" else text

    def around(self, place: int, parts: Sequence[str]) -> tuple[str, str]:
        """The text before and behind the part in this place, which has to stand there once, in its own case."""
        head, tail = self.template.split(f"{{{place}}}")
        return head.format(*parts), tail.format(*parts)


SYMMETRIC = Layout(_RIGHT)
TOKEN = Layout(_TOKEN_RIGHT)
WITHOUT_TOKEN = Layout("{0}:{1}:{3}:{4}")  # DOKU's asymmetric variant for transactions
WITH_EMPTY_TOKEN = Layout("{0}:{1}::{3}:{4}")


def _joined(indices: Sequence[int], separator: str = ":") -> str:
    return separator.join(f"{{{index}}}" for index in indices)


def layouts(parts: Sequence[str]) -> tuple[Choice[Layout], ...]:
    """For the symmetric signature. Layouts that agree on these parts are one."""
    return distinct(Choice(SYMMETRIC), _others(), lambda layout: layout.text(parts))


@cache  # the same for every request
def _others() -> tuple[Choice[Layout], ...]:
    return (*_separators(), *_missing(), *_added(), *_ends(_RIGHT), *_foreign(), *_orders())


def _separators() -> Iterator[Choice[Layout]]:
    for separator, said in _SEPARATORS.items():
        template = _joined(range(5), separator.replace("{", "{{"))
        yield wrong("separator", Layout(template), said, paired=separator in _COMMON_SEPARATORS)


@cache
def double_layouts() -> tuple[Choice[Layout], ...]:
    """Two of separator, order and missing part changed at once; thousands, but the same for every request."""
    return (*_both_separator_and(_orders()), *_both_separator_and(_missing()), *_both_order_and_missing())


def _both_separator_and(others: Iterable[Choice[Layout]]) -> Iterator[Choice[Layout]]:
    for other in others:
        for separator, said in _SEPARATORS.items():
            template = other.value.template.replace(":", separator.replace("{", "{{"))
            for deviation in other.deviations:
                yield doubly(Layout(template), named("separator", said), deviation)


def _both_order_and_missing() -> Iterator[Choice[Layout]]:
    for gone in range(5):
        kept = [index for index in range(5) if index != gone]
        for order in permutations(kept):
            said = ", ".join(PARTS[index] for index in order)
            yield doubly(Layout(_joined(order)), named("order", said), named("part-missing", PARTS[gone]))


def _orders() -> Iterator[Choice[Layout]]:
    for order in permutations(range(5)):
        moved = sum(place != index for place, index in enumerate(order))
        said = ", ".join(PARTS[index] for index in order)
        yield wrong("order", Layout(_joined(order)), said, paired=moved == 2)


def _missing() -> Iterator[Choice[Layout]]:
    for count, name in ((1, "part-missing"), (2, "parts-missing"), (3, "parts-missing")):
        for gone in combinations(range(5), count):
            kept = [index for index in range(5) if index not in gone]
            said = " and ".join(PARTS[index] for index in gone)
            yield wrong(name, Layout(_joined(kept)), said, paired=count == 1)


def _added() -> Iterator[Choice[Layout]]:
    extra = {
        CLIENT: "the client id", EXTERNAL: "X-EXTERNAL-ID", CUSTOMER: "the customer token",
        SECRET: "the client secret", BODY: "the body",
    }  # fmt: skip
    for part, said in extra.items():
        for place in range(6):
            pieces = [f"{{{index}}}" for index in range(5)]
            pieces.insert(place, part)
            yield wrong("part-added", Layout(":".join(pieces)), said, paired=False)


def _ends(right: str) -> Iterator[Choice[Layout]]:
    yield wrong("separator-at-end", Layout(right + ":"))
    yield wrong("separator-in-front", Layout(":" + right))
    for end in ("\n", "\r\n"):
        yield wrong("line-end-at-end", Layout(right + end))
    yield wrong("string-lower-case", Layout(right, "lower"))
    yield wrong("string-upper-case", Layout(right, "upper"))


def _foreign() -> Iterator[Choice[Layout]]:
    yield wrong("token-request-string", Layout(_TOKEN_RIGHT))
    yield wrong("token-request-string", Layout("{4}|{5}"), paired=False)
    older = f"Client-Id:{CLIENT}\nRequest-Id:{EXTERNAL}\nRequest-Timestamp:{{4}}\nRequest-Target:{{1}}"
    yield wrong("older-doku-string", Layout(f"{older}\nDigest:{OLD_DIGEST}"))
    yield wrong("older-doku-string", Layout(f"{older}\nDigest:{{3}}"), paired=False)
    yield wrong("older-doku-string", Layout(older), paired=False)


def token_layouts(parts: Sequence[str]) -> tuple[Choice[Layout], ...]:
    """For the signature of a token request."""
    others = [wrong("swapped", Layout("{4}|{5}")), *_token_separators(), *_token_extras(), *_ends(_TOKEN_RIGHT)]
    others.append(wrong("transaction-string", Layout(_RIGHT), "METHOD:path:token:digest:timestamp"))
    others.append(wrong("transaction-string", WITHOUT_TOKEN, "METHOD:path:digest:timestamp"))
    return distinct(Choice(TOKEN), others, lambda layout: layout.text(parts))


def _token_separators() -> Iterator[Choice[Layout]]:
    said = {":": "“:” instead of “|”", **{mark: text.replace("“:”", "“|”") for mark, text in _SEPARATORS.items()}}
    for separator in (*said, "||", " | ", "%7C"):
        if separator != "|":
            detail = said.get(separator, f"“{separator}” instead of “|”")
            for template in (f"{{5}}{separator}{{4}}", f"{{4}}{separator}{{5}}"):
                yield wrong("separator", Layout(template), detail, paired=template.startswith("{5}"))


def _token_extras() -> Iterator[Choice[Layout]]:
    yield wrong("part-missing", Layout("{5}"), "timestamp")
    yield wrong("part-missing", Layout("{4}"), "client id")
    yield wrong("part-missing", Layout("{5}|"), "timestamp", paired=False)
    yield wrong("part-missing", Layout("|{4}"), "client id", paired=False)
    extra = {EXTERNAL: "X-EXTERNAL-ID", SECRET: "the client secret", BODY: "the body", "{3}": "the body digest"}
    for part, said in extra.items():
        for template in (f"{{5}}|{{4}}|{part}", f"{{5}}|{part}|{{4}}", f"{part}|{{5}}|{{4}}"):
            yield wrong("part-added", Layout(template), said, paired=False)
