"""Every reply: its envelope, its code, its agreement with itself and with the operation."""

from __future__ import annotations

import re

from kki.model.contract import Operation
from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable
from kki.rules.knowledge import Knowledge
from kki.rules.registry import Scene, rule
from kki.rules.robustness import _outside
from kki.rules.view import ABSENT, LONG_HEADER, Standing
from kki.rules.words import kind, length, shown
from kki.snap.canonical import Malformed
from kki.snap.responsecode import ResponseCode

CODE, MESSAGE = "reply /responseCode", "reply /responseMessage"
# What a server may say below the API, without its envelope: gateway, oversized, and other places and methods.
_TRANSPORT = frozenset({413, 414, 415, 429, 431, 502, 503, 504})
_ELSEWHERE = frozenset({404, 405, 501})


def _broken(where: str, expected: str, actual: str) -> Broken:
    return Broken((Finding(where=where, expected=expected, actual=actual),))


def from_the_api(scene: Scene) -> bool:
    """Whether the reply has to be in the API's form: not what the transport says before the API is reached."""
    reply = scene.view.reply
    if reply.standing is Standing.NONE or _outside(scene):
        return False
    if reply.enveloped:
        return True
    if reply.status in _TRANSPORT or _guarded(scene):
        return False
    if not scene.view.in_api:
        return reply.status not in _ELSEWHERE and reply.status != 400
    request = scene.view.exchange.request
    return not (reply.status == 400 and any(len(value) >= LONG_HEADER for _, value in request.headers.pairs))


def _guarded(scene: Scene) -> bool:
    """What stands at the gate sends away without reading: 403, to another place, or with a challenge (RFC 9110)."""
    response = scene.view.exchange.response
    if response is None or scene.view.reply.members is not None:
        return False
    challenge = response.status == 401 and response.headers.get("WWW-Authenticate") is not None
    return challenge or response.status in (301, 302, 303, 307, 308, 403)


def code_of(scene: Scene) -> ResponseCode | None:
    code = scene.view.reply.code
    return code if isinstance(code, ResponseCode) else None


@rule("KKI-RSP-210")
def code_is_seven_digits(scene: Scene) -> Judgement | None:
    """responseCode is a string of exactly seven ASCII digits."""
    code = scene.view.reply.code
    if code is None or not from_the_api(scene):
        return None
    if isinstance(code, ResponseCode):
        return Holds()
    given = scene.view.reply.member("responseCode")
    return _broken(CODE, "a string of seven ASCII digits", shown(given) if isinstance(given, str) else kind(given))


@rule("KKI-RSP-220")
def code_repeats_http_status(scene: Scene) -> Judgement | None:
    """The first three digits of responseCode are the HTTP status of the reply."""
    code, reply = code_of(scene), scene.view.reply
    if code is None or not from_the_api(scene):
        return None
    if told_again(scene):
        return None
    if code.agrees_with(reply.status):
        return Holds()
    return _broken(CODE, f"{reply.status} in front, the HTTP status", shown(code.text))


def told_again(scene: Scene) -> bool:
    """DOKU, idempotency: the earlier body again, under HTTP 409; that may be another operation's, or a refusal's."""
    reply, used = scene.view.reply, scene.trail.used(scene.view)
    if reply.replayed or reply.status != 409 or reply.case is None or reply.case[0] == 409:
        return reply.replayed
    return used is not None and any(turn.case == reply.case for turn in used.turns)


def services(operation: Operation, knowledge: Knowledge) -> tuple[str, str | None]:
    """The service code in force, and the choice of a reading that put it in force."""
    if operation.service_reading is None:
        return operation.service, None
    choice = knowledge.choice(operation.service_reading)
    return operation.service_readings.get(choice, operation.service), f"{operation.service_reading}={choice}"


@rule("KKI-RSP-230")
def code_names_the_service(scene: Scene) -> Judgement | None:
    """The middle two digits of responseCode are the service code of the operation."""
    code, operation = code_of(scene), scene.view.operation
    if code is None or operation is None or not scene.view.right_method or told_again(scene):
        return None
    wanted, reading = services(operation, scene.knowledge)
    if code.service == wanted:
        return Holds(reading)
    actual = f"{code.service} in {code.text}"
    if code.service in scene.knowledge.contract.services:
        actual += f", which is {scene.knowledge.contract.services[code.service]}"
    return _broken(CODE, f"{wanted} in the middle, the service code of {operation.title}", actual)


@rule("KKI-RSP-240")
def case_stands_in_the_table(scene: Scene) -> Judgement | None:
    """The last two digits of responseCode stand in the case table for that HTTP status."""
    code = code_of(scene)
    if code is None or not from_the_api(scene):
        return None
    if (code.status, code.case) in scene.knowledge.contract.cases:
        return Holds()
    if code.status in _TRANSPORT and code.case == "00":
        return NotApplicable()  # HTTP's own statuses, which the table leaves out, written in its form
    known = sorted(case for status, case in scene.knowledge.contract.cases if status == code.status)
    listed = f"{known[0]} to {known[-1]}" if len(known) > 1 else known[0] if known else "no case at all"
    return _broken(CODE, f"a case of the table: for {code.status} it has {listed}", f"{code.case} in {code.text}")


