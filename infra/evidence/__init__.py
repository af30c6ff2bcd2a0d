"""Evidence: what intake answered is chained, rooted and signed, so that anybody can check it offline.

answer      what was decided on one record, as fixed lines of text; its leaf is what is chained        answers.py
chain       per source partition, entry after entry; nothing can be taken out or put in between        chain.py
tree        over the answers of one batch (RFC 9162); a receipt holds its path to the root             merkle.py
statement   root, chain and what came before, signed by the hub, once for each batch                 statements.py
stamp       a foreign authority's word on when a statement existed (RFC 3161)                           stamps.py

Answers name ledger bytes, which are ciphertext, by their hash: after an erasure no hash confirms a guess (design 12.5).
"""
