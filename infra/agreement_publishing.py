"""Agreements become events: published from the operator's files, version after version, and withdrawn with them."""

from collections.abc import Iterable

from aiokafka.errors import KafkaError

from infra.agreement_book import AgreementBook
from infra.control import AGREEMENTS, ControlReader, record_of
from infra.control_log import ControlUnavailableError
from infra.home import Home
from infra.kafka import append
from infra.topology.agreements import Agreement
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import MisuseError


class UnversionedAgreementError(MisuseError):
    """An agreement was edited without a new version."""

    code = "unversioned-agreement"


async def publish_agreements(home: Home, codec: Codec) -> tuple[str, ...]:
    """Publish the agreements of the topology that are new or changed, withdraw those that are gone.

    Returns what was done, a line each; none when nothing was to do. Raises UnversionedAgreementError when one
    changed without a higher version.
    """
    topology = load_topology()
    reader = ControlReader(Credentials.of(home, "hub-admin", topology), codec)
    try:
        await reader.state()
    finally:
        await reader.stop()
    changes = changes_to(reader.agreements, topology.agreements)
    if changes:
        await _write(Credentials.of(home, "hub-control", topology), codec, [record for _, record in changes])
    return tuple(line for line, _ in changes)


def changes_to(book: AgreementBook, wanted: Iterable[Agreement]) -> list[tuple[str, Record]]:
    """Return the records after which *book*, which learns of them, holds what is *wanted*, each with what it does.

    Raises UnversionedAgreementError when an agreement changed without a higher version.
    """
    by_version = {(each.id, each.version): each for each in wanted}
    held, published = book.versions, list[tuple[str, Record]]()
    for version, agreement in sorted(by_version.items()):
        known = held.get(version)
        if known == agreement:
            continue
        if agreement.version <= (used := book.newest(agreement.id)):
            what = "was withdrawn before" if book.is_withdrawn(agreement.id) else "changed"
            raise UnversionedAgreementError(f"agreement {agreement.id} {what}: give it a version above {used}")
        book.take(agreement, withdrawn=False)
        published.append((f"publish {agreement.id} version {agreement.version}", record_of(agreement)))
    # Whose days are all taken by a later version needs no word. A withdrawal goes first: no day is covered twice.
    gone = [each for each in book.now() if (each.id, each.version) not in by_version]
    withdrawn = []
    for each in gone:
        kept = [version for name, version in by_version if name == each.id and version < each.version]
        if kept:
            raise UnversionedAgreementError(
                f"agreement {each.id}: version {each.version} was published and its file is gone; "
                f"give what holds instead a version above {book.newest(each.id)}"
            )
        whole = held[each.id, each.version]
        book.take(whole, withdrawn=True)
        withdrawn.append((f"withdraw {each.id} version {each.version}", record_of(whole, withdrawn=True)))
    return [*withdrawn, *published]


async def _write(credentials: Credentials, codec: Codec, records: list[Record]) -> None:
    schema = hub_contract("Agreement").schema
    writer = codec.writer(f"{AGREEMENTS}-hub.v1.Agreement", schema)
    try:
        await append(credentials, AGREEMENTS, [writer.encode(record) for record in records])
    except KafkaError as error:
        raise ControlUnavailableError(f"the agreements were not published ({type(error).__name__})") from None