def longest_message(knowledge: Knowledge) -> int:
    """In characters, where the contract states it: for payment and refund; every reply is held to the same."""
    facts = (fact for operation in knowledge.contract.operations.values() for fact in operation.reply)
    return max((fact.max_length or 0 for fact in facts if fact.name == "responseMessage"), default=0)


@rule("KKI-RSP-250")
def message_is_a_text(scene: Scene) -> Judgement | None:
    """Every reply carries responseMessage, a string of 1 to 150 characters."""
    if scene.view.reply.members is None or not from_the_api(scene):
        return None
    message, longest = scene.view.reply.message, longest_message(scene.knowledge)
    expected = f"a string of 1 to {longest} characters"
    if message is ABSENT:
        # Page: Optional on binding and unbinding.
        labelled = scene.knowledge.choice("response-code-required") == "as-labelled"
        if labelled and scene.view.name in ("bind", "unbind") and scene.view.reply.standing is Standing.ACCEPTED:
            return NotApplicable()
        return _broken(MESSAGE, expected, "missing")
    if not isinstance(message, str):
        return _broken(MESSAGE, expected, kind(message))
    return Holds() if 1 <= len(message) <= longest else _broken(MESSAGE, expected, length(message))


@rule("KKI-RSP-260")
def content_type_is_json(scene: Scene) -> Judgement | None:
    """Every reply of the API has the content type application/json."""
    response = scene.view.exchange.response
    if response is None or not from_the_api(scene):
        return None
    given = response.headers.get("Content-Type")
    if given is not None and given.split(";", 1)[0].strip().lower() == "application/json":
        return Holds()
    return _broken("reply header Content-Type", "application/json", "missing" if given is None else shown(given))


@rule("KKI-RSP-270")
def body_is_one_object(scene: Scene) -> Judgement | None:
    """The body of every reply is one JSON object in UTF-8, without repeated members."""
    body = scene.view.reply.body
    if body is None or not from_the_api(scene) or scene.view.exchange.request.method == "HEAD":
        return None
    expected = "one JSON object in UTF-8"
    if body.fault is not None:
        return _broken("reply body", expected, "empty" if not body.octets else f"no JSON: {body.fault.why}")
    if body.members is None:
        return _broken("reply body", expected, kind(body.value) if body.readable else "JSON too deep or long to read")
    if body.repeated:
        return _broken("reply body", f"{expected}, without repeated members", f"{body.repeated[0]} stands twice")
    return Holds()


@rule("KKI-RSP-280")
def refusal_has_the_envelope(scene: Scene) -> Judgement | None:
    """Every refusal carries the envelope: responseCode and responseMessage."""
    reply = scene.view.reply
    if reply.status < 400 or not from_the_api(scene):
        return None
    names = [name for name in ("responseCode", "responseMessage") if reply.member(name) is ABSENT]
    if not names:
        return Holds()
    return _broken(
        "reply body", "responseCode and responseMessage", f"HTTP {reply.status} without {' and '.join(names)}"
    )


@rule("KKI-RSP-290")
def message_agrees_with_the_case(scene: Scene) -> Judgement | None:
    """responseMessage agrees with the name of the case."""
    code, message = code_of(scene), scene.view.reply.message
    if code is None or not isinstance(message, str) or not from_the_api(scene) or told_again(scene):
        return None
    case = scene.knowledge.contract.cases.get((code.status, code.case))
    if case is None:
        return None
    # By the stems of the name's words: "Success" and "Successfully" agree with "Successful".
    stems = {word[:5].lower() for word in re.findall(r"[A-Za-z]{3,}", case.name)}
    if any(stem in message.lower() for stem in stems):
        return Holds()
    return _broken(MESSAGE, f"“{case.name}” for case {code.status}/{code.case}", shown(message))


@rule("KKI-RSP-300")
def acceptance_is_200_or_202(scene: Scene) -> Judgement | None:
    """An accepted request is answered with HTTP 200 or 202 and case 00."""
    reply = scene.view.reply
    if reply.standing is not Standing.ACCEPTED or not scene.view.in_api:
        return None
    code = reply.code
    if code is None and scene.knowledge.choice("response-code-required") == "as-labelled":
        return NotApplicable() if reply.status in (200, 202) else _broken("status", "200 or 202", str(reply.status))
    if reply.status in (200, 202) and isinstance(code, ResponseCode) and code.case == "00":
        return Holds()
    if code is None or isinstance(code, Malformed):
        return None if reply.status in (200, 202) else _broken("status", "200 or 202", str(reply.status))
    return _broken(CODE, "HTTP 200 or 202 and case 00", reply.said())
