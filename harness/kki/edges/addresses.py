"""Base URLs: what one must look like, and which hosts need care."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

# DOKU's production host is api.doku.com, its sandbox api-sandbox.doku.com. Any other host of theirs counts as
# production: better one refusal too many than one real payment.
_PRODUCTION = "doku.com"
_SANDBOXES = frozenset({"api-sandbox.doku.com", "sandbox.doku.com"})


def fault_of(base_url: str) -> str | None:
    """What is wrong with a base URL, as "expected …, but got …"; None for a good one. Never quotes a password."""
    parts = _split(base_url)
    if isinstance(parts, str):
        return parts
    if parts.username is not None or parts.password is not None:
        return "expected an address without user name and password, but got one with them"
    if parts.query or parts.fragment or "?" in base_url or "#" in base_url:
        return f"expected an address without query or fragment, but got {base_url!r}"
    if parts.path not in ("", "/"):
        # The path is part of what is signed, and the contract names each path in full.
        return f"expected scheme, host and port only, since the contract names the paths, but got {base_url!r}"
    return None


def _split(base_url: str) -> SplitResult | str:
    wanted = 'expected an address such as "https://sandbox.example"'
    if any(character.isspace() or not character.isprintable() for character in base_url):
        return f"{wanted}, but got one with blanks or control characters"
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        return f"{wanted}, but got one whose host or port cannot be read"
    if parts.scheme not in ("http", "https"):
        shown = base_url if "@" not in base_url else "another"
        return f"{wanted} with http:// or https:// in front, but got {shown!r}"
    if not parts.hostname or port == 0:
        return f"{wanted}, but got one without a usable host and port"
    return parts


def tidy(base_url: str) -> str:
    """A good base URL without the slash at its end."""
    return base_url.rstrip("/")


def is_loopback(base_url: str) -> bool:
    """Whether what is sent there stays on this machine."""
    host = _host(base_url)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_production(base_url: str) -> bool:
    """Whether real money may move there."""
    host = _host(base_url)
    return host not in _SANDBOXES and (host == _PRODUCTION or host.endswith("." + _PRODUCTION))


def _host(base_url: str) -> str:
    return (urlsplit(base_url).hostname or "").rstrip(".").lower()
