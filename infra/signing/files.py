"""Keys in files: the private half in PKCS#8 PEM, readable by its owner alone, the public half in SPKI PEM."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from infra.home import write_atomically
from schemas.errors import MisuseError


class KeyFileError(MisuseError):
    """A file does not hold the key that it should."""

    code = "key-file"


def private_pem() -> bytes:
    """Return a new private key."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path) -> Ed25519PrivateKey:
    """Make a private key in the new file *path* (0600); raise KeyFileError when something is there."""
    if path.exists():
        raise KeyFileError(f"{path} exists: a key that is overwritten is lost; name another file")
    pem = private_pem()
    write_atomically(path, pem.decode())
    return _private(pem, path)


def read_private(path: Path) -> Ed25519PrivateKey:
    """Return the private key in *path*; raise KeyFileError for a file that holds none, or that others may read."""
    pem = _content(path)
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path} may be read by others: `chmod 600` it, and make a new key if it was so for long")
    return _private(pem, path)


def read_public(path: Path) -> bytes:
    """Return the 32 bytes of the public key in *path*; raise KeyFileError."""
    try:
        found = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise KeyFileError(f"{path} holds no public Ed25519 key: `openssl pkey -in KEY.pem -pubout` writes one")
    return found.public_bytes_raw()


def public_pem(key: Ed25519PublicKey) -> str:
    """Return *key* as `openssl pkey -pubout` writes it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}") from None


def _private(pem: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        found = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds no private Ed25519 key without a password: `hub key make` writes one")
    return found
