"""The protocol by hand: sign, verify, seal, open, code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict, TypeVar

import click

from kki.cli.exits import Exit
from kki.cli.options import octets, terminal_options, without_scheme
from kki.cli.terminal import DETAILED, Terminal
from kki.edges import entropy
from kki.edges.errors import ConfigurationError
from kki.edges.settings import contract_root, resolve_ref
from kki.model.contract import Contract
from kki.snap import canonical, carddata, responsecode, signature
from kki.snap.canonical import Malformed
from kki.snap.carddata import Container
from kki.snap.signature import Signing

F = TypeVar("F", bound=Callable[..., object])

# What can be made: the container without an IV is a mistake that we recognise, not one that we repeat.
CONTAINERS = tuple(container.value for container in Container if container is not Container.HEX_NO_IV)


def _request_options(command: F) -> F:
    """What a signature is made from. Listed in the help in this order."""
    options = (
        click.option("--method", default="POST", show_default=True, help="As on the wire, upper case."),
        click.option("--path", required=True, metavar="P", help="Path and query as sent, without scheme and host."),
        click.option("--body", required=True, metavar="FILE|-", help="The body as sent; - for standard input."),
        click.option("--token", required=True, metavar="T", help="The B2B access token."),
        click.option("--timestamp", required=True, metavar="TS", help="The very text of X-TIMESTAMP."),
        click.option("--client-secret", required=True, metavar="REF", help="A literal, env:NAME or file:PATH."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_request_options
@terminal_options
def sign(terminal: Terminal, **request: str) -> None:
    """Print the X-SIGNATURE of a request: HMAC-SHA512 over its string to sign, in Base64.

    With -v or --format json, every step on the way. The secret itself is never shown.

    \b
    Example:
      kki sign --path /direct-debit/core/v1/debit/refund --body refund.json \\
          --token "$TOKEN" --timestamp 2026-05-26T10:00:00+07:00 --client-secret env:KKI_CLIENT_SECRET
    """
    signing = _signing(_parts(terminal, request))
    if terminal.json:
        terminal.document({"signature": signing.signature, "steps": _steps(signing)})
        return
    for name, value in _steps(signing).items():
        terminal.note(f"{name}: {value}", level=DETAILED)
    terminal.result(signing.signature)


@click.command()
@_request_options
@click.option("--signature", "given", required=True, metavar="S", help="The X-SIGNATURE to verify.")
@terminal_options
def verify(terminal: Terminal, given: str, **request: str) -> int:
    """Say whether a signature is right: exit 0 if so, else 1 with the first step that differs.

    \b
    Example:
      kki verify --path /direct-debit/core/v1/debit/refund --body refund.json --token "$TOKEN" \\
          --timestamp 2026-05-26T10:00:00+07:00 --client-secret env:KKI_CLIENT_SECRET --signature "$SIGNATURE"
    """
    parts = _parts(terminal, request)
    signing = _signing(parts)
    right = signature.same(signing.signature, given)
    step, says = (None, signature.explain(signing, given)) if right else _first_step(signing, given, parts)
    if terminal.json:
        steps = {**_steps(signing), "given": given}
        terminal.document({"right": right, "first_difference": step, "says": says, "steps": steps})
    if right:
        terminal.say("The signature is right.", style="green")
        return Exit.CONFORMS
    terminal.say(f"The signature is wrong. First step that differs: {step}. {says}", style="red")
    terminal.say("Our steps:")
    for name, value in {**_steps(signing), "given": given}.items():
        terminal.say(f"  {name}: {value}")
    return Exit.DOES_NOT_CONFORM


class _Parts(TypedDict):
    """What `signature.sign` takes."""

    method: str
    target: str
    body: bytes
    token: str
    timestamp: str
    client_secret: str


def _parts(terminal: Terminal, given: Mapping[str, str]) -> _Parts:
    secret = resolve_ref(given["client_secret"], what="--client-secret")
    terminal.conceal(secret)
    return _Parts(
        method=given["method"],
        target=given["path"],
        body=octets(given["body"], "--body"),
        token=without_scheme(given["token"]),
        timestamp=given["timestamp"],
        client_secret=secret,
    )


def _signing(parts: _Parts) -> Signing:
    signing = signature.sign(**parts)
    if isinstance(signing, Malformed):
        raise ConfigurationError([f"--body: {signing.why}{_at(signing)}"])
    return signing


def _steps(signing: Signing) -> dict[str, str]:
    return {
        "minified": signing.minified.decode("utf-8"),
        "digest": signing.digest,
        "string to sign": signing.string_to_sign,
        "mac": signing.mac.hex(),
        "signature": signing.signature,
    }


def _first_step(signing: Signing, given: str, parts: _Parts) -> tuple[str, str]:
    """Which step a wrong signature departs at, as far as its text tells, and a sentence on it."""
    if signature.same(signature.sign_raw(**parts).signature, given):
        return "minified", "The signature is right for the body as it was sent; the minified body was expected."
    return ("encoding" if _same_mac(signing, given) else "mac"), signature.explain(signing, given)


def _same_mac(signing: Signing, given: str) -> bool:
    """Whether the text is our MAC in another form: hexadecimal, another Base64, other case, cut short."""
    text, right = given.strip(), signing.signature
    bare = text.replace("-", "+").replace("_", "/").rstrip("=").lower()
    return text.lower() == signing.mac.hex() or bare == right.rstrip("=").lower() or right.startswith(text)


@click.command()
@click.option("--card", required=True, metavar="FILE|-", help="The payload, a JSON object; - for standard input.")
@click.option("--shared-key", required=True, metavar="REF", help="A literal, env:NAME or file:PATH.")
@click.option("--container", type=click.Choice(CONTAINERS), default=CONTAINERS[0], show_default=True)
@terminal_options
def seal(terminal: Terminal, card: str, shared_key: str, container: str) -> None:
    """Print the cardData for a payload. White space between its members is dropped, as the SDKs do.

    The page names no container, so that is a reading: see `kki catalogue` and readings.toml.

    \b
    Example:
      echo '{"bankCardNo":"9360001609987000000","bankCardType":"D","expiryDate":"1230"}' |
          kki seal --card - --shared-key env:KKI_SHARED_KEY
    """
    key = resolve_ref(shared_key, what="--shared-key")
    terminal.conceal(key)
    payload = _payload(octets(card, "--card"))
    way = Container(container)
    sealed = carddata.seal(payload, shared_key=key, container=way, iv=entropy.iv(), salt=entropy.salt())
    if isinstance(sealed, Malformed):
        raise ConfigurationError([f"--container: {sealed.why}"])
    if terminal.json:
        terminal.document({"cardData": sealed, "container": container})
    else:
        terminal.result(sealed)


def _payload(octets: bytes) -> bytes:
    """The minified payload, a JSON object."""
    thin = canonical.minified(octets)
    members = carddata.card_payload(thin) if isinstance(thin, bytes) else thin
    if isinstance(thin, bytes) and isinstance(members, dict):
        return thin
    assert isinstance(members, Malformed)
    raise ConfigurationError([f"--card: {members.why}{_at(members)}"])


@click.command("open")
@click.option("--card-data", required=True, metavar="STRING|-", help="The cardData text; - for standard input.")
@click.option("--shared-key", required=True, metavar="REF", help="A literal, env:NAME or file:PATH.")
@terminal_options
def open_(terminal: Terminal, card_data: str, shared_key: str) -> int:
    """Print the payload inside a cardData text; on standard error, which container it was. Exit 1: it stays shut.

    \b
    Example:
      kki open --card-data "$CARD_DATA" --shared-key env:KKI_SHARED_KEY
    """
    key = resolve_ref(shared_key, what="--shared-key")
    terminal.conceal(key)
    text = card_data if card_data != "-" else octets("-", "--card-data").decode("utf-8", "replace").strip()
    opened = carddata.open_any(text, shared_key=key)
    if isinstance(opened, Malformed):
        return _stays_shut(terminal, f"{opened.why} ({opened.step})", text)
    container, plaintext = opened
    payload = carddata.card_payload(plaintext)
    if isinstance(payload, Malformed):
        return _stays_shut(terminal, f"It opens as {container.value}, but what comes out is no JSON object.", text)
    if terminal.json:
        terminal.document({"container": container.value, "payload": payload})
        return Exit.CONFORMS
    terminal.note(f"Container: {container.value}")
    terminal.result(plaintext.decode("utf-8"))
    return Exit.CONFORMS


def _stays_shut(terminal: Terminal, why: str, text: str) -> int:
    """Another key and damaged data look alike from here, and saying which would help whoever guesses keys."""
    looks_like = carddata.resembles(text)
    form = looks_like.value if looks_like else None
    if terminal.json:
        terminal.document({"container": None, "looks_like": form, "payload": None, "says": why})
    hint = f" The text looks like {form}." if form else ""
    terminal.problem(f"The card data could not be opened: {why}{hint} Is it the right shared key?")
    return Exit.DOES_NOT_CONFORM


@click.command()
@click.argument("code", metavar="CODE")
@terminal_options
def code(terminal: Terminal, code: str) -> int:
    """Read a response code: HTTP status, service, case and what it means. Exit 1: there is no such code.

    \b
    Example:
      kki code 4045415
    """
    from kki.edges.contract import load

    found = _read(code, load(contract_root()))
    if terminal.json:
        terminal.document(found)
    elif "why" in found:
        terminal.problem(f"{code} is no response code: {found['why']}")
    else:
        terminal.result(f"{code}  {found['meaning']}")
        for name in ("status", "service", "case", "category"):
            terminal.result(f"  {name:9}{found[name]}")
    return Exit.DOES_NOT_CONFORM if "why" in found else Exit.CONFORMS


_CATEGORIES = {"S": "system", "M": "message", "B": "business", "": "success"}


def _read(text: str, contract: Contract) -> dict[str, object]:
    """The parts and their meaning; or `why` there is none."""
    parts = responsecode.parse(text)
    if isinstance(parts, Malformed):
        return {"code": text, "why": parts.why}
    case = contract.cases.get((parts.status, parts.case))
    service = contract.services.get(parts.service)
    if case is None:
        known = sorted(c for s, c in contract.cases if s == parts.status)
        cases = f"status {parts.status} has the cases {', '.join(known)}" if known else f"no status {parts.status}"
        return {"code": text, "why": f"Expected one of the table's cases, but {cases} and not {parts.case}."}
    if service is None:
        return {"code": text, "why": f"Expected a known service, but {parts.service} is none."}
    return {
        "code": text,
        "status": parts.status,
        "service": f"{parts.service} {service}",
        "case": f"{parts.case} {case.name}",
        "category": _CATEGORIES.get(case.category, case.category),
        "meaning": f"{case.name} ({service})",
    }


def _at(fault: Malformed) -> str:
    return "" if fault.offset is None else f" (at octet {fault.offset})"
