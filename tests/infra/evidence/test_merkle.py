"""The tree: the roots of the known vectors, every proof holds, and no other leaf, place or path does."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evidence.merkle import EMPTY_ROOT, Tree, is_included, leaf_of, node_of, root_from, steps_of

INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The reference trees of Certificate Transparency (RFC 6962), of the first one to eight inputs."""
LEAVES = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=70)


def naive(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 9162, section 2.1.1, defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_of(naive(leaves[:half]), naive(leaves[half:]))


@pytest.mark.parametrize("count", range(1, 9))
def test_the_roots_are_those_of_the_known_vectors(count: int) -> None:
    leaves = [leaf_of(bytes.fromhex(each)) for each in INPUTS[:count]]
    assert Tree(leaves).root.hex() == ROOTS[count - 1]


def test_a_tree_without_leaves_has_the_root_of_nothing() -> None:
    assert Tree([]).root == EMPTY_ROOT == naive([])


@given(LEAVES)
def test_the_root_is_that_of_the_definition_and_every_proof_leads_to_it(data: list[bytes]) -> None:
    leaves = [leaf_of(each) for each in data]
    tree = Tree(leaves)
    assert tree.root == naive(leaves)
    for index, leaf in enumerate(leaves):
        assert is_included(leaf, index, len(leaves), tree.proof(index), tree.root)
        assert len(steps_of(index, len(leaves)) or ()) == len(tree.proof(index))


@given(LEAVES, st.data())
def test_no_other_leaf_place_size_or_path_is_proved(data: list[bytes], draw: st.DataObject) -> None:
    tree = Tree([leaf_of(each) for each in data])
    index = draw.draw(st.integers(0, len(data) - 1))
    leaf, proof = leaf_of(data[index]), tree.proof(index)
    assert not is_included(leaf_of(data[index] + b"x"), index, tree.size, proof, tree.root)
    assert not is_included(leaf, index, tree.size, (*proof, leaf), tree.root)
    assert not is_included(leaf, index, tree.size, proof[1:], tree.root) or not proof
    assert not is_included(leaf, tree.size, tree.size, proof, tree.root)
    assert not is_included(leaf, -1, tree.size, proof, tree.root)
    for at, each in enumerate(proof):
        other = (*proof[:at], bytes([each[0] ^ 1]) + each[1:], *proof[at + 1 :])
        assert not is_included(leaf, index, tree.size, other, tree.root)
        assert root_from(leaf, index, tree.size, (*proof[:at], each[1:], *proof[at + 1 :])) is None


def test_a_node_is_no_leaf() -> None:
    left, right = leaf_of(b"a"), leaf_of(b"b")
    assert leaf_of(left + right) != node_of(left, right)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        Tree([leaf_of(b"a")] * 3).proof(index)
