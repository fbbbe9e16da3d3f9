"""The lab's certificate authority, and every authority that this machine trusts beyond Debian's own.

Hosts and base images get both. Behind a company's proxy the machine's private authority is what lets pip and npm work.
"""

import datetime
import re
from pathlib import Path

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .settings import CACHE, INTERNAL_DOMAIN

AUTHORITY = CACHE / "trust" / "authority.pem"
SERVER = CACHE / "trust" / "server.pem"
MACHINE_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DEBIAN_AUTHORITIES = Path("/usr/share/ca-certificates")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def server_names() -> list[str]:
    """The names that the edge answers to: Amazon's in each region, Docker Hub's, and the lab's own."""
    regions = boto3.session.Session().get_available_regions("ec2")
    names = ["*.amazonaws.com", "*.s3.amazonaws.com", "registry-1.docker.io", "auth.docker.io", f"*.{INTERNAL_DOMAIN}"]
    for region in regions:
        names += [f"*.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com", f"*.dkr.ecr.{region}.amazonaws.com"]
    return names


def authority_certificate() -> str:
    """The authority's certificate as PEM, without its key."""
    found = PEM.search(AUTHORITY.read_text())
    assert found, AUTHORITY
    return found.group()


def machine_authorities() -> list[str]:
    """Certificates in this machine's bundle that Debian does not ship, as PEM."""
    if not MACHINE_BUNDLE.exists():
        return []
    debian = {
        "".join(pem.split())
        for path in DEBIAN_AUTHORITIES.rglob("*.crt")
        for pem in PEM.findall(path.read_text(errors="replace"))
    }
    return [pem for pem in PEM.findall(MACHINE_BUNDLE.read_text()) if "".join(pem.split()) not in debian]


def up() -> None:
    """Make the authority and the edge's certificate once; both are cached, because the host image trusts them."""
    if SERVER.exists() and AUTHORITY.exists():
        return
    AUTHORITY.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mcp.aws lab authority")])
    authority = (
        _certificate(issuer, issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mcp.aws lab edge")])
    server = (
        _certificate(subject, issuer, server_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in server_names()]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(AUTHORITY, authority, authority_key)
    _write(SERVER, server, server_key)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
    )


def _write(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
