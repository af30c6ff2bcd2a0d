"""The Merkle tree of RFC 9162 (and RFC 6962): root, inclusion proofs, and their check. Pure."""

import hashlib
from collections.abc import Sequence

DIGEST_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_of(data: bytes) -> bytes:
    """Return the hash of a leaf that holds *data*."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_of(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above *left* and *right*."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree over *leaves*, which are hashes already; every level is kept, so that a proof costs no hash."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.size = len(leaves)
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [node_of(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
            if len(below) % 2:
                above.append(below[-1])  # without a neighbour it rises as it is
            self._levels.append(above)

    @property
    def root(self) -> bytes:
        """Return the root; of no leaves the hash of nothing."""
        return self._levels[-1][0] if self.size else EMPTY_ROOT

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return the hashes that lead from the leaf at *index* to the root."""
        if not 0 <= index < self.size:
            raise IndexError("the tree has no such leaf")
        path = []
        for level in self._levels[:-1]:
            if (index ^ 1) < len(level):
                path.append(level[index ^ 1])
            index >>= 1
        return tuple(path)


def steps_of(index: int, size: int) -> tuple[str, ...] | None:
    """Return on which side each hash of the proof for the leaf at *index* of *size* stands; None for no such leaf."""
    if not 0 <= index < size:
        return None
    last, sides = size - 1, []
    while last:
        if index % 2:
            sides.append("left")
        elif index < last:
            sides.append("right")
        index, last = index >> 1, last >> 1
    return tuple(sides)


def root_from(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root to which *proof* leads from *leaf*; None for a proof of the wrong form."""
    sides = steps_of(index, size)
    if sides is None or len(sides) != len(proof) or any(len(each) != DIGEST_BYTES for each in proof):
        return None
    for side, other in zip(sides, proof, strict=True):
        leaf = node_of(other, leaf) if side == "left" else node_of(leaf, other)
    return leaf


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether *leaf* is the one at *index* of the tree of *size* leaves with *root*."""
    return root_from(leaf, index, size, proof) == root
