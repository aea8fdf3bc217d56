"""A small HTTP/1.1 listener over plain sockets: a thread a connection, kept alive."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HEAD_MOST = 4 * 1024 * 1024  # octets
Reply = tuple[int, bytes, dict[str, str]]  # status, body in JSON, further headers
Answer = Callable[[str, str, list[tuple[str, str]], bytes], Reply]  # of method, target, headers, body


class Talk(socketserver.StreamRequestHandler):
    """HTTP/1.1, kept alive; whatever cannot be read as a request is answered in the envelope too."""

    disable_nagle_algorithm = True
    timeout = 20

    def handle(self) -> None:
        with suppress(OSError):
            while self.one():
                pass

    def one(self) -> bool:
        lines: list[str] = []
        size = 0
        while (line := self.rfile.readline(HEAD_MOST)).strip(b"\r\n"):
            size += len(line)
            lines.append(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
        if not line or not lines or size > HEAD_MOST:
            return False
        headers = [(name, text.strip(" \t")) for name, _, text in (each.partition(":") for each in lines[1:])]
        method, target, *_ = [*lines[0].split(" "), "", ""]
        named = {name.lower(): text for name, text in headers}
        body = self.body(named)
        status, content, extra = self.server.reply(method, target, headers, body)  # type: ignore[attr-defined]
        going_on = named.get("connection", "").lower() != "close" and self.readable
        head = {
            "Content-Type": "application/json", "Content-Length": str(len(content)), **extra,
            "Connection": "keep-alive" if going_on else "close",
        }  # fmt: skip
        text = f"HTTP/1.1 {status} .\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\n"
        self.wfile.write(text.encode() + (b"" if method == "HEAD" else content))
        return going_on

    def body(self, named: dict[str, str]) -> bytes:
        length = named.get("content-length", "0")
        self.readable = "transfer-encoding" not in named and re.fullmatch("[0-9]{1,7}", length) is not None
        return self.rfile.read(int(length)) if self.readable else b""


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address at which requests are answered so, as long as this lasts."""
    with Server(("127.0.0.1", 0), Talk) as server:
        server.reply = answer  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
