"""A key encryption key in the transit engine of HashiCorp Vault, over its HTTP API: the key never leaves it.

Each version of the transit key is a key encryption key of its own. A wrapped key is bound to its row as associated
data, so the transit key must be of an AEAD type (aes256-gcm96, the default). To retire versions is to raise
`min_encryption_version` and `min_decryption_version` and to trim: Vault then deletes the older ones for ever.
Source: https://developer.hashicorp.com/vault/api-docs/secret/transit
"""

import base64
import re
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.vault.kek import KekId, KekUnavailableError, Wrapped
from schemas.errors import MisuseError

TIMEOUT_S = 10.0
BATCH_MAX = 500
"""So many keys in one request."""
_CIPHERTEXT = re.compile(r"vault:v(\d+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitPlace:
    """Where the transit key is, and with which rights it is used."""

    address: str
    """Such as `https://vault.example:8200`."""
    key: str
    token_file: Path
    """Read before each request: an agent may replace the token."""
    mount: str = "transit"
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", self.key) or not re.fullmatch(r"[a-zA-Z0-9_/-]{1,64}", self.mount):
            raise MisuseError("HUB_KEK_KEY and HUB_KEK_MOUNT are names in letters, digits, dash and underscore")


class TransitKek:
    """The transit key at *place*; it must exist."""

    def __init__(self, place: TransitPlace) -> None:
        self._place = place
        self._client: httpx.AsyncClient | None = None

    async def current(self) -> KekId:
        """Return the id of the latest version."""
        return self._id((await self._key())["latest_version"])

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[Wrapped]:
        """Return each of *keys* encrypted under the latest version."""
        items = [{"plaintext": _text(key), "associated_data": _text(name.encode())} for key, name in keys]
        found = await self._batches("encrypt", items)
        return [Wrapped(self._id(_version(each["ciphertext"])), each["ciphertext"].encode()) for each in found]

    async def unwrap(self, wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
        """Return the keys, decrypted by Vault."""
        items = [
            {"ciphertext": each.data.decode("ascii", "replace"), "associated_data": _text(name.encode())}
            for each, name in wrapped
        ]
        return [base64.b64decode(each["plaintext"]) for each in await self._batches("decrypt", items)]

    async def rotate(self) -> KekId:
        """Make a new version of the key."""
        await self._ask("POST", f"keys/{self._place.key}/rotate", {})
        return await self.current()

    async def retire(self, ids: Collection[KekId]) -> None:
        """Delete every version up to the newest of *ids*.

        An older one that is not among them was never met by the vault, which takes in none but the current one.
        """
        own = [version for version in map(_version_in, ids) if version]
        if not own:
            return
        key, first_kept = await self._key(), max(own) + 1
        if first_kept > int(key["latest_version"]):
            raise KekUnavailableError("the current key encryption key cannot be retired")
        if first_kept > int(key.get("min_available_version", 0)):
            limits = {"min_decryption_version": first_kept, "min_encryption_version": first_kept}
            await self._ask("POST", f"keys/{self._place.key}/config", limits)
            await self._ask("POST", f"keys/{self._place.key}/trim", {"min_available_version": first_kept})

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _id(self, version: object) -> KekId:
        return KekId(f"transit-{self._place.key}-v{version}")

    async def _key(self) -> Mapping[str, Any]:
        found = await self._ask("GET", f"keys/{self._place.key}", None)
        if not isinstance(found.get("latest_version"), int):
            raise KekUnavailableError("Vault's answer is not about a transit key; see HUB_KEK_ADDRESS and HUB_KEK_KEY")
        return found

    async def _batches(self, action: str, items: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
        found: list[Mapping[str, str]] = []
        for start in range(0, len(items), BATCH_MAX):
            batch = items[start : start + BATCH_MAX]
            answer = await self._ask("POST", f"{action}/{self._place.key}", {"batch_input": batch})
            results = answer.get("batch_results", [])
            wanted = "ciphertext" if action == "encrypt" else "plaintext"
            if len(results) != len(batch) or any(each.get("error") or wanted not in each for each in results):
                raise KekUnavailableError("Vault does not open a key: it was wrapped by another key encryption key")
            found += results
        return found

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Mapping[str, Any]:
        """Return `data` of Vault's answer; what Vault says of an error is not repeated, but its status is."""
        place = self._place
        try:
            token = place.token_file.read_text(encoding="utf-8").strip()
            answer = await self._connected().request(
                method, f"/v1/{place.mount}/{path}", json=body, headers={"X-Vault-Token": token}
            )
        except OSError:
            raise KekUnavailableError("the token for Vault cannot be read; see HUB_KEK_TOKEN_FILE") from None
        except httpx.HTTPError as error:
            raise KekUnavailableError(f"Vault does not answer ({type(error).__name__}); see HUB_KEK_ADDRESS") from None
        if answer.is_error or answer.is_redirect:
            raise KekUnavailableError(f"Vault answers {answer.status_code} {_advice(answer.status_code)}")
        try:
            found = answer.json()["data"] if answer.content else {}
        except (ValueError, KeyError, TypeError):
            raise KekUnavailableError("Vault's answer is not understood; see HUB_KEK_ADDRESS") from None
        return found or {}

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            ca_file = self._place.ca_file
            try:
                verify = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
            except OSError:
                raise KekUnavailableError("the certificate of Vault's CA cannot be read; see HUB_KEK_CA_FILE") from None
            self._client = httpx.AsyncClient(
                base_url=self._place.address, verify=verify, timeout=TIMEOUT_S, trust_env=False
            )
        return self._client


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _version(ciphertext: str) -> int:
    found = _CIPHERTEXT.match(ciphertext)
    if found is None:
        raise KekUnavailableError("Vault's answer is not understood; see HUB_KEK_ADDRESS")
    return int(found[1])


def _version_in(kek_id: KekId) -> int | None:
    found = re.fullmatch(r"transit-.+-v(\d+)", kek_id)
    return None if found is None else int(found[1])


def _advice(status: int) -> str:
    reasons = {
        400: "(wrapped by another key encryption key, or the key is not of an AEAD type)",
        403: "(the token has not the rights; see HUB_KEK_TOKEN_FILE)",
        404: "(no such key; see HUB_KEK_KEY and HUB_KEK_MOUNT)",
        503: "(it is sealed)",
    }
    return reasons.get(status, "")
