"""Access tokens in use, and what a token request asks for: issued or not, to whom, expired, in the right place."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

from kki.model.verdict import Unknown
from kki.rules.faults import NOBODY, Cases, Detection, Fault, Force, cases, detector, fits
from kki.rules.registry import SYMMETRIC, Scene
from kki.rules.view import ABSENT
from kki.rules.words import kind, length, masked
from kki.snap import tokens
from kki.snap.canonical import Malformed
from kki.snap.tokens import Claims

B2B, CUSTOMER = "header Authorization", "header Authorization-customer"
INVALID = cases("401/01", "401/03")
WRONG = INVALID | cases("401/00")  # how a wrong token is refused; unauthorised is what both its cases say
ANOTHERS = WRONG | cases("404/16", "404/08")
WRONG_CUSTOMER = cases("401/02", "401/04")
_WRONG_CUSTOMER = WRONG_CUSTOMER | cases("401/00")
SCHEME = cases("401/00", "401/01", "401/03", "400/01")
CODE = cases("401/00", "401/02", "401/04", "400/01", "404/*")
GRACE = timedelta(seconds=5)  # by which clocks and the way to the server may blur the end of a token


@detector(client="KKI-HDR-052", server="KKI-HDR-152", reason="KKI-RSN-120", fitting=SCHEME, operations=SYMMETRIC)
def bearer_scheme(scene: Scene) -> Detection:
    """Authorization is the B2B access token under the Bearer scheme."""
    value = scene.view.header("Authorization")
    if value is None:
        return None
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return ()
    expected = "'Bearer ' and the token"
    if value and " " not in value and scheme.lower() != "bearer":
        pinned = scene.knowledge.choice("bearer-scheme") == "bearer"
        fault = Fault(where=B2B, expected=expected, actual="one word without a scheme")
        return (fault if pinned else _tolerated(fault),)
    actual = "empty" if not value else "'Bearer' without a token" if scheme.lower() == "bearer" else "of another scheme"
    return (Fault(where=B2B, expected=expected, actual=actual, field="Authorization"),)


def _tolerated(fault: Fault) -> Fault:
    return Fault(
        where=fault.where, expected=fault.expected, actual=fault.actual, force=Force.MAY_REFUSE, client=NOBODY,
        server=NOBODY, reason=NOBODY,
    )  # fmt: skip


@detector(client="KKI-HDR-062", fitting=WRONG_CUSTOMER | cases("400/01", "401/00"), operations=("payment", "refund"))
def customer_token_scheme(scene: Scene) -> Detection:
    """Authorization-customer is the B2B2C access token, with or without Bearer as the reading has it."""
    value = scene.view.header("Authorization-customer")
    if value is None:
        return None
    scheme, _, rest = value.strip().partition(" ")
    bare = bool(value.strip()) and not rest
    seen = "bearer" if scheme.lower() == "bearer" and rest else "bare" if bare else ""
    wanted = scene.knowledge.choice("customer-token-scheme")
    if seen == wanted or (wanted == "either" and seen == "bearer"):
        return ()
    words = {"either": "the token, behind 'Bearer ' or alone", "bearer": "'Bearer ' and the token", "bare": "the token"}
    actual = {"bearer": "behind 'Bearer'", "bare": "one word without a scheme"}.get(seen, "of another form")
    fault = Fault(where=CUSTOMER, expected=words[wanted], actual=actual, force=Force.MAY_REFUSE)
    return (_tolerated(fault) if seen and wanted == "either" else fault,)


@detector(
    client="KKI-TOK-040", server=("KKI-TOK-140", "KKI-TOK-144", "KKI-TOK-146"), reason="KKI-RSN-120", fitting=INVALID,
    operations=SYMMETRIC,
)  # fmt: skip
def b2b_token_was_issued(scene: Scene) -> Detection:
    """Authorization holds a B2B token that the token endpoint issued to this partner."""
    token = scene.view.token
    if token is None:
        return None
    if not token:
        return None if not scene.view.header("Authorization") else (_never("empty"),)
    issued = scene.trail.token(token, "b2b")
    if issued is not None:
        partner = scene.view.header("X-PARTNER-ID")
        mine = scene.knowledge.credentials.client_id
        if issued.client and partner and issued.client != partner and partner == mine:
            return (_anothers(),)
        return _superseded(scene, "b2b", issued.client, token, B2B, INVALID)
    if masked(token):
        return Unknown("the B2B token, which was hidden when the recording was made")
    if _is_customer_token(scene, token) or token == scene.knowledge.test_data.expired_b2b_token:
        return None  # the rows on swapped and on expired tokens speak of it
    return _not_issued(scene, token)


def _superseded(scene: Scene, kind: str, client: str, token: str, where: str, fitting: Cases) -> Detection:
    """Whether a later token may have taken this one's place: no document says that several live side by side."""
    case = scene.view.reply.case
    if case is None or not fits(fitting, case):
        return ()
    if scene.trail.latest.get((kind, client)) != token:
        fault = Fault(where=where, expected="the token issued last", actual="one after which another was issued")
        return (_tolerated(fault),)
    if not scene.knowledge.alone:
        return Unknown(_SHARED)
    return ()


