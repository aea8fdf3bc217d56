"""The only door to `http.client`: requests whose header lines must leave exactly as they are, duplicates included."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from kki.model.http import Headers, Request, Response

MAX_REPLY = 4 * 1024 * 1024


class FinalResponse(http.client.HTTPResponse):
    """A reply without what is told before it: 1xx, such as 103 Early Hints (RFC 8297)."""

    def _read_status(self) -> tuple[str, int, str]:  # http.client passes over 100 alone
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the stubs
            if not 102 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


def exchange(
    origin: str, request: Request, timeout_s: float, *, encoding: str = "utf-8"
) -> tuple[Response | None, str | None]:
    """(response, None) or (None, failure), failure as in `Exchange.failure`. One connection, closed afterwards.

    `encoding`: of the request's head; a relay has read it as ISO 8859-1.
    """
    parts = urlsplit(origin)
    try:
        connection = _connected(parts, timeout_s)
    except TimeoutError:
        return None, "timeout"
    except ssl.SSLError:
        return None, "TLS failed"
    except OSError:
        return None, "connection refused"
    with connection:
        return _exchanged(connection, _head(parts.netloc, request).encode(encoding, "surrogatepass"), request)


def _connected(parts: SplitResult, timeout_s: float) -> socket.socket:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    plain = socket.create_connection((parts.hostname or "", port), timeout=timeout_s)
    if parts.scheme != "https":
        return plain
    return ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)


def _exchanged(connection: socket.socket, head: bytes, request: Request) -> tuple[Response | None, str | None]:
    reply = FinalResponse(connection, method=request.method)
    try:
        connection.sendall(head + request.body)
        reply.begin()
        body = reply.read(MAX_REPLY)
        if reply.length and len(body) < MAX_REPLY:  # less than was announced
            return None, "connection closed"
        return Response(status=reply.status, headers=Headers.of(reply.getheaders()), body=body), None
    except TimeoutError:
        return None, "timeout"
    except (http.client.RemoteDisconnected, http.client.IncompleteRead, OSError):
        return None, "connection closed"
    except (http.client.HTTPException, ValueError):
        return None, "malformed reply"
    finally:
        reply.close()


def _head(host: str, request: Request) -> str:
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.pairs]
    if "Accept-Encoding" not in request.headers:
        lines.append("Accept-Encoding: identity")  # evidence is kept as it came
    lines += [f"Content-Length: {len(request.body)}", "Connection: close", "", ""]
    return "\r\n".join(lines)
