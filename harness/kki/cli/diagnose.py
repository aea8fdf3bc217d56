"""`kki diagnose`: which construction error made this signature, or this card data."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from kki.cli.exits import Exit
from kki.cli.options import chosen_profile, conceal, octets, profile_option, terminal_options, without_scheme
from kki.cli.terminal import DETAILED, NORMAL, Terminal
from kki.diagnosis import exchanges
from kki.diagnosis.results import Candidate, Diagnosis, Outcome, Step, as_json, redacted, visible
from kki.edges.errors import ConfigurationError
from kki.edges.messages import read_messages
from kki.edges.settings import contract_root, resolve_ref
from kki.model.contract import Contract
from kki.model.http import Headers, Request
from kki.model.profile import Profile
from kki.rules.hidden import shown_as_hidden
from kki.snap.tokens import bearer_lenient

_WINDOW = 36  # characters of a long text that are shown on either side of a difference
_NO_SECRET = "Expected the client secret, by --client-secret or the profile, but got neither."
_NO_KEY = "Expected the client's RSA key for the token request, by --public-key or the profile."
_BY_HAND = ("path", "token", "timestamp", "signature", "body", "client_key")


@click.command()
@click.argument("message", metavar="[FILE|-]", required=False)
@click.option("--entry", metavar="N-OR-ID", help="Only this one of several: its number from 0, or its id.")
@click.option("--method", default="POST", show_default=True, help="By hand: as on the wire.")
@click.option("--path", metavar="P", help="By hand: path and query as sent.")
@click.option("--body", metavar="FILE|-", help="By hand: the body as sent; - for standard input.")
@click.option("--token", metavar="T", help="By hand: the B2B access token.")
@click.option("--timestamp", metavar="TS", help="By hand: the very text of X-TIMESTAMP.")
@click.option("--client-key", metavar="ID", help="By hand, for a token request: the text of X-CLIENT-KEY.")
@click.option("--signature", metavar="S", help="By hand: the X-SIGNATURE to explain.")
@click.option("--earlier-token", multiple=True, metavar="T", help="A token from before, to be tried. May be repeated.")
@click.option("--microseconds", is_flag=True, help="Try each microsecond of X-TIMESTAMP's second; takes some seconds.")
@click.option("--client-secret", metavar="REF", help="A literal, env:NAME or file:PATH; goes before the profile.")
@click.option("--shared-key", metavar="REF", help="Likewise: for card data, and tried as a wrong key.")
@click.option("--public-key", metavar="REF", help="Likewise: the client's RSA key in PEM, for token requests.")
@click.option("--client-id", metavar="ID", help="The client id, tried where another value belongs.")
@profile_option
@terminal_options
def diagnose(
    terminal: Terminal, message: str | None, entry: str | None, profile: Path | None, **given: Any
) -> int:
    """Say which construction error made a wrong signature (and wrong card data), how to put it right, and where the
    two strings to sign part. Reads a HAR file or entry, a raw HTTP message, a curl line or our exchanges.jsonl.

    Exit 0: right. 1: wrong, named or not. 4: cannot be decided, since values were hidden.

    \b
    Examples:
      kki diagnose request.http --client-secret env:KKI_CLIENT_SECRET
      pbpaste | kki diagnose - --profile sandbox.toml
      kki diagnose --path /direct-debit/core/v1/debit/refund --body refund.json --token "$TOKEN" \\
          --timestamp 2026-05-26T10:00:00+07:00 --signature "$SIGNATURE" --client-secret env:KKI_CLIENT_SECRET
    """
    from kki.edges.contract import load

    contract = load(contract_root())
    plan = _plan(terminal, contract, profile, given)
    requests = _chosen(_requests(message, given), entry)
    before = 0 if entry is None else len(requests) - 1
    _check_credentials(requests[before:], plan, contract)
    answers = list(_answers(requests, before, plan, contract, given, _references(profile, given)))
    _show(terminal, answers)
    return _exit(answers)


# --- what is given ----------------------------------------------------------------------------------------------------


def _plan(terminal: Terminal, contract: Contract, path: Path | None, given: Mapping[str, Any]) -> Profile:
    """The profile with the options over it; all of its secrets are hidden in the output from now on."""
    plan = chosen_profile(terminal, contract, profile=path, base_url=None) if path else Profile(source="no profile")
    options = {
        name: resolve_ref(given[name], what="--" + name.replace("_", "-"))
        for name in ("client_secret", "shared_key", "public_key")
        if given[name]
    }
    if given["client_id"]:
        options["client_id"] = given["client_id"]
    plan = replace(plan, credentials=replace(plan.credentials, **options))
    conceal(terminal, plan)
    terminal.conceal(plan.credentials.client_secret, plan.credentials.shared_key, plan.credentials.private_key)
    return plan


def _references(path: Path | None, given: Mapping[str, Any]) -> list[str]:
    """The client secret's REF as it was written: a client that resolves none signs with that very text."""
    # The profile was read once already, so that it is sound.
    credentials = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("credentials", {}) if path else {}
    written = (given["client_secret"], credentials.get("client_secret"))
    return [text for text in written if isinstance(text, str) and text.startswith(("env:", "file:"))]


