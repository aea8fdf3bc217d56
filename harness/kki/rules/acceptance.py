"""A correct request is answered as successful. Correct means: every detector looked, and none found anything.

What a detector could not look into (an unknown card, no secret) leaves the row open where it would explain the
refusal. A request with something special about it (white space, further members, full length in multi-byte
characters) puts that row to the test first; the plain row only where the special thing does not explain the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kki.model.verdict import Broken, Finding, Holds, Judgement, Unknown
from kki.rules.faults import BUSINESS, cases, fits
from kki.rules.registry import EVERY, SYMMETRIC, Scene, rule
from kki.rules.view import Reply, Standing, View
from kki.rules.words import operation_noun

_ESCAPED = re.compile(rb"\\(?:u[0-9A-Fa-f]{4}|/)")
_SIGNED = cases("401/00", "400/00", "400/01")  # how a server that digests another form of the body refuses
_MEMBERS = cases("400/*")
_MULTIBYTE = cases("400/*", "401/00")
_TOKEN = cases("401/01", "401/03", "401/00")
_NOT_AGREED = cases("403/01", "403/06", "404/05", "404/08")  # DOKU, case table: what this merchant is not set up for


def outcome(scene: Scene) -> Judgement | None:
    """Of a request that nothing is known against; None where something is, or the reply decides nothing."""
    view, reply = scene.view, scene.view.reply
    if not view.in_api or scene.found.faults:
        return None
    blind = [missing for _, missing, name in scene.found.unknown if name.startswith("signing.")]
    if reply.standing is Standing.ACCEPTED:
        return Unknown(blind[0]) if blind else Holds()
    if reply.standing is Standing.NONE:
        return None  # KKI-ROB-320
    unclear = reply.standing in (Standing.BUSY, Standing.UNCLEAR) and not _sent_elsewhere(scene)
    if unclear or reply.case in ((504, "00"), (500, "02"), (503, "00")):
        return Unknown("a reply that says what became of the request")
    if _nobody_promised(scene, reply):
        return None
    missing = _excuse(scene, reply)
    if missing is not None:
        return Unknown(missing)
    noun = operation_noun(view.operation)
    finding = Finding(where="reply", expected=f"success: nothing is wrong with this {noun}", actual=_refused(reply))
    return Broken((finding,))


def _sent_elsewhere(scene: Scene) -> bool:
    """HTTP's own redirection, in a trial, from a server that answers others: no gate's doing, and no answer of the
    API's. In a recording nobody knows what stood in between."""
    return 300 <= scene.view.reply.status < 400 and scene.knowledge.staged and bool(scene.trail.issuances)


def _nobody_promised(scene: Scene, reply: Reply) -> bool:
    """What cards, payments and money there are at a server that others use: its refusals for such reasons say nothing.

    A declined payment in a recording leaves the row to the others, so that a day with one is no undecided day.
    """
    if scene.knowledge.staged or reply.case is None:
        return False
    return reply.case[0] in ((403, 404, 405) if scene.knowledge.complete else (401, 403, 404, 405, 409))


def _excuse(scene: Scene, reply: Reply) -> str | None:
    if reply.case is not None and fits(BUSINESS, reply.case) and not _belied(scene, reply.case):
        return "a card and a merchant in order: the target refuses for a business reason"
    if not scene.found.unknown:
        return None
    if reply.case is None or reply.case[0] in (403, 404):
        return scene.found.unknown[0][1]
    return scene.found.may_explain(reply.case)


def _belied(scene: Scene, case: tuple[int, str]) -> bool:
    """Who has refunded something cannot say that no refund is possible, nor that a feature is not allowed who has
    granted it."""
    if case == (405, "01"):
        return bool(scene.trail.refunded)
    return fits(_NOT_AGREED, case) and scene.view.kind in scene.trail.served


def _refused(reply: Reply) -> str:
    message = reply.message if isinstance(reply.message, str) else ""
    return f"refused: {reply.said()}" + (f" “{message[:100]}”" if message else "")


# --- what may be special about a request -----------------------------------------------------------


def has_white_space(view: View) -> bool:
    return view.symmetric and view.body.thin is not None and view.body.thin != view.body.octets


