"""The ledger as an auditor with the keys reads it: every event of one agency, opened in memory."""

import asyncio
from collections.abc import Callable
from typing import Any

from infra.home import Home
from infra.workplace import workplace
from schemas.catalogue import contract
from schemas.derive import Channel
from schemas.opening import kids_in, open_record
from tests.running import records

BATCH_RECORDS = 500


def opened_events(home: Home, agency: str, look: Callable[[str, dict[str, Any]], None]) -> int:
    """Call *look* with type and content of every ledger event of *agency*; return how many there are."""
    return asyncio.run(_opened(home, agency, look))


async def _opened(home: Home, agency: str, look: Callable[[str, dict[str, Any]], None]) -> int:
    found = 0
    stored = await asyncio.to_thread(records, home, "ledger")
    async with workplace(home) as place, place.pool("hub_vault", 2) as pool:
        vault = place.vault(pool)
        for start in range(0, len(stored), BATCH_RECORDS):
            batch = stored[start : start + BATCH_RECORDS]
            await asyncio.to_thread(place.codec.learn, [each.value for each in batch])
            decoded = [place.codec.decode(each.value) for each in batch]
            own = [each for each in decoded if each.record["envelope"]["agency"] == agency]  # type: ignore[index,call-overload]
            keys = await vault.open({kid for each in own for kid in kids_in(each.record)})
            for each in own:
                name = each.fullname.rpartition(".")[2]
                look(name, dict(open_record(contract(name), Channel.LEDGER, each.record, keys.get)))
                found += 1
    return found