@dataclass(frozen=True, slots=True)
class _Named:
    """A request with the name that people know it by, the token that its reply gave, and its status; 0: not known."""

    name: str
    request: Request
    issued: str = field(default="", repr=False)
    status: int = 0


def _requests(message: str | None, given: Mapping[str, Any]) -> list[_Named]:
    by_hand = [name for name in _BY_HAND if given[name] is not None]
    if message is not None and by_hand:
        option = "--" + by_hand[0].replace("_", "-")
        raise ConfigurationError([f"Expected either a message or its parts by hand, but got {message} and {option}."])
    if message is None:
        return [_Named("by hand", _by_hand(given))]
    name, data = _read(message)
    # Of what others hid nobody can say what was signed; our own redaction is known to the diagnosis.
    watched = (shown_as_hidden(record.exchange) for record in read_messages(data, name=name))
    return [
        _Named(one.id, one.request, _issued(one.response.body), one.response.status)
        if one.response
        else _Named(one.id, one.request)
        for one in watched
    ]


def _read(message: str) -> tuple[str, bytes]:
    if message.lstrip().startswith("curl ") and not Path(message[:200]).exists():
        return "curl line", message.encode("utf-8", "surrogateescape")
    if message == "-":
        return "standard input", sys.stdin.buffer.read()
    return message, octets(message, "FILE")


def _by_hand(given: Mapping[str, Any]) -> Request:
    needed = ["signature", "timestamp", *(() if given["client_key"] else ("path", "token", "body"))]
    missing = ["--" + name.replace("_", "-") for name in needed if given[name] is None]
    if missing:
        raise ConfigurationError(
            [f"Expected a file with the request, or all of its parts by hand, but {', '.join(missing)} is missing."]
        )
    headers = {"X-TIMESTAMP": given["timestamp"], "X-SIGNATURE": given["signature"]}
    if given["token"] is not None:
        headers["Authorization"] = f"Bearer {without_scheme(given['token'])}"
    if given["client_key"]:
        headers["X-CLIENT-KEY"] = given["client_key"]
    path = given["path"] or "/authorization/v1/access-token/b2b"
    body = octets(given["body"], "--body") if given["body"] is not None else b""
    return Request(method=given["method"], target=path, headers=Headers.of(headers), body=body)


