"""Signs tokens; there is one RSA key per signer and process, because generating keys is slow."""

import base64
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """Return the signing key of `entra`, `github` or any other signer, generated at first use."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_key(name: str) -> rsa.RSAPublicKey:
    return private_key(name).public_key()


def signed(claims: Mapping[str, Any], *, signer: str) -> str:
    """Return an RS256 token with the signer's name as key id."""
    return jwt.encode(dict(claims), private_key(signer), algorithm="RS256", headers={"kid": signer})


def key_set(name: str) -> dict[str, Any]:
    """Return the public key as a JWKS document."""
    numbers = public_key(name).public_numbers()

    def text(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode().rstrip("=")

    return {
        "keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": text(numbers.n), "e": text(numbers.e)}]
    }


def thumbprints(pem: str) -> tuple[Certificate, frozenset[str]]:
    """Return a certificate and its thumbprints (x5t and x5t#S256), base64url without padding."""
    certificate = load_pem_x509_certificate(pem.encode())
    digests = (certificate.fingerprint(algorithm) for algorithm in (hashes.SHA1(), hashes.SHA256()))
    return certificate, frozenset(base64.urlsafe_b64encode(value).decode().rstrip("=") for value in digests)


@cache
def self_signed() -> tuple[str, str]:
    """Return a certificate and its private key as PEM, for apps that sign in with a certificate."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415

    key = private_key("certificate:auditor")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "auditor")])
    now = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()
