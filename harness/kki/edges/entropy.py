"""Time and chance. Everything below the edges gets these values as arguments; here alone they are made."""

from __future__ import annotations

import ipaddress
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

KEY_BITS = 2048  # DOKU, asymmetric signature: RSA 2048, made with `openssl genrsa`


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def wait(seconds: float) -> None:
    """Until so many seconds have gone by: for what the page calls asynchronous."""
    time.sleep(seconds)


def iv() -> bytes:
    """A fresh AES block: 16 octets."""
    return secrets.token_bytes(16)


def salt() -> bytes:
    """A fresh salt for OpenSSL's passphrase form: 8 octets."""
    return secrets.token_bytes(8)


def fresh_id(characters: int = 32) -> str:
    """Lower-case hexadecimal digits, unlike any other: for references, tokens and the like."""
    return secrets.token_hex((characters + 1) // 2)[:characters]


def fresh_digits(digits: int = 12) -> str:
    """ASCII digits without a leading zero: X-EXTERNAL-ID is numeric on payment and refund (contradiction 23)."""
    return str(secrets.randbelow(9) + 1) + "".join(str(secrets.randbelow(10)) for _ in range(digits - 1))


def seed() -> int:
    """A seed for a run that was not given one: 31 bits, so that it is easily typed."""
    return secrets.randbelow(2**31)


def rsa_pair() -> tuple[str, str]:
    """A throw-away RSA key: (private, public) as PEM, PKCS#8 and SubjectPublicKeyInfo."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode("ascii"), public.decode("ascii")


@lru_cache(maxsize=1)
def issuer_key() -> str:
    """The key with which this process's simulators sign B2B tokens. Nobody else needs it, so one a process will do."""
    return rsa_pair()[0]


def self_signed(host: str, *, days: int = 30) -> tuple[str, str]:
    """A throw-away certificate for one host name or address, and its key: PEM both. For a listener under TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kki certify")])
    try:
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host))]
    except ValueError:
        names = [x509.DNSName(host)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(hours=1))
        .not_valid_after(now() + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"), private.decode("ascii")