def is_unusual(view: View) -> bool:
    """Escapes, characters outside ASCII, or another order of members than documented."""
    thin = view.body.thin
    if not view.symmetric or thin is None:
        return False
    if not thin.isascii() or _ESCAPED.search(thin):
        return True
    names = _documented(view)
    given = [name for name in view.body.members or {} if name in names]
    return given != [name for name in names if name in given]


def has_more_members(view: View) -> bool:
    return view.symmetric and any(name not in _documented(view) for name in view.body.members or {})


def _documented(view: View) -> tuple[str, ...]:
    variant = view.operation.variant(view.variant or "") if view.operation else None
    return tuple(fact.name for fact in variant.fields) if variant else ()


def is_full_of_characters(view: View) -> bool:
    """A value that fits its limit in characters and would not in octets."""
    variant = view.operation.variant(view.variant or "") if view.operation else None
    for fact in variant.fields if variant else ():
        value = view.member(fact.name)
        if isinstance(value, str) and fact.max_length and len(value) == fact.max_length and not value.isascii():
            return True
    return False


_SPECIAL: tuple[tuple[str, Callable[[View], bool], Any], ...] = (
    ("KKI-SIG-160", has_white_space, _SIGNED),
    ("KKI-SIG-170", is_unusual, _SIGNED),
    ("KKI-FLD-130", has_more_members, _MEMBERS),
    ("KKI-FLD-140", is_full_of_characters, _MULTIBYTE),
)


def _explained(scene: Scene) -> Iterator[str]:
    """The rows on special things that explain this refusal."""
    case = scene.view.reply.case
    if case is not None and case[0] == 400 and is_full_of_characters(scene.view):
        yield "KKI-FLD-140"  # whatever else is unusual, a limit may be counted otherwise
        return
    for requirement, has, fitting in _SPECIAL:
        if has(scene.view) and (case is None or fits(fitting, case) or case[0] >= 500):
            yield requirement


def _special(scene: Scene, requirement: str, has: Callable[[View], bool]) -> Judgement | None:
    if not has(scene.view):
        return None
    found = outcome(scene)
    if isinstance(found, Broken) and requirement not in _explained(scene):
        return None
    return found


def _plain(scene: Scene) -> Judgement | None:
    found = outcome(scene)
    if isinstance(found, Broken) and next(_explained(scene), None) is not None:
        return None
    return found


@rule("KKI-SIG-160", operations=SYMMETRIC, reading=("body-canonical-form", "minified"))
def white_space_is_accepted(scene: Scene) -> Judgement | None:
    """A request whose body carries insignificant white space and is signed over its minified form is accepted."""
    return _special(scene, "KKI-SIG-160", has_white_space)


@rule("KKI-SIG-170", operations=SYMMETRIC)
def any_writing_is_accepted(scene: Scene) -> Judgement | None:
    """A correctly signed body is accepted whatever its member order, escapes and characters outside ASCII."""
    return _special(scene, "KKI-SIG-170", is_unusual)


@rule("KKI-FLD-130", operations=SYMMETRIC)
def further_members_are_accepted(scene: Scene) -> Judgement | None:
    """Members beyond the documented ones do not make a correct request fail."""
    return _special(scene, "KKI-FLD-130", has_more_members)


@rule("KKI-FLD-140", operations=SYMMETRIC, reading=("length-unit", "characters"))
def lengths_are_characters(scene: Scene) -> Judgement | None:
    """Lengths are counted in characters: a value of the full length in multi-byte characters is accepted."""
    return _special(scene, "KKI-FLD-140", is_full_of_characters)


# --- the operations -------------------------------------------------------------------------------


def variants(scene: Scene) -> frozenset[str]:
    """The payment variants of which this body is a specimen."""
    view = scene.view
    shape = view.variant or ""
    both = {"cpan": {"cpan", "cpan-tokenise"}, "token": {"token", "token-recurring"}}.get(shape, set())
    if scene.knowledge.choice("payment-variant") == "shape":
        return frozenset(both)
    kind, tokenised = view.markers
    if shape == "cpan" and str(tokenised).lower() in ("true", "false"):
        return frozenset({"cpan-tokenise" if str(tokenised).lower() == "true" else "cpan"})
    if shape == "token" and isinstance(kind, str):
        return frozenset({"token-recurring" if kind.upper() == "RECURRING" else "token"})
    return frozenset(both)


