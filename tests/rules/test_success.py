"""What a successful reply says, member by member: which row is broken by what value, under which reading."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kki.drafting import drafts
from kki.model.requirement import Party
from kki.simulator.persona import ids

from .stage import NOW, Stage, broken

ROWS = ids(
    "PAY-216 BND-216 BND-218 BND-220 BND-222 BND-224 BND-230 UNB-218 RFD-214 RFD-216 RFD-220 RFD-222 RFD-224 TOK-210 "
    "TOK-212 TOK-214 TOK-216 TOK-222"
)
GONE = "left out"
NULLS = {"null_members": "absent"}
SOON, PAST = (NOW + timedelta(minutes=5)).isoformat(), (NOW - timedelta(minutes=5)).isoformat()
Row = tuple[str, str, Any, str, dict[str, str]]
TABLE: list[Row] = [
    ("payment", "referenceNo", GONE, "PAY-216", {}), ("payment", "referenceNo", "", "PAY-216", {}),
    ("payment", "referenceNo", None, "PAY-216", {}), ("payment", "referenceNo", "R1", "", {}),
    ("DH", "redirectUrl", GONE, "BND-216", {}), ("DH", "redirectUrl", "", "BND-216 BND-230", {}),
    ("DH", "redirectUrl", "https://pay.doku.com/otp?id=1", "", {}), ("DH", "redirectUrl", "http://localhost/x", "", {}),
    ("DH", "redirectUrl", "ftp://pay.doku.com/otp", "BND-230", {}), ("DH", "redirectUrl", "/otp", "BND-230", {}),
    ("DH", "redirectUrl", "https://", "BND-230", {}), ("DH", "redirectUrl", "https://[::1", "BND-230", {}),
    ("DH", "redirectUrl", 7, "BND-230", {}),
    ("H2H", "redirectUrl", "https://pay.doku.com/otp", "BND-218", {}), ("H2H", "redirectUrl", None, "BND-230", {}),
    ("H2H", "redirectUrl", None, "", NULLS), ("H2H", "redirectUrl", "", "BND-218", NULLS),
    ("none", "redirectUrl", GONE, "BND-220", {}), ("none", "redirectUrl", GONE, "", {"channel_default": "undefined"}),
    ("unbind H2H", "redirectUrl", "https://pay.doku.com/otp", "UNB-218", {}),
    ("unbind H2H", "redirectUrl", GONE, "", {}),
    ("H2H", "additionalInfo", GONE, "BND-222", {}), ("H2H", "additionalInfo", {"authCode": ""}, "BND-222", {}),
    ("H2H", "additionalInfo", {"authCode": "c1"}, "", {}), ("DH", "additionalInfo", GONE, "", {}),
    ("DH", "bankCardToken", "t" * 32, "BND-224", {}),
    ("refund", "originalPartnerReferenceNo", "another", "RFD-214", {}),
    ("refund", "originalPartnerReferenceNo", GONE, "RFD-224", {}),
    ("refund", "originalPartnerReferenceNo", None, "RFD-224", {}),  # its type is a row of its own
    ("refund", "originalPartnerReferenceNo", None, "RFD-224", NULLS),
    ("refund", "partnerRefundNo", "0", "RFD-220", {}), ("refund", "originalReferenceNo", "0", "RFD-216", {}),
    ("refund", "refundTime", GONE, "", {}), ("refund", "refundTime", "2026-11-24T10:00:00+07:00", "", {}),
    ("refund", "refundTime", "2026-11-24T03:00:00Z", "", {}), ("refund", "refundTime", "2026-11-24T10:00:00", "", {}),
    ("refund", "refundTime", "2026-02-30T10:00:00", "RFD-222", {}), ("refund", "refundTime", None, "RFD-222", {}),
    ("refund", "refundTime", "24-11-2026", "RFD-222", {}), ("refund", "refundTime", 1795000000, "RFD-222", {}),
    ("refund", "refundTime", "", "", NULLS),
    ("b2b", "tokenType", "bearer", "", {}), ("b2b", "tokenType", "Basic", "TOK-212", {}),
    ("b2b", "expiresIn", 900, "", {}), ("b2b", "expiresIn", "900", "", {}), ("b2b", "expiresIn", 901, "TOK-214", {}),
    ("b2b", "expiresIn", "901", "TOK-214", {}), ("b2b", "expiresIn", 0, "TOK-214", {}),
    ("b2b", "expiresIn", "0", "TOK-214", {}), ("b2b", "expiresIn", "9e2", "TOK-214", {}),
    ("b2b", "expiresIn", True, "TOK-214", {}), ("b2b", "expiresIn", [900], "TOK-214", {}),
    ("b2b", "expiresIn", GONE, "TOK-214", {}), ("b2b", "expiresIn", "", "TOK-214", {}),
    ("b2b", "accessToken", "", "TOK-210 TOK-216", {}), ("b2b", "accessToken", "a.b.c", "TOK-216", {}),
    ("b2b", "accessToken", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "TOK-216", {}),
    ("b2b2c", "accessTokenExpiryTime", SOON, "", {}), ("b2b2c", "accessTokenExpiryTime", PAST, "TOK-222", {}),
    ("b2b2c", "accessTokenExpiryTime", GONE, "", {}), ("b2b2c", "accessTokenExpiryTime", None, "TOK-222", {}),
    ("b2b2c", "accessTokenExpiryTime", None, "", NULLS), ("b2b2c", "accessTokenExpiryTime", "soon", "TOK-222", {}),
    ("b2b2c", "accessTokenExpiryTime", SOON.replace("+07:00", "+0700"), "", {}),
    ("b2b2c", "refreshTokenExpiryTime", SOON[:19], "", {}), ("b2b2c", "refreshTokenExpiryTime", 900, "TOK-222", {}),
]  # fmt: skip


def request(stage: Stage, kind: str) -> drafts.Draft:
    if kind in ("DH", "H2H", "none"):
        return drafts.a_binding(stage.session.kit(), None if kind == "none" else kind)
    if kind == "unbind H2H":
        return stage.a("unbind").with_header("CHANNEL-ID", "H2H")
    return stage.a(kind)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]} {str(row[2])[:24]} {'-'.join(row[4])}")
def test_a_member_of_a_successful_reply(row: Row) -> None:
    kind, name, value, rows, readings = row
    stage = Stage(**readings)
    taken = stage.client.send(request(stage, kind), "r")
    assert taken.response is not None
    assert taken.response.status == 200
    members = json.loads(taken.response.body)
    members.pop(name, None)
    if value != GONE:
        members[name] = value
    reply = replace(taken.response, body=json.dumps(members).encode())
    verdicts = stage.judge.judge(replace(taken, response=reply))
    found = {each.removeprefix("KKI-") for each in broken(verdicts, Party.SERVER) & ROWS}
    assert found - {"TOK-216"} == set(rows.split()) - {"TOK-216"}
    if name == "accessToken":
        assert found == set(rows.split())