def _issued(body: bytes) -> str:
    """The access token of a token reply; "" for any other."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = members.get("accessToken") if isinstance(members, dict) else None
    return token if isinstance(token, str) else ""


def _chosen(requests: list[_Named], entry: str | None) -> list[_Named]:
    """All up to the one that --entry names, which then is the last; without it, all."""
    if entry is None:
        return requests
    for place, row in enumerate(requests):
        if entry in (str(place), row.name):
            return requests[: place + 1]
    raise ConfigurationError([f"--entry: expected a number from 0 to {len(requests) - 1} or an id, but got {entry}."])


def _check_credentials(requests: Sequence[_Named], plan: Profile, contract: Contract) -> None:
    signed = [row.request for row in requests if row.request.headers.get("X-SIGNATURE")]
    if not signed:
        raise ConfigurationError(["Expected a request with X-SIGNATURE, but there is none."])
    lacking = [_lacking(request, plan, contract) for request in signed]
    if all(lacking):
        raise ConfigurationError(list(dict.fromkeys(lacking)))


def _lacking(request: Request, plan: Profile, contract: Contract) -> str:
    """What this request cannot be diagnosed without, as a sentence; "" where it is there."""
    held = plan.credentials
    if not exchanges.is_token_request(request, contract):
        return "" if held.client_secret else _NO_SECRET
    return "" if held.public_key or held.private_key else _NO_KEY


# --- the answers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    name: str
    request: Request = field(repr=False)
    found: tuple[Diagnosis, ...]  # nothing: all is right
    lacking: str = ""  # what it could not be diagnosed without
    status: int = 0


def _answers(
    requests: Sequence[_Named], before: int, plan: Profile, contract: Contract, given: Mapping[str, Any],
    references: Sequence[str],
) -> Iterator[_Answer]:  # fmt: skip
    """An answer for each but the first `before`, which were seen earlier."""
    tokens, seen, cards = list[str](given["earlier_token"]), list[Request](), list[str]()
    for place, row in enumerate(requests):
        request = row.request
        lacking = _lacking(request, plan, contract) if request.headers.get("X-SIGNATURE") else ""
        if place >= before and lacking:
            yield _Answer(row.name, request, (), lacking)
        elif place >= before and request.headers.get("X-SIGNATURE"):
            found = (
                exchanges.diagnose_request(
                    request, plan.credentials, contract, readings=plan.readings, test_data=plan.test_data,
                    tokens_seen=tokens, requests_seen=seen, references=references,
                    microseconds=given["microseconds"],
                ),
                exchanges.diagnose_card_data(
                    request, plan.credentials, contract, readings=plan.readings, cards_seen=cards
                ),
            )  # fmt: skip
            yield _Answer(row.name, request, tuple(one for one in found if one is not None), status=row.status)
        seen.append(request)
        tokens += [token for token in (bearer_lenient(request.headers.get("Authorization") or ""), row.issued) if token]
        card = exchanges.card_text(request, contract)
        cards += [card] if card else []


def _exit(answers: Sequence[_Answer]) -> int:
    outcomes = {diagnosis.outcome for answer in answers for diagnosis in answer.found}
    if outcomes & {Outcome.NAMED, Outcome.UNNAMED}:
        return Exit.DOES_NOT_CONFORM
    lacking = any(answer.lacking for answer in answers)
    return Exit.INCOMPLETE if lacking or Outcome.UNDECIDED in outcomes else Exit.CONFORMS


# --- the output -------------------------------------------------------------------------------------------------------


def _show(terminal: Terminal, answers: Sequence[_Answer]) -> None:
    if terminal.json:
        terminal.document({"requests": [_document(terminal, answer) for answer in answers]})
    for answer in answers:
        terminal.say(f"{answer.request.method} {answer.request.target} ({answer.name})", style="bold")
        if answer.lacking:
            terminal.say(f"  Not diagnosed. {answer.lacking}", style="yellow")
        elif not answer.found:
            terminal.say("  The signature is right.", style="green")
            _show_other_causes(terminal, answer)
        for diagnosis in answer.found:
            _show_one(terminal, diagnosis)


def _show_other_causes(terminal: Terminal, answer: _Answer) -> None:
    """A right signature under the secret that was given here is refused for other reasons, and people ask for them."""
    if answer.status not in (0, 401):
        return
    terminal.say(
        "  If the server answers 401 all the same: does it keep another secret (or public key) for this client id; is "
        "X-TIMESTAMP too far from its clock; has the B2B token expired, or was it given to another X-PARTNER-ID; does "
        "a proxy on the way change path, body or headers?",
        style="dim",
    )


def _document(terminal: Terminal, answer: _Answer) -> dict[str, Any]:
    found = [as_json(redacted(diagnosis, terminal.clean)) for diagnosis in answer.found]
    document = {
        "request": answer.name, "method": answer.request.method, "target": answer.request.target,
        "right": not answer.found and not answer.lacking, "diagnoses": found,
        **({"missing": answer.lacking} if answer.lacking else {}),
    }  # fmt: skip
    cleaned = _cleaned(terminal, document)
    return cleaned if isinstance(cleaned, dict) else {}


def _cleaned(terminal: Terminal, value: object) -> object:
    """The document with every text redacted; steps come here redacted already, which changes nothing more."""
    match value:
        case str():
            return terminal.clean(value)
        case dict():
            return {name: _cleaned(terminal, item) for name, item in value.items()}
        case list() | tuple():
            return [_cleaned(terminal, item) for item in value]
        case _:
            return value


def _show_one(terminal: Terminal, diagnosis: Diagnosis) -> None:
    if diagnosis.outcome is Outcome.UNDECIDED:
        terminal.say(f"  {diagnosis.says}", style="yellow")
        return
    terminal.say(f"  The {diagnosis.subject} is wrong.", style="red")
    if not diagnosis.candidates:
        terminal.say(f"  {diagnosis.says}")
        _show_ours(terminal, diagnosis)
        return
    shown = redacted(diagnosis, terminal.clean)
    if len(shown.candidates) > 1:
        terminal.say(f"  {len(shown.candidates)} explanations fit; the likeliest comes first.")
    for place, candidate in enumerate(shown.candidates, 1):
        _show_candidate(terminal, candidate, place if len(shown.candidates) > 1 else 0)
        _show_steps(terminal, candidate, whole=place == 1)


def _show_ours(terminal: Terminal, diagnosis: Diagnosis) -> None:
    if diagnosis.steps:
        terminal.say("  What it would have to be:")
    for name, value in diagnosis.steps:
        terminal.say(f"    {name}: {terminal.clean(visible(value))}")


def _show_candidate(terminal: Terminal, candidate: Candidate, place: int) -> None:
    number = f"{place}. " if place else ""
    terminal.say(f"  {number}{candidate.says}", style="bold")
    terminal.say(f"    Fix: {candidate.fix}")
    names, rows = " and ".join(candidate.names), ", ".join(candidate.requirements)
    terminal.say(f"    Construction: {names}. Requirement: {rows}.")
    if candidate.also:
        terminal.say(f"    On this request these have the same effect: {', '.join(candidate.also)}.")


def _show_steps(terminal: Terminal, candidate: Candidate, *, whole: bool) -> None:
    """Theirs over ours, the first difference marked; what is alike in both only with -v."""
    for step in candidate.steps:
        level = NORMAL if whole and step.difference is not None else DETAILED
        if step.difference is None:
            terminal.say(f"    {step.name}, the same in both: {step.ours}", level=level)
            continue
        theirs, ours, mark = _side_by_side(step)
        for line in (f"    {step.name}", f"      theirs  {theirs}", f"      ours    {ours}"):
            terminal.say(line, level=level)
        terminal.say(f"              {' ' * mark}^ first difference", level=level)


def _side_by_side(step: Step) -> tuple[str, str, int]:
    """Both texts, cut around the first difference where they are long, and the column of that difference."""
    at = step.difference or 0
    start = max(0, at - _WINDOW) if max(len(step.theirs), len(step.ours)) > 2 * _WINDOW else 0
    before = "…" if start else ""

    def cut(text: str) -> str:
        after = "…" if len(text) > start + 2 * _WINDOW + 8 else ""
        return before + text[start : start + 2 * _WINDOW + 8] + after

    return cut(step.theirs), cut(step.ours), at - start + len(before)
