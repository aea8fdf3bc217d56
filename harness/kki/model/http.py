"""HTTP messages as they stood on the wire: order, case and duplicates of headers are evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Headers:
    """Header lines in wire order. Names compare without case; values are the text after the colon."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, source: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
        items = source.items() if isinstance(source, Mapping) else source
        return cls(tuple((name, value) for name, value in items))

    def get(self, name: str) -> str | None:
        """The first value under this name, or None."""
        wanted = name.lower()
        return next((value for key, value in self.pairs if key.lower() == wanted), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value under this name, in wire order."""
        wanted = name.lower()
        return tuple(value for key, value in self.pairs if key.lower() == wanted)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def without(self, name: str) -> Headers:
        wanted = name.lower()
        return Headers(tuple(pair for pair in self.pairs if pair[0].lower() != wanted))

    def having(self, name: str, value: str) -> Headers:
        """With exactly one line of this name; in the old place where there was one."""
        wanted = name.lower()
        if name not in self:
            return Headers((*self.pairs, (name, value)))
        pairs: list[tuple[str, str]] = []
        done = False
        for key, old in self.pairs:
            if key.lower() != wanted:
                pairs.append((key, old))
            elif not done:
                pairs.append((key, value))
                done = True
        return Headers(tuple(pairs))

    def adding(self, name: str, value: str) -> Headers:
        """With one more line, even where the name stands already."""
        return Headers((*self.pairs, (name, value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: `target` is the raw request-target (path and query as sent), `origin` scheme and host."""

    method: str
    target: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    origin: str = ""

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    def with_header(self, name: str, value: str) -> Request:
        return replace(self, headers=self.headers.having(name, value))

    def without_header(self, name: str) -> Request:
        return replace(self, headers=self.headers.without(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
