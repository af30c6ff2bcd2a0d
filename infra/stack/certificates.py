"""The local certificate authority: one per home, so that clients trust these servers and no others."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.home import Home, write_atomically

CONTROLLER_NAME = "hub-controller"
"""Common name of Kafka's client certificate; broker and controller know each other by it."""

_LIFETIME = dt.timedelta(days=3650)
_RENEW_BEFORE = dt.timedelta(days=30)
_SERVERS = {"kafka": CONTROLLER_NAME, "registry": "hub-registry", "access": "hub-access"}


def ensure_certificates(home: Home) -> None:
    """Make the authority and, per server, `<server>.pem`, `<server>.key` and `<server>.store.pem` (both)."""
    home.tls_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    key_file, certificate_file = home.tls_dir / "ca.key", home.ca_file
    if not (key_file.exists() and _is_fresh(certificate_file)):
        key, certificate = _authority()
        for old in home.tls_dir.iterdir():
            old.unlink()  # what another authority signed is worthless
        write_atomically(key_file, _pem(key))
        write_atomically(certificate_file, _text(certificate), mode=0o644)
    for server, common_name in _SERVERS.items():
        if not _is_fresh(home.tls_dir / f"{server}.pem"):
            _issue(home, server, common_name)


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("hub local authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


def _issue(home: Home, server: str, common_name: str) -> None:
    authority = x509.load_pem_x509_certificate(home.ca_file.read_bytes())
    authority_key = serialization.load_pem_private_key((home.tls_dir / "ca.key").read_bytes(), password=None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the key of the authority is not on an elliptic curve")
    key = ec.generate_private_key(ec.SECP256R1())
    addresses: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = (
        _builder(_name(common_name), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(issuer_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    chain = _text(certificate) + _text(authority)
    write_atomically(home.tls_dir / f"{server}.key", _pem(key))
    write_atomically(home.tls_dir / f"{server}.store.pem", _pem(key) + chain)
    # Last, because its presence says that the others are whole.
    write_atomically(home.tls_dir / f"{server}.pem", chain, mode=0o644)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _is_fresh(file: Path) -> bool:
    if not file.exists():
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return certificate.not_valid_after_utc - _RENEW_BEFORE > dt.datetime.now(dt.UTC)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