def _payment(scene: Scene, variant: str) -> Judgement | None:
    return _plain(scene) if variant in variants(scene) else None


@rule("KKI-PAY-150", operations=("payment",))
def payment_by_cpan_succeeds(scene: Scene) -> Judgement | None:
    """A correct payment with a CPAN, without tokenisation, is answered as successful."""
    return _payment(scene, "cpan")


@rule("KKI-PAY-152", operations=("payment",))
def payment_with_tokenisation_succeeds(scene: Scene) -> Judgement | None:
    """A correct payment with a CPAN and tokenisation is answered as successful."""
    return _payment(scene, "cpan-tokenise")


@rule("KKI-PAY-154", operations=("payment",))
def payment_by_token_succeeds(scene: Scene) -> Judgement | None:
    """A correct payment with a bound card's token is answered as successful."""
    return _payment(scene, "token")


@rule("KKI-PAY-156", operations=("payment",))
def recurring_payment_succeeds(scene: Scene) -> Judgement | None:
    """A correct payment recurring, with a bound card's token, is answered as successful."""
    return _payment(scene, "token-recurring")


@rule("KKI-BND-150", operations=("bind",))
def binding_under_dh_succeeds(scene: Scene) -> Judgement | None:
    """A correct binding under CHANNEL-ID DH is answered as successful."""
    return _plain(scene) if scene.view.channel == "DH" else None


@rule("KKI-BND-152", operations=("bind",))
def binding_under_h2h_succeeds(scene: Scene) -> Judgement | None:
    """A correct binding under CHANNEL-ID H2H is answered as successful."""
    return _plain(scene) if scene.view.channel == "H2H" else None


@rule("KKI-BND-154", operations=("bind",))
def binding_without_channel_succeeds(scene: Scene) -> Judgement | None:
    """A correct binding without CHANNEL-ID is answered as successful."""
    return _plain(scene) if scene.view.channel is None else None


@rule("KKI-UNB-150", operations=("unbind",))
def unbinding_succeeds(scene: Scene) -> Judgement | None:
    """A correct unbinding of a bound card is answered as successful."""
    return _plain(scene)


@rule("KKI-RFD-150", operations=("refund",))
def refund_succeeds(scene: Scene) -> Judgement | None:
    """A correct refund of a successful payment is answered as successful."""
    return _plain(scene)


@rule("KKI-TOK-160", operations=("b2b",))
def b2b_token_request_succeeds(scene: Scene) -> Judgement | None:
    """A correct B2B token request is answered with a token."""
    return _plain(scene)


@rule("KKI-TOK-162", operations=("b2b2c",))
def b2b2c_token_request_succeeds(scene: Scene) -> Judgement | None:
    """A correct B2B2C token request is answered with a customer token."""
    return _plain(scene)


@rule("KKI-TOK-164", operations=SYMMETRIC)
def fresh_token_is_accepted(scene: Scene) -> Judgement | None:
    """A freshly issued B2B token is accepted."""
    issued = scene.trail.token(scene.view.token, "b2b")
    if issued is None or scene.found.faults:
        return None
    reply = scene.view.reply
    if reply.standing is Standing.ACCEPTED:
        return Holds()
    if reply.standing is not Standing.REFUSED or reply.case is None or not fits(_TOKEN - cases("401/00"), reply.case):
        return None
    missing = scene.found.may_explain(reply.case)
    if missing is not None:
        return Unknown(missing)
    finding = Finding(
        where="header Authorization", expected="accepted, since the token endpoint issued it and it has not expired",
        actual=_refused(reply),
    )  # fmt: skip
    return Broken((finding,))


@rule("KKI-ROB-330", operations=EVERY)
def server_recovers(scene: Scene) -> Judgement | None:
    """A correct request right after a malformed one is answered as usual."""
    disturbed, reply = scene.trail.disturbed_by, scene.view.reply
    if disturbed is None or scene.found.faults:
        return None
    if reply.standing is Standing.NONE:
        actual = f"no reply, right after the unreadable request of exchange {disturbed}"
        return Broken((Finding(where="reply", expected="an answer as usual", actual=actual),))
    return outcome(scene)
