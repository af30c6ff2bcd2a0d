"""Which key encryption key a hub uses, as its settings say; and the move from the keyset file to another."""

from collections.abc import Collection, Sequence

from infra.home import Home
from infra.settings import Settings, WrongSettingError
from infra.vault.kek import Kek, KekId, Wrapped
from infra.vault.keyset_file import KeysetFileKek, belongs_to_file
from infra.vault.transit import TransitKek, TransitPlace


class SucceedingKek:
    """Wraps with *successor*; opens what the *former* keyset file wrapped, until a rotation has retired it."""

    def __init__(self, successor: Kek, former: KeysetFileKek) -> None:
        self._successor = successor
        self._former = former

    async def current(self) -> KekId:
        """Return the id of the successor."""
        return await self._successor.current()

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[Wrapped]:
        """Return *keys* wrapped by the successor."""
        return await self._successor.wrap(keys)

    async def unwrap(self, wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
        """Return the keys, each opened by whichever wrapped it."""
        found: dict[int, bytes] = {}
        for kek, is_former in ((self._former, True), (self._successor, False)):
            own = [i for i, (each, _) in enumerate(wrapped) if belongs_to_file(each.kek_id) is is_former]
            if own:
                found |= zip(own, await kek.unwrap([wrapped[i] for i in own]), strict=True)
        return [found[i] for i in range(len(wrapped))]

    async def rotate(self) -> KekId:
        """Make a new key encryption key at the successor."""
        return await self._successor.rotate()

    async def retire(self, ids: Collection[KekId]) -> None:
        """Destroy each of *ids* where it is."""
        await self._former.retire([each for each in ids if belongs_to_file(each)])
        if own := [each for each in ids if not belongs_to_file(each)]:
            await self._successor.retire(own)


def kek_of(home: Home, settings: Settings) -> Kek:
    """Return the key encryption key of *home*; with the keyset file, make it when there is none.

    Raises WrongSettingError when the settings of transit are incomplete.
    """
    path = home.secrets_dir / "kek.json"
    if settings.kek == "file":
        return KeysetFileKek.create_if_missing(path)
    if settings.kek_address is None or settings.kek_token_file is None:
        raise WrongSettingError("HUB_KEK=transit needs HUB_KEK_ADDRESS and HUB_KEK_TOKEN_FILE")
    transit = TransitKek(
        TransitPlace(
            address=settings.kek_address,
            key=settings.kek_key,
            mount=settings.kek_mount,
            token_file=settings.kek_token_file,
            ca_file=settings.kek_ca_file,
        )
    )
    return SucceedingKek(transit, KeysetFileKek(path)) if path.exists() else transit
