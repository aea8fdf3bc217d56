"""Wrong about the reply as such: response code, message, content type, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kki.model.http import Response
from kki.simulator.call import Call
from kki.simulator.outcomes import Answer
from kki.simulator.persona import Change, Persona, area, dressing
from kki.simulator.server import encoded

row = area("envelope")

_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")  # digits, though not ASCII's
_NAMES = {"payment": "a payment", "bind": "a binding", "unbind": "an unbinding", "refund": "a refund"}
_PREFIX = {"payment": "PAY", "bind": "BND", "unbind": "UNB", "refund": "RFD"}

Amend = Callable[[dict[str, Any]], Any]
When = Callable[[Call, Answer], bool]


def _always(_call: Call, _reply: Answer) -> bool:
    return True


def _refusals(_call: Call, reply: Answer) -> bool:
    return not reply.accepted


def _accepted(operation: str) -> When:
    return lambda call, reply: reply.accepted and call.name == operation


def body(amend: Amend, when: When = _always) -> Change:
    """The JSON of these replies given another form."""

    def written(call: Call, reply: Answer, response: Response) -> Response:
        if not when(call, reply):
            return response
        return replace(response, body=encoded(amend(json.loads(response.body))))

    return lambda behaviour: behaviour.writing(written)


def octets(change: Callable[[bytes], bytes], when: When = _always, content_type: str | None = "as it was") -> Change:
    """The octets of these replies changed, and their content type (None: left out)."""

    def written(call: Call, reply: Answer, response: Response) -> Response:
        if not when(call, reply):
            return response
        headers = response.headers
        if content_type is None:
            headers = headers.without("Content-Type")
        elif content_type != "as it was":
            headers = headers.having("Content-Type", content_type)
        return replace(response, headers=headers, body=change(response.body))

    return lambda behaviour: behaviour.writing(written)


def member(name: str, value: Callable[[Any], Any], when: When = _always) -> Change:
    return body(lambda members: {**members, name: value(members[name])}, when)


def without_member(name: str, when: When) -> Change:
    return body(lambda members: {key: value for key, value in members.items() if key != name}, when)


def answer(when: When = _always, **parts: Any) -> Change:
    """Parts of the Answer replaced: `http_status`, `status`, `service`, `case`, `message`."""
    return dressing(lambda call, reply: replace(reply, **parts) if when(call, reply) else reply)


def _same(content: bytes) -> bytes:
    return content


def _latin(content: bytes) -> bytes:
    return content.replace(b'"responseMessage":"', '"responseMessage":"Café '.encode("latin-1"))


def _twice(content: bytes) -> bytes:
    return content[:-1] + b',"responseMessage":"Successful"}'


def _page(_content: bytes) -> bytes:
    return b"<!DOCTYPE html><html><body><h1>Request refused</h1></body></html>"


def _table() -> Iterable[Persona]:
    """What each operation's reply has to carry."""
    for operation, noun in _NAMES.items():
        prefix, when, slug = _PREFIX[operation], _accepted(operation), noun.replace(" ", "-")
        standing = "stated" if operation in ("payment", "refund") else "conflicted"
        yield row(f"forgets-code-of-{slug}", f"Leaves responseCode out of the reply to {noun}.",
                  f"{prefix}-210", without_member("responseCode", when), standing)  # fmt: skip
        yield row(f"forgets-message-of-{slug}", f"Leaves responseMessage out of the reply to {noun}.",
                  f"{prefix}-212 RSP-250", without_member("responseMessage", when),
                  "stated" if standing == "stated" else "implied")  # fmt: skip


_SERVICES = {"payment": ("55", "of a status question"), "bind": ("07", "of account binding"),
             "unbind": ("09", "of account unbinding")}  # fmt: skip


def _services() -> Iterable[Persona]:
    for operation, (service, whose) in _SERVICES.items():
        noun = _NAMES[operation]
        change = answer(lambda call, _, name=operation: call.name == name, service=service)  # type: ignore[misc]  # a default argument binds the loop's value
        name = f"writes-another-service-on-{noun.replace(' ', '-')}"
        yield row(name, f"Answers {noun} with the service code {service}, {whose}.",
                  "RSP-230", change, "conflicted")  # fmt: skip


