"""What a channel carries of an event type, beside the source: for each field how it leaves, or why it stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from schemas.catalogue import Contract
from schemas.channel_rules import NonPersonal, field_at, kinds
from schemas.compiler import Compiled, NothingLeavesError, compile_for
from schemas.derive import Channel, derive
from schemas.errors import MisuseError
from schemas.privacy_rules import NEVER_LEAVES
from schemas.privacy_table import Row, leaves, privacy_table
from schemas.shapes import shape_of

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
        compiled = _compiled(contract, channel)
        if compiled is not None:
            found[str(channel)] = {
                source.path: source.level or "as it is" for column in compiled.columns for source in column.sources
            }
    return found


def _compiled(contract: Contract, channel: NonPersonal) -> Compiled | None:
    try:
        return compile_for(contract, channel)
    except NothingLeavesError:
        return None


def _non_personal(contract: Contract, channel: NonPersonal) -> Carried:
    compiled = _compiled(contract, channel)
    columns = {} if compiled is None else {s.path: (c, s) for c in compiled.columns for s in c.sources}
    sides = []
    for path, _ in leaves(contract.schema):
        found = field_at(shape_of(contract), path)
        privacy = {} if found is None else found.privacy
        column, source = columns.get(path, (None, None))
        form = (
            source.level or "as it is" if source is not None else _why_not(str(privacy.get("class")), contract, channel)
        )
        sides.append(
            Side(
                path=path,
                privacy_class=str(privacy.get("class")),
                ladder=_text(privacy.get("ladder")),
                minimum=_text(privacy.get("minimum")),
                becomes=None if column is None else column.name,
                form=form,
            )
        )
    return Carried(
        channel=str(channel),
        event_type=contract.name,
        fullname=None if compiled is None else compiled.fullname,
        fingerprint=None if compiled is None else compiled.fingerprint,
        sides=tuple(sides),
    )


def _why_not(privacy_class: str, contract: Contract, channel: NonPersonal) -> str:
    if privacy_class in NEVER_LEAVES:
        return f"{privacy_class} stays in personal channels"
    return "no rule names it" if contract.name in kinds(channel.kind) else "no rule names the event type"


def _personal(row: Row, channel: str) -> Side:
    form = "clear" if channel == Channel.SOURCE else row.forms.get(channel)
    return Side(
        path=row.path,
        privacy_class=row.privacy_class,
        ladder=row.ladder,
        minimum=row.minimum,
        becomes=row.path if form else None,
        form=form or "stays in the ledger",
    )


def _text(said: object) -> str | None:
    return None if said is None else str(said)