_SHARED = "whether another process of this run has had the token replaced meanwhile; to know, run with -n 1"


def _never(actual: str, server: str = "KKI-TOK-140") -> Fault:
    expected = "a B2B token that the token endpoint issued"
    return Fault(where=B2B, expected=expected, actual=actual, server=server, fitting=WRONG)


def _anothers() -> Fault:
    return Fault(
        where=B2B, expected="a token issued to the partner of X-PARTNER-ID", actual="one issued to another partner",
        server="KKI-TOK-146", fitting=ANOTHERS,
    )  # fmt: skip


def _not_issued(scene: Scene, token: str) -> Detection:
    """A token that this trail did not see issued: what is it, and what does that prove?"""
    claims = tokens.peek(token)
    partner = scene.view.header("X-PARTNER-ID")
    seen = "b2b" in scene.trail.issuances
    if scene.trail.jwt_parts.intersection(token.split(".")[1:]):
        return (_never("an issued token that was altered afterwards", "KKI-TOK-144"),)
    if claims is None:
        if isinstance(tokens.bearer(f"Bearer {token}"), Malformed):
            return (_never(f"no token at all ({length(token)}, some of which no token may have)"),)
        if _names_an_algorithm(token) and seen and scene.knowledge.complete:
            return (_never("a JWT that somebody else made", "KKI-TOK-144"),)
        sure = seen and (scene.knowledge.complete or scene.trail.jwt_tokens)
        return (_never(f"a text of {length(token)} that was never issued"),) if sure else scene.knowledge.unseen(_ISSUE)
    if partner and claims.client_id != partner and partner == scene.knowledge.credentials.client_id:
        return (_anothers(),)
    if _claims_expired(claims, scene.view.exchange.sent_at) and not scene.knowledge.complete:
        return None
    if seen and scene.knowledge.complete:
        return (_never("a well-formed token that somebody else made", "KKI-TOK-144"),)
    return scene.knowledge.unseen(_ISSUE)


