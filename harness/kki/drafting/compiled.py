"""A case or a body that Schemathesis made, as a draft: live data everywhere but in the place that it is about."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kki.drafting.bounds import REFERS
from kki.drafting.coverage import CoverageCase
from kki.drafting.drafts import Draft, compact
from kki.model.http import Request

_SIGNATURE = "x-signature"


def as_draft(case: CoverageCase, base: Draft, reference: str) -> Draft:
    """`base`: a correct request of the case's operation. `reference`: fresh, for values that may be identifiers."""
    draft = _headers(case, base) if case.location == "header" else _body(case, base, reference)
    name = (case.description,) if case.mode == "negative" else ()
    return Draft(
        operation=draft.operation,
        request=draft.request,
        plan=draft.plan,
        after=draft.after,
        mutations=(*draft.mutations, *name),
        exact=draft.exact,
    )


def _headers(case: CoverageCase, draft: Draft) -> Draft:
    """X-SIGNATURE is spoiled after signing, every other header before it: one thing is broken, not two."""
    for name in case.omit:
        draft = draft.then(_without(name)) if name.lower() == _SIGNATURE else draft.without_header(name)
    for name, value in case.headers.items():
        draft = draft.then(_with(name, value)) if name.lower() == _SIGNATURE else draft.with_header(name, value)
    return draft


def _with(name: str, value: str) -> Any:
    return lambda request: request.with_header(name, value)


def _without(name: str) -> Any:
    def change(request: Request) -> Request:
        return request.without_header(name)

    return change


def _body(case: CoverageCase, draft: Draft, reference: str) -> Draft:
    whole = case.body
    if (
        case.body_text is not None
        or not isinstance(whole, dict)
        or (case.parameter is None and case.mode == "negative")
    ):
        return draft.with_body(case.payload)
    if case.parameter is None:
        return draft.with_json({name: value for name, value in draft.json.items() if name in whole} or draft.json)
    if case.parameter not in whole:
        return draft.lacking(case.parameter)
    value = whole[case.parameter]
    if case.mode == "positive" and isinstance(value, str) and len(value) >= 12:
        value = reference[:8] + value[8:]
    return draft.having(**{case.parameter: value})


LIVE = REFERS | {"partnerReferenceNo", "partnerRefundNo", "grantType", "authCode", "refreshToken"}
"""Members whose right value chance does not find, or finds twice: they are the draft's own, unless they are spoiled."""


def grafted(base: Draft, body: Any, spoiled: Collection[str]) -> Draft:
    """A body made by chance, on a correct request: live where it has to be, and spoiled where it is.

    Without, most of what is sent would be refused for an unknown card, and nothing else of it would be tried.
    """
    if not isinstance(body, dict):
        return base.with_body(compact(body))
    live = {name: value for name, value in base.json.items() if name in LIVE and name in body and name not in spoiled}
    return base.with_body(compact({**body, **live}))
