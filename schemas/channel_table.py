"""What a channel carries of an event type, beside the source: for each field how it leaves, or why it stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from schemas.catalogue import Contract
from schemas.channel_rules import NonPersonal, kinds
from schemas.compiler import compiled_or_none
from schemas.derive import Channel, derive
from schemas.errors import MisuseError
from schemas.privacy_rules import NEVER_LEAVES
from schemas.privacy_table import Row, privacy_table

CHANNELS = (*(str(channel) for channel in Channel), *(str(channel) for channel in NonPersonal))


class UnknownChannelError(MisuseError):
    """No channel has this name."""

    code = "unknown-channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One field of the source, and what becomes of it on the channel."""

    path: str
    privacy_class: str
    ladder: str | None
    minimum: str | None
    becomes: str | None
    """Name on the channel, None where the field stays."""
    form: str
    """`clear`, `sealed`, a level of the ladder, or why the field stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a channel carries of one event type."""

    channel: str
    event_type: str
    fullname: str | None
    """Full name of the derived schema; None when nothing of the event type leaves."""
    fingerprint: str | None
    sides: tuple[Side, ...]


def carried(contract: Contract, channel: str) -> Carried:
    """Return what *channel* carries of *contract*; raise UnknownChannelError."""
    if channel in set(NonPersonal):
        return _non_personal(contract, NonPersonal(channel))
    if channel in set(Channel):
        derived = derive(contract, Channel(channel))
        sides = tuple(_personal(row, channel) for row in privacy_table(contract))
        return Carried(
            channel=channel,
            event_type=contract.name,
            fullname=derived.fullname,
            fingerprint=derived.fingerprint,
            sides=sides,
        )
    raise UnknownChannelError(f"no such channel; the channels are: {', '.join(CHANNELS)}")


@cache
def levels_by_path(contract: Contract) -> Mapping[str, Mapping[str, str]]:
    """Return, by non-personal channel, as what each field of *contract* leaves there; only those that do."""
    found = {}
    for channel in NonPersonal:
        compiled = compiled_or_none(contract, channel)
        if compiled is not None:
            found[str(channel)] = {
                source.path: source.level or "as it is" for column in compiled.columns for source in column.sources
            }
    return found


def _non_personal(contract: Contract, channel: NonPersonal) -> Carried:
    compiled = compiled_or_none(contract, channel)
    columns = {} if compiled is None else {s.path: (c.name, s.level) for c in compiled.columns for s in c.sources}

    def side(row: Row) -> Side:
        name, level = columns.get(row.path, (None, None))
        form = _why_not(row.privacy_class, contract, channel) if name is None else level or "as it is"
        return _side(row, name, form)

    return Carried(
        channel=str(channel),
        event_type=contract.name,
        fullname=None if compiled is None else compiled.fullname,
        fingerprint=None if compiled is None else compiled.fingerprint,
        sides=tuple(map(side, privacy_table(contract))),
    )


def _why_not(privacy_class: str, contract: Contract, channel: NonPersonal) -> str:
    if privacy_class in NEVER_LEAVES:
        return f"{privacy_class} stays in personal channels"
    return "no rule names it" if contract.name in kinds(channel.kind) else "no rule names the event type"


def _personal(row: Row, channel: str) -> Side:
    form = "clear" if channel == Channel.SOURCE else row.forms.get(channel)
    return _side(row, row.path if form else None, form or "stays in the ledger")


def _side(row: Row, becomes: str | None, form: str) -> Side:
    return Side(
        path=row.path,
        privacy_class=row.privacy_class,
        ladder=row.ladder,
        minimum=row.minimum,
        becomes=becomes,
        form=form,
    )