ALL: tuple[Persona, ...] = (
    # responseCode
    row("writes-code-as-number", "Writes responseCode as a number.", "RSP-210", member("responseCode", int), "stated"),
    row("writes-eight-digits", "Writes responseCode with eight digits, as an old national sample has it.", "RSP-210",
        member("responseCode", lambda code: code + "0"), "stated"),
    row("writes-six-digits", "Writes responseCode with six digits: the service without its first.", "RSP-210",
        member("responseCode", lambda code: code[:3] + code[4:]), "stated"),
    row("writes-code-with-dots", "Writes dots between the parts of responseCode.", "RSP-210",
        member("responseCode", lambda code: f"{code[:3]}.{code[3:5]}.{code[5:]}"), "stated"),
    row("writes-wide-digits", "Writes responseCode in digits outside ASCII.", "RSP-210",
        member("responseCode", lambda code: code.translate(_WIDE)), "stated"),
    row("refuses-with-http-200", "Sends HTTP 200 with each refusal's code.", "RSP-220",
        answer(_refusals, http_status=200), "stated"),
    row("refuses-with-http-400", "Sends HTTP 400 with each refusal, whatever its code says.", "RSP-220",
        answer(_refusals, http_status=400), "stated"),
    row("writes-success-code-on-refusals", "Writes the code of a success on each refusal.", "RSP-220",
        member("responseCode", lambda code: "200" + code[3:5] + "00", _refusals), "stated"),
    row("accepts-with-201", "Answers what it accepts as created, 201.", "RSP-240 RSP-300",
        answer(lambda _, reply: reply.accepted, status=201, http_status=201)),
    row("accepts-with-case-01", "Answers what it accepts with case 01.", "RSP-240 RSP-300",
        answer(lambda _, reply: reply.accepted, case="01")),
    row("writes-unknown-case", "Refuses with case 99, which no table has.", "RSP-240", answer(_refusals, case="99")),
    row("refuses-with-418", "Refuses unknown card tokens with a status that no table has.", "RSP-240",
        answer(lambda _, reply: reply.cause in ("card-token", "token-id"), status=418, http_status=418)),
    row("refuses-for-no-service", "Writes the service code 00 on each refusal.", "RSP-230",
        answer(_refusals, service="00"), "conflicted"),
    row("writes-national-service-on-refunds", "Answers a refund with the service code 58 where 07 is in force.",
        "RSP-230", answer(lambda call, _: call.name == "refund", service="58"), "conflicted", refund_service_code="07"),
    *_services(),
    *_table(),
    # responseMessage
    row("forgets-code-of-a-refusal", "Leaves responseCode out of each refusal.", "RSP-280",
        without_member("responseCode", _refusals)),
    row("forgets-message-of-a-refusal", "Leaves responseMessage out of each refusal.", "RSP-250 RSP-280",
        without_member("responseMessage", _refusals)),
    row("writes-empty-message", "Writes an empty responseMessage.", "RSP-250 PAY-212 RFD-212",
        member("responseMessage", lambda _: ""), "stated"),
    row("writes-long-message", "Writes a responseMessage of 151 characters.", "RSP-250 PAY-212 RFD-212",
        member("responseMessage", lambda text: text.ljust(151, ".")), "stated"),
    row("writes-message-as-object", "Writes responseMessage once a language.", "RSP-250 PAY-212 RFD-212",
        member("responseMessage", lambda text: {"en": text, "id": text}), "stated"),
    row("writes-success-message-on-refusals", "Says Successful in the responseMessage of a refusal.", "RSP-290",
        answer(_refusals, message="Successful")),
    # form
    row("replies-without-content-type", "Names no content type.", "RSP-260", octets(_same, content_type=None),
        "stated"),
    row("replies-as-text", "Names the content type text/plain.", "RSP-260",
        octets(_same, content_type="text/plain; charset=utf-8"), "stated"),
    row("replies-in-html", "Refuses with a page in HTML.", "RSP-260 RSP-270 RSP-280",
        octets(_page, _refusals, "text/html"), "stated"),
    row("refuses-in-silence", "Refuses without any body.", "RSP-270 RSP-280", octets(lambda _: b"", _refusals),
        "stated"),
    row("replies-in-a-list", "Puts the reply into a list.", "RSP-270", body(lambda members: [members]), "stated"),
    row("replies-in-a-string", "Writes the reply's JSON into a JSON string.", "RSP-270",
        octets(lambda content: encoded(content.decode())), "stated"),
    row("replies-in-latin-1", "Writes its messages in ISO 8859-1.", "RSP-270", octets(_latin), "stated"),
    row("replies-with-mark", "Puts a byte order mark in front of each reply.", "RSP-270",
        octets(lambda content: b"\xef\xbb\xbf" + content), "stated"),
    row("replies-with-repeated-member", "Writes responseMessage twice.", "RSP-270", octets(_twice), "stated"),
    row("replies-with-more-after-it", "Writes something behind the JSON of each reply.", "RSP-270",
        octets(lambda content: content + b"<!-- gateway -->"), "stated"),
)  # fmt: skip
