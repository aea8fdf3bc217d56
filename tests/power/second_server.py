"""A second correct server, written from the contract alone: it shares no code with the simulator, the rules or `snap`.

It guards against misreadings that simulator and rules might share, so it differs wherever the documents leave room: an
unknown partner is 404/16, a missing token 401/03, a card that does not open 404/11, a repeated refund gets its first
reply again, an authorisation code is good once, and an X-EXTERNAL-ID is used up by the signature, not by the fields.
Plain sockets, a thread a connection, one lock around everything that is remembered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .plain_http import serving

CONTRACT = Path(__file__).parents[2] / "openapi"
WIB = timezone(timedelta(hours=7))
WINDOW = timedelta(hours=1)  # between the five minutes that must pass and the day that must not
SETTLES = timedelta(milliseconds=100)  # how long an unbinding stays pending
BODY_MOST = 2 * 1024 * 1024
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
MISSING = {"authorization": (401, "03"), "authorization-customer": (401, "04"), "x-signature": (401, "00")}
TEXT_OR_BLANK = re.compile(rb'"(?:[^"\\]+|\\.)*"|[ \t\r\n]+', re.DOTALL)


class No(Exception):  # noqa: N818  — an answer, not an error
    """A refusal: HTTP status, case, and what is added to the case's name."""

    def __init__(self, status: int, case: str, detail: str = "") -> None:
        super().__init__(status, case, detail)
        self.status, self.case, self.detail = status, case, detail


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    """JSON Schema's patterns are ECMA-262's: `$` is the very end, `\\d` is ASCII."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value, re.ASCII):
        yield jsonschema.ValidationError("does not match")


Shapes = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def minified(body: bytes) -> bytes:
    return TEXT_OR_BLANK.sub(lambda found: found[0] if found[0][:1] == b'"' else b"", body)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def read_json(body: bytes) -> Any:
    try:  # float("none of JSON's") is a ValueError: NaN and Infinity are refused
        return json.loads(body.decode("utf-8"), object_pairs_hook=unique, parse_constant=lambda _: float("no"))
    except (ValueError, RecursionError):
        raise No(400, "00") from None


def moment_of(text: str) -> datetime | None:
    if not MOMENT.fullmatch(text):
        return None
    zone = "+00:00" if text.endswith("Z") else text[-6:]
    if int(zone[1:3]) > 23 or int(zone[4:]) > 59:
        return None
    try:
        return datetime.fromisoformat(text[:19] + zone)
    except ValueError:
        return None


def is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def opened(card: str, key: str) -> dict[str, Any] | None:
    """Form A of the documents: Base64(ciphertext)|Base64(vector), AES-128-CBC, the first 16 characters of the key."""
    try:
        sealed, vector = (base64.b64decode(part, validate=True) for part in card.split("|"))
        cipher = Cipher(algorithms.AES(key.encode()[:16].ljust(16, b"-")), modes.CBC(vector)).decryptor()
        plain = cipher.update(sealed) + cipher.finalize()
        if not plain or not 1 <= plain[-1] <= 16 or plain[-plain[-1] :] != plain[-1:] * plain[-1]:
            return None
        card_data = json.loads(plain[: -plain[-1]].decode("utf-8"))
        needed = [card_data[name] for name in ("bankCardNo", "bankCardType", "expiryDate")]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    strings = all(isinstance(value, str) and value for value in needed)
    return card_data if strings and re.fullmatch(r"(0[1-9]|1[0-2])[0-9]{2}", needed[2]) else None


class Bank:
    """Everything the server knows; one call of `answer` at a time."""

    def __init__(self, profile: Any) -> None:
        self.document = yaml.safe_load((CONTRACT / "kki.openapi.yaml").read_text("utf-8"))
        rows = tomllib.loads((CONTRACT / "readings.toml").read_text("utf-8"))["reading"]
        self.readings = {row["id"]: row.get("default") for row in rows}
        self._relax(self.document)
        self.names = {(row["status"], row["case"]): row["name"] for row in self.document["x-response-codes"]}
        self.operations = {path: item["post"] for path, item in self.document["paths"].items()}
        self.partners = {held.client_id: held for held in (profile.credentials, profile.other_partner) if held}
        data = profile.test_data
        self.mine, self.cpan, self.otp = profile.credentials.client_id, data.cpan, data.otp
        self.cards: dict[str, datetime | None] = dict.fromkeys(data.bank_card_tokens)  # when the unbinding is final
        self.codes = {data.auth_code: self.mine}
        self.b2b: dict[str, tuple[str, datetime]] = {}
        self.customers: dict[str, datetime] = {}
        self.refreshing: dict[str, str] = {}
        self.used: set[tuple[str, str, str]] = set()  # day, partner, X-EXTERNAL-ID
        self.payments: dict[str, str] = {}  # partnerReferenceNo → referenceNo
        self.refunds: dict[str, tuple[str, dict[str, str]]] = {}  # original → partnerRefundNo, reply
        self.key = rsa.generate_private_key(65537, 2048)
        self.lock = threading.Lock()
        self.url = ""

    def _relax(self, node: Any) -> None:
        """Take out the keywords that rest on a reading which is not the default."""
        if isinstance(node, list):
            for item in node:
                self._relax(item)
        elif isinstance(node, dict):
            for tag in node.get("x-requirement", ()):
                reading, _, choice = tag.get("reading", "").partition("=")
                if reading and self.readings[reading] != choice:
                    for keyword in tag["keywords"]:
                        node.get("schema", node).pop(keyword, None)
            for item in node.values():
                self._relax(item)

    # --- one request --------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes, dict]:
        path = target.partition("?")[0]
        operation, extra = self.operations.get(path), {}
        with self.lock:
            try:
                status, told, extra = 200, *self._served(operation, method, target, headers, body)
                case, detail = "00", ""
            except No as no:
                status, case, detail, told = no.status, no.case, no.detail, {}
        service = operation["x-service-code"] if operation else "00"
        service = service if isinstance(service, str) else self.readings[service["reading"]]
        message = f"{self.names[status, case]} {detail}".strip()
        reply = {"responseCode": f"{status}{service}{case}", "responseMessage": message, **told}
        return status, json.dumps(reply).encode(), extra

    def _served(self, operation: Any, method: str, target: str, headers: list, body: bytes) -> tuple[dict, dict]:
        if operation is None:
            raise No(404, "02")
        if method != "POST":
            raise No(405, "00")
        if len(body) > BODY_MOST:
            raise No(400, "00")
        parameters = [self._resolved(one) for one in operation["parameters"]]
        given = self._headers(parameters, headers)
        value = read_json(body)
        if not isinstance(value, dict):
            raise No(400, "00")
        if operation["x-signature"] == "asymmetric":
            return self._token(operation, given, value)
        self._authorised(parameters, given, target, body)
        day = datetime.now(WIB).date().isoformat()
        external = (day, given["x-partner-id"], given["x-external-id"])
        if external in self.used:
            raise No(409, "00")
        self.used.add(external)
        self._shape(operation, value)
        match operation["operationId"]:
            case "bind":
                return self.bind(value, given), {}
            case other:
                return {"payment": self.payment, "refund": self.refund, "unbind": self.unbind}[other](value), {}

    def _resolved(self, node: dict) -> dict:
        while "$ref" in node:
            found: Any = self.document
            for step in node["$ref"].split("/")[1:]:
                found = found[step]
            node = found
        return node

    def _headers(self, parameters: list[dict], headers: list[tuple[str, str]]) -> dict[str, str]:
        """The values by lower-case name; refused: the API's own header twice, with two values."""
        given: dict[str, str] = {}
        ours = {one["name"].lower() for one in parameters}
        for name, text in ((each.lower(), text) for each, text in headers):
            if name in ours and given.get(name, text) != text:
                raise No(400, "01", name.upper())
            given[name] = text
        for one in parameters:
            name = one["name"].lower()
            text = given.setdefault(name, "")
            if not text and one["required"]:
                raise No(*MISSING.get(name, (400, "02")), one["name"])
            if text and not Shapes(one["schema"]).is_valid(text):
                raise No(400, "01", one["name"])
            if text and not {"x-timestamp": moment_of, "x-ip-address": is_address}.get(name, len)(text):
                raise No(400, "01", one["name"])
        return given

    def _fresh(self, given: dict[str, str]) -> None:
        moment = moment_of(given["x-timestamp"])
        assert moment is not None
        if abs(datetime.now(UTC) - moment) > WINDOW:
            raise No(401, "00", "X-TIMESTAMP is out of range")

    def _authorised(self, parameters: list[dict], given: dict[str, str], target: str, body: bytes) -> None:
        partner = self.partners.get(given["x-partner-id"])
        if partner is None:
            raise No(404, "16")
        scheme, _, token = given["authorization"].partition(" ")
        owner, until = self.b2b.get(token.strip(), ("", datetime.now(UTC)))
        if scheme.lower() != "bearer" or owner != partner.client_id or until <= datetime.now(UTC):
            raise No(401, "01")
        digest = hashlib.sha256(minified(body)).hexdigest()
        text = f"POST:{target}:{token.strip()}:{digest}:{given['x-timestamp']}"
        mac = hmac.digest(partner.client_secret.encode(), text.encode("utf-8", "surrogateescape"), "sha512")
        if not hmac.compare_digest(base64.b64encode(mac), given["x-signature"].encode("utf-8", "surrogateescape")):
            raise No(401, "00", "Signature")
        self._fresh(given)
        if any(one["name"] == "Authorization-customer" for one in parameters):
            text = given["authorization-customer"]
            customer = text[7:].strip() if text[:7].lower() == "bearer " else text
            if self.customers.get(customer, datetime.now(UTC)) <= datetime.now(UTC):
                raise No(401, "02")

    def _shape(self, operation: dict, value: dict) -> None:
        content = operation["requestBody"]["content"]["application/json"]["schema"]
        name = "PaymentByToken" if value.get("bankCardToken") not in (None, "") else "PaymentByCpan"
        if "anyOf" in content:
            if value.get("bankCardToken") in (None, "") and value.get("chargeToken") in (None, ""):
                raise No(400, "02", "chargeToken or bankCardToken")
            content = {"$ref": f"#/components/schemas/{name}"}
        for member in self._resolved(content)["required"]:
            if value.get(member) in (None, ""):
                raise No(400, "02", member)
        schema = {**content, "components": self.document["components"]}
        for error in Shapes(schema).iter_errors(value):
            if error.validator == "required":
                missing = [each for each in error.validator_value if each not in value]
                raise No(400, "02", missing[0])
            raise No(400, "01", str(error.absolute_path[0]) if error.absolute_path else "")

    # --- tokens ---------------------------------------------------------------------------------------

    def _token(self, operation: dict, given: dict[str, str], value: dict) -> tuple[dict, dict]:
        client = self.partners.get(given["x-client-key"])
        if client is None:
            raise No(401, "00", "Unknown client")
        key = serialization.load_pem_public_key(client.public_key.encode())
        text = f"{given['x-client-key']}|{given['x-timestamp']}".encode()
        try:
            signature = base64.b64decode(given["x-signature"], validate=True)
            if base64.b64encode(signature).decode() != given["x-signature"]:
                raise ValueError
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr,call-arg]
        except (ValueError, InvalidSignature):
            raise No(401, "00", "Signature") from None
        self._fresh(given)
        self._shape(operation, value)
        now = datetime.now(WIB)
        told = self._b2b(client, now) if operation["operationId"] == "b2b" else self._b2b2c(client, value, now)
        return told, {"X-CLIENT-KEY": client.client_id, "X-TIMESTAMP": now.isoformat(timespec="seconds")}

    def _b2b(self, client: Any, now: datetime) -> dict:
        claims = {"exp": int(now.timestamp()) + 900, "iss": "DOKU", "clientId": client.client_id}
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, {**claims, "jti": secrets.token_hex(8)})]
        head = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        proof = self.key.sign(head, padding.PKCS1v15(), hashes.SHA256())
        token = (head + b"." + base64.urlsafe_b64encode(proof).rstrip(b"=")).decode()
        self.b2b[token] = client.client_id, now + timedelta(seconds=900)
        return {"accessToken": token, "tokenType": "Bearer", "expiresIn": "900"}

    def _b2b2c(self, client: Any, value: dict, now: datetime) -> dict:
        by_code = value["grantType"] == "authorization_code"
        held, name = (self.codes, "authCode") if by_code else (self.refreshing, "refreshToken")
        if value.get(name) in (None, ""):
            raise No(400, "02", name)
        if held.get(value[name]) != client.client_id:
            raise No(401, "00", f"Unknown {name}")
        del held[value[name]]
        access, refresh = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
        self.customers[access] = now + timedelta(days=15)
        self.refreshing[refresh] = client.client_id
        ends = [(now + timedelta(days=days)).isoformat(timespec="seconds") for days in (15, 30)]
        return {
            "accessToken": access, "tokenType": "Bearer", "accessTokenExpiryTime": ends[0],
            "refreshToken": refresh, "refreshTokenExpiryTime": ends[1],
        }  # fmt: skip

    # --- what the operations do -------------------------------------------------------------------------

    def _is_bound(self, token: str) -> bool:
        return token in self.cards and (self.cards[token] is None or datetime.now(UTC) < self.cards[token])

    def payment(self, value: dict) -> dict:
        reference = value["partnerReferenceNo"]
        if value.get("bankCardToken"):
            if not self._is_bound(value["bankCardToken"]):
                raise No(404, "11")
        elif value["chargeToken"] != self.cpan:
            raise No(404, "11")
        elif value["otp"] != self.otp:
            raise No(404, "15")
        if reference in self.payments:
            raise No(409, "01")
        self.payments[reference] = "PAY-" + secrets.token_hex(8)
        return {"referenceNo": self.payments[reference]}

    def refund(self, value: dict) -> dict:
        original, number = value["originalPartnerReferenceNo"], value["partnerRefundNo"]
        if original not in self.payments:
            raise No(404, "01")
        if original in self.refunds:
            if self.refunds[original][0] != number:
                raise No(405, "01")
            return self.refunds[original][1]
        told = {
            "originalPartnerReferenceNo": original, "originalReferenceNo": self.payments[original],
            "refundNo": "RF-" + secrets.token_hex(8), "partnerRefundNo": number,
            "refundTime": datetime.now(WIB).isoformat(timespec="seconds"),
        }  # fmt: skip
        self.refunds[original] = number, told
        return told

    def bind(self, value: dict, given: dict[str, str]) -> dict:
        if opened(value["cardData"], self.partners[given["x-partner-id"]].shared_key) is None:
            raise No(404, "11")
        told: dict[str, Any] = {"referenceNo": "BIND-" + secrets.token_hex(8)}
        if given.get("channel-id") == "H2H":
            code = secrets.token_urlsafe(24)
            self.codes[code] = given["x-partner-id"]
            return {**told, "additionalInfo": {"authCode": code}}
        return {**told, "redirectUrl": f"{self.url}/otp/{secrets.token_hex(8)}"}

    def unbind(self, value: dict) -> dict:
        token = value["tokenId"]
        if not self._is_bound(token):
            raise No(404, "11")
        self.cards[token] = self.cards[token] or datetime.now(UTC) + SETTLES
        return {"referenceNo": "UNB-" + secrets.token_hex(8)}


@contextmanager
def second_server(profile: Any) -> Iterator[str]:
    """The address of a fresh server that knows the profile's partners and test data."""
    bank = Bank(profile)
    with serving(bank.answer) as url:
        bank.url = url
        yield url
