"""Requests that are hardly requests: unreadable, huge, deep, elsewhere. And that the server stands, whatever comes."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable, Unknown
from kki.rules.faults import ANY_REFUSAL, NOBODY, Detection, Fault, Force, cases, detector
from kki.rules.registry import EVERY, Scene, rule
from kki.rules.view import BIG, DEEP, LONG_HEADER, Standing, View
from kki.rules.words import kind, length

UNREADABLE = cases("400/00", "400/01", "400/02", "401/00")
# What DOKU documents for other products and channels: not ours to call unknown.
_ELSEWHERE = ("/orders/", "/otp-verification", "/balance-inquiry", "/status", "/virtual-accounts", "/notify")


@detector(
    client="KKI-FLD-060", server=("KKI-ROB-210", "KKI-ROB-250"), reason="KKI-RSN-160", fitting=UNREADABLE,
    operations=EVERY,
)  # fmt: skip
def body_is_json(scene: Scene) -> Detection:
    """The body of a request is valid JSON in UTF-8."""
    body = scene.view.body
    if body.fault is None:
        return ()
    if not body.octets:
        fitting = UNREADABLE | cases("400/02")
        return (Fault(where="body", expected="JSON", actual="empty", server="KKI-ROB-210", fitting=fitting),)
    if body.fault.step != "utf-8":
        actual = f"no JSON (from octet {body.fault.offset} on)"
        fault = Fault(where="body", expected="JSON", actual=actual, diagnosis=body.fault.why, server="KKI-ROB-210")
        lenient = scene.knowledge.choice("json-dialect") == "lenient" and _nearly_json(body.octets)
        return (replace(fault, force=Force.EITHER) if lenient else fault,)
    # RFC 8259 lets a parser skip a byte order mark, so that accepting one is right as well.
    force = Force.MAY_REFUSE if body.octets.startswith(b"\xef\xbb\xbf") else Force.MUST_REFUSE
    if force is Force.MUST_REFUSE and scene.knowledge.choice("json-dialect") == "lenient":
        force = Force.EITHER
    why = body.fault.why
    return (
        Fault(where="body", expected="UTF-8", actual="other octets", diagnosis=why, server="KKI-ROB-250", force=force),
    )


@detector(
    client="KKI-FLD-020", server="KKI-FLD-120", reason="KKI-RSN-160", fitting=UNREADABLE | cases("400/02"),
    operations=EVERY,
)  # fmt: skip
def body_is_an_object(scene: Scene) -> Detection:
    """The body of a request is one JSON object."""
    body = scene.view.body
    if body.fault is not None or not body.thin:
        return None
    if body.thin.startswith(b"{"):
        return ()
    actual = kind(body.value) if body.readable else "an array"
    return (Fault(where="body", expected="one JSON object", actual=actual),)


@detector(client="KKI-FLD-050", server="KKI-ROB-220", fitting=UNREADABLE, operations=EVERY)
def members_stand_once(scene: Scene) -> Detection:
    """No member stands twice in one object of the body."""
    body = scene.view.body
    if not body.readable:
        return None
    if not body.repeated:
        return ()
    # RFC 8259 section 4 leaves open which one counts, so that refusing and accepting are both right.
    actual = f"written with {', '.join(body.repeated[:3])} twice"
    return (Fault(where="body", expected="written with each member once", actual=actual, force=Force.EITHER),)


@detector(fitting=UNREADABLE, operations=EVERY)
def text_is_unicode(scene: Scene) -> Detection:
    """No text of the body has half of a surrogate pair: a parser may make anything of it (RFC 8259, 8.2)."""
    body = scene.view.body
    if not body.readable or body.depth >= DEEP:
        return None
    if rb"\u0000" in (body.thin or b""):  # no text of common databases, and the end of a text in C
        return (Fault(where="body", expected="text", actual="written with U+0000", force=Force.MAY_REFUSE),)
    if not _HALF.search(body.thin or b""):
        return None
    try:
        json.dumps(body.value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return (
            Fault(where="body", expected="text in Unicode", actual="half of a surrogate pair", force=Force.MAY_REFUSE),
        )
    return ()


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


# Strings of either quotes, comments, brackets; what comes to no end goes on to the last octet.
_LOOSELY = re.compile(
    rb'"(?:[^"\\]|\\.)*+"?|\'(?:[^\'\\]|\\.)*+\'?|//[^\n]*+|/\*.*?(?:\*/|\Z)|[{}\[\]]', re.DOTALL
)


def _nearly_json(octets: bytes) -> bool:
    """Whether an object begins it and comes to its end. What common parsers read all the same looks like this: a comma
    too many, comments, other quotes, NaN, text behind the object."""
    if not octets.lstrip().startswith(b"{"):
        return False
    depth = 0
    for match in _LOOSELY.finditer(octets):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(match[0], 0)
        if depth == 0 and match[0] in b"}]":
            return True
    return False


def _orderly(where: str, actual: str) -> Detection:
    fault = Fault(where=where, expected="of an ordinary size", actual=actual, force=Force.EITHER, client=NOBODY)
    return (fault,)


@detector(server="KKI-ROB-230", fitting=ANY_REFUSAL, operations=EVERY)
def body_is_flat(scene: Scene) -> Detection:
    """A deeply nested body is answered in an orderly way."""
    depth = scene.view.body.depth
    return _orderly("body", f"nested {depth} levels deep") if depth >= DEEP else ()


@detector(server="KKI-ROB-240", fitting=ANY_REFUSAL, operations=EVERY)
def body_is_small(scene: Scene) -> Detection:
    """A body of 1 MiB is answered in an orderly way."""
    size = len(scene.view.body.octets)
    return _orderly("body", f"{size} octets long") if size >= BIG else ()


@detector(server="KKI-ROB-260", fitting=ANY_REFUSAL, operations=EVERY)
def numbers_are_small(scene: Scene) -> Detection:
    """A body with very large numbers is answered in an orderly way."""
    body = scene.view.body
    unheld = body.fault is None and body.thin is not None and not body.readable and body.depth < DEEP
    return _orderly("body", "written with a very large number") if body.long_number or unheld else ()


@detector(server="KKI-ROB-270", fitting=ANY_REFUSAL, operations=EVERY)
def headers_are_short(scene: Scene) -> Detection:
    """A very long header is answered in an orderly way."""
    pairs = scene.view.exchange.request.headers.pairs
    long = [(name, value) for name, value in pairs if len(value) >= LONG_HEADER]
    return tuple(
        Fault(
            where=f"header {name}", expected="of an ordinary size", actual=length(value), force=Force.EITHER,
            client=NOBODY,
        )
        for name, value in long
    )  # fmt: skip


@detector(server="KKI-ROB-280", fitting=ANY_REFUSAL)
def method_is_documented(scene: Scene) -> Detection:
    """Another method than the documented one is refused."""
    view = scene.view
    if view.operation is None:
        return None
    method = view.exchange.request.method
    if view.right_method:
        return ()
    # OPTIONS and HEAD are the transport's own business.
    force = Force.MAY_REFUSE if method in ("OPTIONS", "HEAD") else Force.MUST_REFUSE
    actual = method[:20]
    return (Fault(where="method", expected=view.operation.method, actual=actual, client=NOBODY, force=force),)


@detector(server="KKI-ROB-290", fitting=ANY_REFUSAL)
def path_is_documented(scene: Scene) -> Detection:
    """An unknown path is refused."""
    view = scene.view
    if view.operation is not None:
        return ()
    if not scene.knowledge.staged or is_page(scene) or any(part in view.exchange.request.path for part in _ELSEWHERE):
        return None
    actual = view.exchange.request.path[:80]
    return (Fault(where="path", expected="one of the documented paths", actual=actual, client=NOBODY),)


def is_page(scene: Scene) -> bool:
    """Whether this is a page for the customer, to which a redirectUrl led: no request to the API."""
    path = scene.view.exchange.request.path
    if path in scene.trail.redirects:
        return True
    folders = {known.rsplit("/", 1)[0] for known in scene.trail.redirects} if scene.trail.redirects else set()
    return any(folder and path.startswith(folder + "/") for folder in folders)


@rule("KKI-ROB-310")
def no_server_error(scene: Scene) -> Judgement | None:
    """No request is answered with a server error."""
    reply = scene.view.reply
    if reply.standing is Standing.NONE or _outside(scene):
        return None
    said = reply.case[0] if reply.case else 0
    if reply.status == 501 and not scene.view.in_api:
        return NotApplicable()  # RFC 9110 section 15.6.2: a method nobody knows
    if _others_fault(scene):
        return None
    if 500 <= reply.status < 600 or 500 <= said < 600:
        return Broken((Finding(where="status", expected="2xx, or 4xx with the reason", actual=reply.said()),))
    return Holds()


def _others_fault(scene: Scene) -> bool:
    """What the case table has for trouble behind the server, or a pause that it takes; of sound requests alone."""
    reply = scene.view.reply
    if scene.found.faults or scene.trail.disturbed_by is not None:
        return False
    return reply.status == 503 or reply.case in ((504, "00"), (500, "02"))


_FAILURES = {
    "timeout": "no reply within the time limit",
    "connection closed": "the connection was closed without a reply",
    "malformed reply": "something that is no HTTP",
}
_UNDECIDED = {
    None: "a reply, or why none came",
    # RFC 9112 section 9.5: either side may close an idle connection at any time
    "kept connection closed": "a reply over a connection that the server did not close between two requests",
}


@rule("KKI-ROB-320")
def every_request_is_answered(scene: Scene) -> Judgement | None:
    """Every request is answered: no hang, no dropped connection."""
    exchange = scene.view.exchange
    if _outside(scene):
        return None
    if exchange.response is not None:
        return Holds()
    if exchange.failure not in _FAILURES:
        return Unknown(_UNDECIDED.get(exchange.failure, "a server to connect to"))
    return Broken((Finding(where="reply", expected="an answer", actual=_FAILURES[exchange.failure]),))


def _outside(scene: Scene) -> bool:
    """A request that is not for this API at all, in a recording that holds other things as well."""
    return scene.view.operation is None and (not scene.knowledge.staged or is_page(scene))


def unreadable(view: View) -> bool:
    """Whether this was a request that puts a parser to the test."""
    body = view.body
    return (body.fault is not None and bool(body.octets)) or body.depth >= DEEP or len(body.octets) >= BIG
