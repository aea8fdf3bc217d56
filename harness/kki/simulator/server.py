"""The one door to the world: a request in, an answer out. `decide` and `commit` are its two halves."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from kki.model.http import Headers, Request, Response
from kki.simulator.business import failed_payment
from kki.simulator.call import Call
from kki.simulator.outcomes import Answer, Effect, Refusal, Result, Success
from kki.simulator.world import Earlier, Fresh, World, put

__all__ = ["Decision", "answer", "commit", "decide", "encoded", "written"]

_LONGEST_MESSAGE = 150  # characters; page, "Responses › responseMessage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to send, and what changes. `early` effects belong to the decision itself, `late` ones follow the reply's
    making: only a persona that races with itself has any."""

    result: Result
    early: tuple[Effect, ...] = ()
    late: tuple[Effect, ...] = ()


def answer(world: World, request: Request, now: datetime, fresh: Fresh) -> Result:
    """The answer to one request at one moment, with its effects in the world. `now`: aware."""
    decision = decide(world, request, now, fresh)
    commit(world, decision.early + decision.late)
    return decision.result


def commit(world: World, effects: tuple[Effect, ...]) -> None:
    for effect in effects:
        effect.apply(world)


def decide(world: World, request: Request, now: datetime, fresh: Fresh) -> Decision:
    """The answer and its effects, with nothing changed yet but what time itself changes."""
    world.turn_to(now)
    call = Call(world=world, request=request, now=now, fresh=fresh)
    for guard in world.behaviour.guards:
        result = guard(call)
        if result is not None:
            return Decision(result=result)
    return _decided(call)


def _decided(call: Call) -> Decision:
    outcome, reached = _outcome(call)
    reply = _dressed(call, outcome)
    response = written(reply)
    effects = list(outcome.effects) if isinstance(outcome, Success) else []
    if isinstance(outcome, Refusal) and reached and call.name == "payment":
        effects.append(failed_payment(call))
    if reached and call.external_id and call.operation and call.operation.symmetric:
        effects.append(_uses(call.external_key, Earlier(body=call.request.body, response=response)))
    result: Result = response
    for change in call.behaviour.wire:
        if not isinstance(result, Response):
            break
        result = change(call, reply, result)
    window = call.behaviour.race_window
    return Decision(
        result=result,
        early=tuple(effect for effect in effects if effect.kind not in window),
        late=tuple(effect for effect in effects if effect.kind in window),
    )


def _outcome(call: Call) -> tuple[Success | Refusal, bool]:
    """What came of it, and whether the request got as far as using up its external id."""
    refusal, reached = _first_refusal(call)
    outcome: Success | Refusal = refusal if refusal else call.behaviour.acts[call.name](call)
    if isinstance(outcome, Refusal):
        for turn in call.behaviour.refused:
            turned = turn(call, outcome)
            if isinstance(turned, Success):
                return turned, reached
            outcome = turned
        return outcome, reached
    for change in call.behaviour.done:
        outcome = change(call, outcome)
    return outcome, True


def _first_refusal(call: Call) -> tuple[Refusal | None, bool]:
    reached = False
    for step in call.behaviour.steps[call.name]:
        refusal = step.run(call)
        if refusal is not None:
            return refusal, reached
        reached = reached or step.name == "external-id"
    return None, True


def _uses(key: tuple[str, str], earlier: Earlier) -> Effect:
    def apply(world: World) -> None:
        if key not in world.external_ids:
            put(world.external_ids, key, earlier)

    return Effect("external-id", apply)


def _dressed(call: Call, outcome: Success | Refusal) -> Answer:
    status, case = (200, "00") if isinstance(outcome, Success) else (outcome.status, outcome.case)
    detail = outcome.detail if isinstance(outcome, Refusal) else ""
    reply = Answer(
        status=status,
        service=call.service,
        case=case,
        message=message(call, status, case, detail),
        members=outcome.members if isinstance(outcome, Success) else {},
        headers=outcome.headers if isinstance(outcome, Success) else (),
        http_status=status,
        cause=outcome.cause if isinstance(outcome, Refusal) else "",
    )
    if status == 405 and call.operation:
        reply = replace(reply, headers=(("Allow", call.operation.method),))  # RFC 9110 section 15.5.6
    for change in call.behaviour.dressed:
        reply = change(call, reply)
    return reply


def message(call: Call, status: int, case: str, detail: str) -> str:
    """The case's name, and the field or reason behind it. Never anything that came with the request."""
    row = call.contract.cases.get((status, case))
    name = row.name if row else "Successful" if status == 200 else "Refused"
    joint = ". " if case == "00" and detail else " "
    return f"{name}{joint}{detail}".strip()[:_LONGEST_MESSAGE]


def written(reply: Answer) -> Response:
    """The reply on the wire: JSON in UTF-8, the code and its message first."""
    body = {"responseCode": reply.code, "responseMessage": reply.message, **reply.members}
    headers = Headers.of([("Content-Type", "application/json"), *reply.headers])
    return Response(status=reply.http_status, headers=headers, body=encoded(body))


def encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
