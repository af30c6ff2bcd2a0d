"""Contender: a bare loop on confluent-kafka, at least once or, with `transactions` as argument, exactly once."""

import sys
from typing import Any

from _contender import BATCH, POLL_S, Span, Task
from _transform import Transform
from confluent_kafka import Consumer, Message, Producer


class Loop:
    """Consume a thousand, transform, produce, wait for all of them, commit."""

    def __init__(self, task: Task, *, transactions: bool) -> None:
        self._task = task
        self._transactions = transactions
        self._transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))
        self._failed: list[Any] = []
        self._consumer = Consumer(
            {
                **task.librdkafka(),
                "group.id": task.group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        settings = {
            **task.librdkafka(),
            "enable.idempotence": True,
            "linger.ms": 5,
            "partitioner": "murmur2_random",
            "delivery.report.only.error": True,
            "on_delivery": self._told,
        }
        if transactions:
            settings["transactional.id"] = f"hub.bench.{task.name}"
        self._producer = Producer(settings)

    def run(self, span: Span) -> tuple[int, int]:
        """Process every event and return how many there were, in how many commits."""
        if self._transactions:
            self._producer.init_transactions()
        self._consumer.subscribe([self._task.source])
        seen = commits = 0
        while seen < self._task.events:
            records = self._consumer.consume(BATCH, timeout=POLL_S)
            if not records:
                continue
            span.begin()
            self._process(records)
            seen += len(records)
            commits += 1
            span.end()
        self._consumer.close()
        return seen, commits

    def _process(self, records: list[Message]) -> None:
        if self._transactions:
            self._producer.begin_transaction()
        for record in records:
            assert record.error() is None, record.error()
            route, key, value = self._transform(record.value() or b"")
            self._produce(self._task.routes[route], key, value)
        left = self._producer.flush()
        assert not left, f"{left} are not delivered"
        assert not self._failed, self._failed[0]
        if self._transactions:
            reached = self._consumer.position(self._consumer.assignment())
            self._producer.send_offsets_to_transaction(reached, self._consumer.consumer_group_metadata())
            self._producer.commit_transaction()
        else:
            self._consumer.commit(asynchronous=False)

    def _produce(self, topic: str, key: bytes, value: bytes) -> None:
        self._producer.produce(topic, value, key)  # a batch is a hundredth of what the queue holds

    def _told(self, error: object, _message: object) -> None:
        if error is not None:
            self._failed.append(error)


def main() -> None:
    """Run the task on standard input."""
    task, span = Task.given(), Span()
    transactions = "transactions" in sys.argv[1:]
    seen, commits = Loop(task, transactions=transactions).run(span)
    span.answer(seen, **({"transactions": commits} if transactions else {}))


if __name__ == "__main__":
    main()
