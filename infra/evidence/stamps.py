"""Time-stamps (RFC 3161) over statements: the word of a foreign authority on when they existed.

One stamp covers the newest statements of all sources: its root is that of a tree over their hashes (RFC 9162), and
each source gets its own way to that root. A statement covers all before it.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from infra.evidence.merkle import leaf_of, root_from
from infra.settings import Settings, WrongSettingError
from schemas.errors import RejectedError, UnavailableError

DOMAIN = b"hub.v1.Stamped\n"
CALL_S = 10.0


class AuthorityError(UnavailableError):
    """The time-stamp authority does not answer, or not as it should."""

    code = "timestamp-authority"


class WrongStampError(RejectedError):
    """A time-stamp that is not the authority's word on this statement."""

    code = "wrong-stamp"


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom the hub asks, and who vouches for it."""

    url: str
    roots: tuple[x509.Certificate, ...]


def authority_of(given: Settings) -> Authority | None:
    """Return the authority that *given* names, None when it names none; raise WrongSettingError for half of one."""
    if given.timestamp_url is None:
        return None
    if given.timestamp_ca_file is None:
        raise WrongSettingError("HUB_TIMESTAMP_CA_FILE: name the certificate of who vouches for HUB_TIMESTAMP_URL")
    return Authority(given.timestamp_url, roots_in(given.timestamp_ca_file))


def unstamped_max(given: Settings) -> dt.timedelta | None:
    """Return how long an answer may go without a time-stamp, None for ever."""
    return None if given.timestamp_url is None else dt.timedelta(seconds=given.timestamp_max_age_s)


def roots_in(path: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificates in the PEM file *path*; raise WrongSettingError."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise WrongSettingError(f"no certificates can be read from {path} ({type(error).__name__})") from None


def stamped_text(root: bytes) -> bytes:
    """Return what the authority stamps of a tree with *root*."""
    return DOMAIN + root.hex().encode() + b"\n"


async def stamp(authority: Authority, root: bytes) -> tuple[bytes, dt.datetime]:
    """Return the authority's response about *root*, checked, and its time; raise AuthorityError."""
    request = TimestampRequestBuilder().data(stamped_text(root)).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        async with httpx.AsyncClient(timeout=CALL_S) as client:
            answer = await client.post(
                authority.url,
                content=request.as_bytes(),
                headers={"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"},
            )
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise AuthorityError(f"the time-stamp authority does not answer ({type(error).__name__})") from None
    try:
        return answer.content, _checked(answer.content, root, authority.roots, request.nonce)
    except WrongStampError as error:
        raise AuthorityError(f"the answer of the time-stamp authority is not good: {error}") from None


def stamped_at(
    token: bytes, statement: bytes, index: int, size: int, proof: Sequence[bytes], roots: Sequence[x509.Certificate]
) -> dt.datetime:
    """Return when the authority saw the statement whose SHA-256 is *statement*; raise WrongStampError."""
    root = root_from(leaf_of(statement), index, size, proof)
    if root is None:
        raise WrongStampError("the way from the statement to the stamped root has a wrong form")
    return _checked(token, root, roots, None)


def _checked(token: bytes, root: bytes, roots: Sequence[x509.Certificate], nonce: int | None) -> dt.datetime:
    builder = VerifierBuilder(roots=list(roots), nonce=nonce)
    try:
        response = decode_timestamp_response(token)
        if response.as_bytes() != token:
            raise WrongStampError("it is not written as it must be")
        builder.build().verify(response, hashlib.sha256(stamped_text(root)).digest())
    except VerificationError as error:
        raise WrongStampError(str(error)) from None
    except ValueError:
        raise WrongStampError("it cannot be read") from None
    return response.tst_info.gen_time
