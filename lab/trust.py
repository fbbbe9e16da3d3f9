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
        names += [f"*.{service}{region}.amazonaws.com" for service in ("", "s3.", "ecr.", "dkr.ecr.")]
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
    """Make the authority once, as the host image trusts it, and the edge's certificate whenever its names change."""
    AUTHORITY.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mcp.aws lab authority")])
    if not AUTHORITY.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _certificate(issuer, issuer, key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        _write(AUTHORITY, authority.sign(key, hashes.SHA256()), key)
    wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in server_names()])
    if SERVER.exists() and _names(SERVER) == wanted:
        return
    issuer_key = serialization.load_pem_private_key(AUTHORITY.read_bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mcp.aws lab edge")])
    server = (
        _certificate(subject, issuer, key.public_key())
        .add_extension(wanted, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    _write(SERVER, server.sign(issuer_key, hashes.SHA256()), key)


def _names(path: Path) -> x509.SubjectAlternativeName:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


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
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    fresh.replace(path)
