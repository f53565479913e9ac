"""What the nearest training messages say of a new one."""

from __future__ import annotations

import numpy as np

from nlu.neighbours import NEAREST, Neighbours


def _two_crowds(each: int = NEAREST + 5) -> Neighbours:
    """Messages that point one way have the first label, the others the second."""
    spread = np.random.default_rng(7).normal(0, 0.05, (2 * each, 130)).astype(np.float32)
    spread[:each, 0] += 1
    spread[each:, 1] += 1
    labels = np.repeat(np.eye(2, dtype=bool), each, axis=0)
    return Neighbours.learnt(spread, labels)


def _pointing(*columns: int) -> np.ndarray:
    row = np.zeros((1, 130), dtype=np.float32)
    row[0, list(columns)] = 1
    return row


def test_a_message_has_the_label_that_all_around_it_have() -> None:
    assert _two_crowds().shares(_pointing(0)).round(2).tolist() == [[1.0, 0.0]]
    assert _two_crowds().shares(_pointing(1)).round(2).tolist() == [[0.0, 1.0]]


def test_a_message_between_two_crowds_leans_to_neither() -> None:
    scores = _two_crowds().scores(_pointing(0, 1))[0]
    assert np.all(np.abs(scores) < 3)
    assert _two_crowds().scores(_pointing(0))[0][0] > 4


def test_messages_without_any_label_are_not_neighbours() -> None:
    rows = np.random.default_rng(3).normal(size=(60, 130)).astype(np.float32)
    labels = np.zeros((60, 1), dtype=bool)
    labels[:30] = True
    assert Neighbours.learnt(rows, labels).shares(rows[40:41]).round(6).tolist() == [[1.0]]


def test_many_messages_read_at_once_are_read_as_one_by_one() -> None:
    neighbours = _two_crowds()
    rows = np.random.default_rng(5).normal(size=(1100, 130)).astype(np.float32)
    together = neighbours.shares(rows)
    assert np.allclose(together[1050], neighbours.shares(rows[1050:1051])[0], atol=1e-5)