def _names_an_algorithm(token: str) -> bool:
    """Whether this is a JWT in form, whoever made it and whatever it claims."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        head = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(head, dict) and "alg" in head


_ISSUE = "the reply of the token endpoint that issued the token"


def _claims_expired(claims: Claims, at: datetime) -> bool:
    return claims.expires < at - GRACE


def _is_customer_token(scene: Scene, token: str) -> bool:
    mine = scene.knowledge.test_data.customer_token
    return scene.trail.token(token, "b2b2c") is not None or (mine is not None and token == mine)


@detector(client="KKI-TOK-042", server="KKI-TOK-142", reason="KKI-RSN-120", fitting=INVALID, operations=SYMMETRIC)
def b2b_token_is_fresh(scene: Scene) -> Detection:
    """The B2B token in use has not expired."""
    token, at = scene.view.token, scene.view.exchange.sent_at
    if not token or _is_customer_token(scene, token):
        return None
    expected = "a token that has not expired"
    if token == scene.knowledge.test_data.expired_b2b_token:
        actual = "one that the profile says has expired"
        return (Fault(where=B2B, expected=expected, actual=actual, fitting=WRONG),)
    issued = scene.trail.token(token, "b2b")
    if issued is not None and issued.expires_at is not None:
        gap = at - issued.expires_at
        if gap <= -GRACE:
            return ()
        force = Force.MUST_REFUSE if gap > GRACE else Force.MAY_REFUSE
        actual = f"one that expired {int(gap.total_seconds())} s before"
        if force is Force.MAY_REFUSE:
            return (_tolerated(Fault(where=B2B, expected=expected, actual="one at the very end of its life")),)
        return (Fault(where=B2B, expected=expected, actual=actual, force=force, fitting=WRONG),)
    if issued is not None:
        return Unknown("when the token expires: its reply does not say")
    claims = None if masked(token) else tokens.peek(token)
    if claims is None or scene.knowledge.complete:
        return None  # never issued: a row of its own
    if _claims_expired(claims, at):
        return (Fault(where=B2B, expected=expected, actual="one whose own exp lies in the past", fitting=WRONG),)
    return ()


@detector(client="KKI-TOK-048", server="KKI-TOK-148", reason="KKI-RSN-120", fitting=INVALID, operations=SYMMETRIC)
def b2b_token_is_not_the_customers(scene: Scene) -> Detection:
    """Authorization does not hold the customer token."""
    token = scene.view.token
    if not token:
        return None
    if scene.trail.token(token, "b2b") is None and _is_customer_token(scene, token):
        return (Fault(where=B2B, expected="the B2B token", actual="the customer token", fitting=WRONG),)
    return ()


@detector(
    client="KKI-TOK-050", server="KKI-TOK-150", reason="KKI-RSN-130", fitting=WRONG_CUSTOMER,
    operations=("payment", "refund"),
)  # fmt: skip
def customer_token_was_issued(scene: Scene) -> Detection:
    """Authorization-customer holds a customer token that the B2B2C endpoint issued, and that has not expired."""
    token = scene.view.customer_token
    if token is None or _is_b2b_token(scene, token):
        return None
    expected = "a customer token that the B2B2C endpoint issued"
    if not token:
        fitting = _WRONG_CUSTOMER | cases("400/02", "400/01")
        empty = Fault(where=CUSTOMER, expected=expected, actual="empty", fitting=fitting)
        # Where a payment by CPAN needs no customer token, an empty one may count as none.
        needless = scene.view.variant == "cpan" and scene.knowledge.choice("customer-token-required") == "not-on-cpan"
        return (_tolerated(empty) if needless else empty,)
    issued = scene.trail.token(token, "b2b2c")
    if issued is not None:
        late = issued.expires_at is not None and scene.view.exchange.sent_at > issued.expires_at + GRACE
        if late:
            return (Fault(where=CUSTOMER, expected=expected, actual="one that has expired", fitting=_WRONG_CUSTOMER),)
        if issued.expires_at is None and _refused_as(scene, WRONG_CUSTOMER):
            return Unknown("when the customer token expires: its reply does not say")
        return _superseded(scene, "b2b2c", issued.client, token, CUSTOMER, WRONG_CUSTOMER)
    if token == scene.knowledge.test_data.customer_token:
        return Unknown(_STALE) if _refused_as(scene, WRONG_CUSTOMER) else ()
    if masked(token):
        return Unknown("the customer token, which was hidden when the recording was made")
    known = "b2b2c" in scene.trail.issuances or scene.knowledge.test_data.customer_token is not None
    if known and scene.knowledge.complete:
        actual = f"a text of {length(token)} that was never issued"
        return (Fault(where=CUSTOMER, expected=expected, actual=actual, fitting=_WRONG_CUSTOMER),)
    return scene.knowledge.unseen("the reply of the B2B2C endpoint that issued it, or test_data.customer_token")


_STALE = "a customer token that is still good: the target refuses test_data.customer_token; renew it in the profile"
_SPENT = "an authCode that is still good: the target refuses this one; each may be good once, so give a new one"


def _refused_as(scene: Scene, fitting: Cases) -> bool:
    case = scene.view.reply.case
    return case is not None and fits(fitting, case)


def _is_b2b_token(scene: Scene, token: str) -> bool:
    if scene.trail.token(token, "b2b") is not None:
        return True
    return bool(token) and token == scene.view.token and not _is_customer_token(scene, token)


@detector(
    client="KKI-TOK-052", server="KKI-TOK-152", reason="KKI-RSN-130", fitting=WRONG_CUSTOMER,
    operations=("payment", "refund"),
)  # fmt: skip
def customer_token_is_not_the_partners(scene: Scene) -> Detection:
    """Authorization-customer does not hold the B2B token."""
    token = scene.view.customer_token
    if not token:
        return None
    if _is_b2b_token(scene, token):
        actual = "the B2B token"
        return (Fault(where=CUSTOMER, expected="the customer token", actual=actual, fitting=_WRONG_CUSTOMER),)
    return ()


GRANTS = {"authorization_code": "authCode", "refresh_token": "refreshToken"}


@detector(
    client="KKI-TOK-032", server="KKI-TOK-132", reason="KKI-RSN-140",
    fitting=cases("400/00", "400/01", "400/02", "401/00"), operations=("b2b2c",),
)  # fmt: skip
def code_fits_the_grant(scene: Scene) -> Detection:
    """A B2B2C token request carries the code that its grantType needs, a string."""
    name = GRANTS.get(scene.view.text("grantType") or "")
    if name is None:
        return None
    if scene.view.text(name) is not None:
        return _odd_other(scene, name)
    there = scene.view.body.members is not None and name in scene.view.body.members
    actual = "no string, or empty" if there else "missing"
    missing = Fault(where=f"body /{name}", expected="a code that is not empty", actual=actual, field=name)
    return (missing, *_odd_other(scene, name))


def _odd_other(scene: Scene, needed: str) -> tuple[Fault, ...]:
    """The code that this grant does not need: a server may mind its type all the same."""
    found = [(name, scene.view.member(name)) for name in GRANTS.values() if name != needed]
    odd = [(name, value) for name, value in found if value is not ABSENT and not isinstance(value, str)]
    return tuple(
        _tolerated(Fault(where=f"body /{name}", expected="a string, where it is there", actual=kind(value), field=name))
        for name, value in odd
    )


@detector(client="KKI-TOK-034", server="KKI-TOK-134", fitting=CODE, operations=("b2b2c",))
def code_was_issued(scene: Scene) -> Detection:
    """authCode and refreshToken are such as DOKU issued."""
    view, trail, data = scene.view, scene.trail, scene.knowledge.test_data
    name = GRANTS.get(view.text("grantType") or "")
    code = view.text(name) if name else None
    if name is None or code is None:
        return None
    book = trail.auth_codes if name == "authCode" else trail.refresh_tokens
    if code in book or (name == "authCode" and code == data.auth_code):
        spent = book.get(code)
        actual = f"one that was spent in exchange {spent}"
        fault = Fault(where=f"body /{name}", expected="a code that was not yet used", actual=actual)
        # No document says whether a code serves once or often.
        return (_tolerated(fault),) if spent else _promised_code(scene, name, code)
    if masked(code):
        return Unknown(f"{name}, which was hidden when the recording was made")
    known = bool(book) or (name == "authCode" and data.auth_code is not None)
    if scene.knowledge.complete and (known or "b2b2c" in trail.issuances):
        actual = f"a text of {length(code)} that was never issued"
        return (Fault(where=f"body /{name}", expected="a code that DOKU issued", actual=actual),)
    return scene.knowledge.unseen(f"the reply that issued the {name}, or test_data.auth_code")


def _promised_code(scene: Scene, name: str, code: str) -> Detection:
    """An authCode may have been spent in an earlier run, or wait for the customer's OTP; a refresh token is fresh."""
    if name == "authCode":
        return Unknown(_SPENT) if _refused_as(scene, CODE) else ()
    whose = [client for (kind, client), last in scene.trail.latest.items() if kind == "refresh" and last == code]
    return _superseded(scene, "refresh", whose[0] if whose else "", code, f"body /{name}", CODE)
