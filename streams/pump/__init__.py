"""The pump: gives every processor exactly-once, whatever dies, freezes or comes back in the middle.

Rule 1   One transactional producer per input partition. On every start and after every error: start the producer
         (which fences the previous owner), read what Kafka has committed and what SQL has stored, publish what the
         outbox holds beyond Kafka, then seek. Always seek.                                          recovery.py
Rule 2   SQL commits before Kafka, in one transaction: checkpoint by compare-and-set, state, outbox, parked records.
         A crash between the two leaves the outbox (stateful) or an offset (stateless) behind; rule 1 catches up.
                                                                                                     partition.py
Rule 3   At most two batches are in flight: one on its way to Kafka, one being thought about. What is not read stays
         in the broker, and a partition that waits or stands still is paused.                        flight.py
Rule 4   A part of the world that is away is waited for, for ever, visibly. Checkpoint and log that contradict each
         other halt the partition with advice.                                          troubles.py, positions.py
Rule 5   A record that cannot be processed is parked under its sequence key, later records of that key queue behind
         it, and the rest flows. When record after record fails, the partition halts instead.        parking.py
Rule 6   A parked record is tried again or discarded when an operator asks; its outputs leave exactly once too, for
         the number of the retry is committed to Kafka with them.                                    retrying.py
Rule 7   A record at which the process dies again and again is found by going one by one, and parked. caution.py
Rule 8   Time, control records and nonces are inputs. Control is read to its end before each batch; the same inputs
         give the same outputs.                                                            records.py, supply.py

The rules know neither Kafka nor SQL: they speak to `ports.py`. Kafka is in `kafka_log.py` and `kafka_producer.py`, SQL
in `books.py`, and the service of the worker that takes and gives back partitions in `service.py`. The simulation in
`tests/simulation` runs the same rules on a log, books and a producer in memory. Picture: `docs/rooms/streams.md`.
"""
