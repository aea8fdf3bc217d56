"""The page at the redirectUrl of a binding under DH: a real form for the customer's OTP. A right one ends the binding.

No document says how the merchant learns the bankCardToken that comes of it (contradiction 34), so the page shows it.
Nothing that a client sends is ever printed here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs

from kki.model.exchange import Exchange
from kki.model.http import Headers, Response
from kki.simulator.business import finish_binding
from kki.simulator.call import Call
from kki.simulator.outcomes import Result

FOLDER = "/direct-debit/kki/binding/"
_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 18px/1.5 system-ui, sans-serif; background: #f4f2ee; color: #1c1e21; }
main { max-width: 26rem; margin: 8vh auto 0; padding: 1.5rem; background: #fff; border-radius: .6rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
label { display: block; margin: 1.2rem 0 .3rem; font-weight: 600; }
input, button { width: 100%; box-sizing: border-box; }
input { font: 1.6rem ui-monospace, monospace; letter-spacing: .2em; padding: .4rem .6rem; }
button { font: inherit; font-weight: 600; margin-top: 1rem; padding: .6rem 1.4rem; border: 0; border-radius: .4rem;
  background: #0b57a4; color: #fff; }
button:focus-visible, input:focus-visible { outline: 3px solid #e0a100; outline-offset: 2px; }
.wrong { color: #b3261e; font-weight: 600; }
.quiet { color: #5c626b; font-size: .9rem; }
code { font-size: 1rem; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
  body { background: #15171a; color: #e7e7e4; } main { background: #1d2024; }
  .quiet { color: #a3a9b1; } .wrong { color: #f2827a; }
}
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = Headers.of(
    [
        ("Content-Type", "text/html; charset=utf-8"),
        (
            "Content-Security-Policy",
            f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'",
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ]
)
_FORM = """<form method="post" autocomplete="off">
<label for="otp">One-time password</label>
<input id="otp" name="otp" type="text" inputmode="numeric" maxlength="8" required autofocus
  autocomplete="one-time-code">
<button type="submit">Confirm</button>
</form>"""
_WRONG = '<p class="wrong" role="alert">That is not the right password. Try again.</p>'
_NONE = "<p>There is no binding here that waits for an OTP. It may be completed already.</p>"
_BOUND = (
    '<p>You may close this page.</p><p class="quiet">For the merchant\'s engineer: the bankCardToken is '
    '<code id="token">{token}</code></p>'
)

Issued = Callable[[str], None]


def otp_page(issued: Issued = lambda _: None) -> Callable[[Call], Result | None]:
    """A guard for a behaviour. `issued` is told of each bankCardToken before anybody else is."""

    def guard(call: Call) -> Result | None:
        if not call.request.path.startswith(FOLDER):
            return None
        session = call.request.path.removeprefix(FOLDER)
        if session not in call.world.sessions:
            return _page(404, "No such binding", _NONE)
        if call.request.method in ("GET", "HEAD"):
            return _page(200, "Bind your card", f"<p>Type the one-time password that your bank sent you.</p>{_FORM}")
        if call.request.method != "POST":
            return _page(405, "Not here", "<p>This page is read (GET) and its form is sent (POST).</p>")
        return _typed(call, session, issued)

    return guard


def _typed(call: Call, session: str, issued: Issued) -> Response:
    token = "TOKEN-KKI-" + call.fresh(28).upper()
    if not finish_binding(call.world, session, _otp(call.request.body), token):
        return _page(422, "Bind your card", _WRONG + _FORM)
    issued(token)
    return _page(200, "Your card is bound", _BOUND.format(token=token))


def _otp(body: bytes) -> str:
    try:
        fields = parse_qs(body.decode("utf-8"), max_num_fields=20)
    except ValueError:
        return ""
    return fields.get("otp", [""])[0].strip()


def _page(status: int, title: str, inside: str) -> Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{inside}'
        '<p class="quiet">A simulated page of a conformance trial. No bank, no money.</p></main></body></html>'
    )
    return Response(status=status, headers=_HEADERS, body=html.encode())


def is_final(exchange: Exchange) -> bool:
    """Whether this exchange was the right OTP at such a page."""
    request, response = exchange.request, exchange.response
    return (
        request.method == "POST" and request.path.startswith(FOLDER) and response is not None and response.status == 200
    )
