"""Base URLs: what one must look like, and which hosts need care."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

# DOKU's production host is api.doku.com, its sandbox api-sandbox.doku.com. Any other host of theirs counts as
# production: better one refusal too many than one real payment.
_PRODUCTION = "doku.com"
# What looks like a host is quoted; anything else in this place may be a secret.
_HOST = re.compile(r"(?:[a-z]{2,5}://)?(?:[a-z]{1,12}|[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40})+)(?::[0-9]{1,5})?/?")
_SANDBOXES = frozenset({"api-sandbox.doku.com", "sandbox.doku.com"})


def fault_of(base_url: str) -> str | None:
    """What is wrong with a base URL, as "expected …, but got …"; None for a good one. Never quotes a password."""
    parts = _split(base_url)
    if isinstance(parts, str):
        return parts
    if parts.username is not None or parts.password is not None:
        return "expected an address without user name and password, but got one with them"
    if parts.query or parts.fragment or "?" in base_url or "#" in base_url:
        return "expected an address without query or fragment, but got one with them"
    if parts.path not in ("", "/"):
        # The path is part of what is signed, and the contract names each path in full.
        return "expected scheme, host and port only, since the contract names the paths, but got one with a path"
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
        shown = repr(base_url) if _HOST.fullmatch(base_url) else f"a text of {len(base_url)} characters"
        return f"{wanted} with http:// or https:// in front, but got {shown}"
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
