"""Not up to what is hardly a request: falls over, hangs, gives up, or takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kki.model.http import Headers, Response
from kki.simulator.call import Call, depth, read_json
from kki.simulator.outcomes import Drop, Hang, Result
from kki.simulator.persona import Change, Persona, When, accepting, area, refusing, without
from kki.simulator.server import encoded
from kki.simulator.world import put
from kki.snap.canonical import Malformed, minified

row = area("robustness")

DEEP = 64  # levels of nesting at which these personas give up
BIG = 512 * 1024  # octets of body
LONG = 4096  # characters of one header
_TRAILING_COMMA = re.compile(rb",(\s*[}\]])")
_LARGE = re.compile(rb"[0-9]{40,}|[0-9][eE]\+?[0-9]{3,}")


def failure(call: Call) -> Response:
    """A server error in the envelope, as orderly as it can be."""
    return _reply(500, {"responseCode": f"500{call.service}00", "responseMessage": "General Error"})


def _reply(status: int, body: dict[str, Any]) -> Response:
    return Response(status=status, headers=Headers.of([("Content-Type", "application/json")]), body=encoded(body))


def gateway(_call: Call) -> Response:
    """What stands in front of a server that gave no answer says in its place."""
    page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    return Response(status=500, headers=Headers.of([("Content-Type", "text/html")]), body=page)


def guarding(when: When, answer: Callable[[Call], Result]) -> Change:
    """These requests answered before anything is checked."""
    return lambda behaviour: behaviour.guarding(lambda call: answer(call) if when(call) else None)


def hang(_call: Call) -> Hang:
    return Hang()


def drop(_call: Call) -> Drop:
    return Drop()


def cut(_call: Call) -> Drop:
    return Drop(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{"responseCode":"2')


# --- requests ---------------------------------------------------------------------------------------------


def garbage(call: Call) -> bool:
    """A body in UTF-8 that is no JSON."""
    return call.operation is not None and isinstance(minified(call.request.body), Malformed) and not other_octets(call)


def other_octets(call: Call) -> bool:
    try:
        call.request.body.decode()
    except UnicodeDecodeError:
        return True
    return False


def deep(call: Call) -> bool:
    return len(call.request.body) < BIG and depth(call.request.body) > DEEP


def big(call: Call) -> bool:
    return len(call.request.body) > BIG


def large_number(call: Call) -> bool:
    thin = minified(call.request.body)
    return isinstance(thin, bytes) and _LARGE.search(re.sub(rb'"(?:[^"\\]|\\.)*"', b"", thin)) is not None


def long_header(call: Call) -> bool:
    return any(len(value) > LONG for _, value in call.request.headers.pairs)


def repeated_member(call: Call) -> bool:
    """Read with its members kept twice, which `read_json` refuses to do."""
    found: list[bool] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found.append(len(dict(members)) != len(members))
        return dict(members)

    if len(call.request.body) > BIG or depth(call.request.body) > DEEP:
        return False
    try:
        json.loads(call.request.body, object_pairs_hook=pairs)
    except ValueError:
        return False
    return any(found)


def astral(call: Call) -> bool:
    return any(isinstance(value, str) and any(ord(one) > 0xFFFF for one in value) for value in call.members.values())


def lone_surrogate(call: Call) -> bool:
    return re.search(rb"\\u[dD][89a-fA-F]", call.request.body) is not None and isinstance(call.body, Malformed)


def null_inside(call: Call) -> bool:
    return any(value is None for value in call.members.values())


def unexpected_type(call: Call) -> bool:
    return any(isinstance(call.members.get(fact.name), list | dict) for fact in call.fields if fact.type == "string")


def other_method(call: Call) -> bool:
    return call.operation is not None and call.request.method != call.operation.method


def unknown_path(call: Call) -> bool:
    return call.operation is None


def _no_length(call: Call) -> bool:
    return call.operation is not None and not call.request.body


# --- readers --------------------------------------------------------------------------------------------------


def reading(read: Callable[[bytes], Any], *, of_json: bool = False) -> Change:
    """Another reader of bodies where the strict one finds nothing to read: of what is no JSON, or of what is."""

    def lenient(body: bytes) -> Any:
        strict = read_json(body)
        if not isinstance(strict, Malformed) or len(body) > BIG or depth(body) > DEEP:
            return strict
        if isinstance(minified(body), Malformed) is of_json:
            return strict
        try:
            return read(body)
        except ValueError:
            return strict

    return lambda behaviour: replace(behaviour, read=lenient)


def _as_form(body: bytes) -> Any:
    pairs = [part.split("=", 1) for part in body.decode().split("&") if "=" in part]
    if not pairs or body.lstrip()[:1] in (b"{", b"["):
        raise ValueError("Expected a form.")
    return dict(pairs)


# --- afterwards -----------------------------------------------------------------------------------------------


def _after(when: When, answer: Callable[[Call], Result]) -> Change:
    """The request after one of these gets this answer, whatever it is."""

    def guard(call: Call) -> Result | None:
        marks = call.world.marks
        spoiled = marks.pop("spoiled", 0)
        if when(call):
            put(marks, "spoiled", 1)
            return None
        return answer(call) if spoiled else None

    return lambda behaviour: behaviour.guarding(guard)


def greeting(call: Call) -> Response:
    """As successful, without a look."""
    return _reply(200, {"responseCode": f"200{call.service}00", "responseMessage": "Successful"})


def _not_now(call: Call) -> Response:
    return _reply(403, {"responseCode": f"403{call.service}06", "responseMessage": "Feature Not Allowed At This Time"})


ALL: tuple[Persona, ...] = (
    # taken
    row("accepts-garbage", "Answers a body that is no JSON as successful.", "ROB-210",
        accepting("unreadable", garbage)),
    row("accepts-trailing-comma", "Reads JSON with a comma too many.", "ROB-210",
        reading(lambda body: json.loads(_TRAILING_COMMA.sub(rb"\1", body)))),
    row("accepts-forms", "Reads a body that is written as a form.", "ROB-210", reading(_as_form)),
    row("accepts-other-octets", "Reads a body in ISO 8859-1.", "ROB-250",
        reading(lambda body: json.loads(body.decode("latin-1")))),
    row("accepts-replaced-octets", "Puts a mark in the place of each octet that is no UTF-8.", "ROB-250",
        reading(lambda body: json.loads(body.decode("utf-8", "replace")))),
    row("accepts-any-method", "Does not look at the method.", "ROB-280", without("method")),
    row("answers-get", "Answers GET as successful, without looking further.", "ROB-280",
        guarding(lambda call: call.operation is not None and call.request.method == "GET", greeting)),
    row("accepts-any-path", "Answers any path as successful.", "ROB-290", guarding(unknown_path, greeting)),
    # server errors
    row("fails-on-garbage", "Answers a body that is no JSON with a server error.", "ROB-310 ROB-210",
        refusing("unreadable", 500, "00")),
    row("fails-on-lists", "Answers a body that is a list or a number with a server error.", "ROB-310",
        refusing("not-an-object", 500, "00")),
    row("fails-on-other-octets", "Answers a body that is no UTF-8 with a server error.", "ROB-310 ROB-250",
        guarding(other_octets, failure)),
    row("fails-on-repeated-members", "Answers a body with a member twice with a server error.", "ROB-220 ROB-310",
        guarding(repeated_member, failure)),
    row("fails-on-deep-nesting", "Answers a deeply nested body with a server error.", "ROB-230 ROB-310",
        guarding(deep, failure)),
    row("fails-on-big-body", "Answers a body of 1 MiB with a server error.", "ROB-240 ROB-310", guarding(big, failure)),
    row("fails-on-large-numbers", "Answers a very large number with a server error.", "ROB-260 ROB-310",
        guarding(large_number, failure)),
    row("fails-on-long-header", "Answers a very long header with a server error.", "ROB-270 ROB-310",
        guarding(long_header, failure)),
    row("fails-on-other-methods", "Answers another method with a server error.", "ROB-310 ROB-280",
        guarding(other_method, failure)),
    row("fails-on-unknown-paths", "Answers an unknown path with a server error.", "ROB-310 ROB-290",
        guarding(unknown_path, failure)),
    row("fails-on-astral-text", "Answers characters beyond the first plane with a server error.", "ROB-310",
        guarding(astral, failure)),
    row("fails-on-lone-surrogate", "Answers half a surrogate pair with a server error.", "ROB-310",
        guarding(lone_surrogate, failure)),
    row("fails-on-null", "Answers a member that is null with a server error.", "ROB-310",
        guarding(null_inside, failure)),
    row("fails-on-unexpected-type", "Answers a list or an object in a string's place with a server error.", "ROB-310",
        guarding(unexpected_type, failure)),
    row("fails-on-missing-member", "Answers a body that lacks a member with a server error.", "ROB-310",
        refusing("missing-member", 500, "01")),
    row("fails-on-malformed-time", "Answers an X-TIMESTAMP that it cannot read with a server error.", "ROB-310",
        refusing("timestamp-form", 500, "00")),
    row("fails-in-html", "Answers a body that is no JSON with its gateway's page.", "ROB-310",
        guarding(garbage, gateway)),
    # no answer
    row("hangs-on-garbage", "Never answers a body that is no JSON.", "ROB-320", guarding(garbage, hang)),
    row("drops-on-deep-nesting", "Closes the connection on a deeply nested body.", "ROB-320", guarding(deep, drop)),
    row("drops-on-big-body", "Closes the connection on a body of 1 MiB.", "ROB-320", guarding(big, drop)),
    row("drops-on-long-header", "Closes the connection on a very long header.", "ROB-320", guarding(long_header, drop)),
    row("drops-on-other-octets", "Closes the connection on a body that is no UTF-8.", "ROB-320",
        guarding(other_octets, drop)),
    row("drops-on-empty-body", "Closes the connection on a body without any octet.", "ROB-320",
        guarding(_no_length, drop)),
    row("cuts-replies-to-repeated-members", "Cuts its reply short on a body with a member twice.", "ROB-320",
        guarding(repeated_member, cut)),
    # afterwards
    row("fails-after-garbage", "Answers the request after a malformed one with a server error.", "ROB-330 ROB-310",
        _after(garbage, failure)),
    row("drops-after-garbage", "Closes the connection on the request after a malformed one.", "ROB-330 ROB-320",
        _after(garbage, drop)),
    row("refuses-after-deep-nesting", "Is not available for the request after a deeply nested one.", "ROB-330",
        _after(deep, _not_now)),
)  # fmt: skip
