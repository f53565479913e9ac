"""Looks for the training messages that mean most nearly the same, and reads their labels.

Linear models see what many messages of a label have in common; neighbours also know the rare way
of saying it that only a few share. On authors held out they raised the level from .72 to .75, the
intents from .89 to .90 and danger found at the same false alarms by five points or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlu.embedder import Vectors

AXES = 128  # directions kept of the vectors: as good as all, a third of the time
NEAREST = 20
NEARNESS = 12.0  # how much nearer ones count more
AT_ONCE = 512  # messages compared in one product
LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Neighbours:
    """Training messages, one row each: vectors of length one, and which labels each has."""

    axes: Vectors  # (columns of the meaning, AXES)
    vectors: Vectors  # (messages, AXES)
    truth: Vectors  # (messages, labels), 0 or 1

    @classmethod
    def learnt(cls, meaning: Vectors, truth: NDArray[np.bool_]) -> Neighbours:
        """Remembers messages with at least one label; AXES are where they differ most."""
        labelled = truth.any(axis=1)
        rows = meaning[labelled]
        _, directions = np.linalg.eigh(rows.T @ rows)
        axes = np.ascontiguousarray(directions[:, ::-1][:, :AXES], dtype=np.float32)
        return cls(axes, _of_length_one(rows @ axes), truth[labelled].astype(np.float32))

    def shares(self, meaning: Vectors) -> NDArray[np.float64]:
        """Per message and label, the share of its nearest neighbours that have the label, 0..1."""
        found = np.zeros((len(meaning), self.truth.shape[1]))
        for start in range(0, len(meaning), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            found[rows] = self._shares(_of_length_one(meaning[rows] @ self.axes))
        return found

    def scores(self, meaning: Vectors) -> NDArray[np.float64]:
        """The shares as log odds, so that they add up with a linear model's scores."""
        shares = self.shares(meaning)
        return np.asarray(np.log((shares + LEAST_SHARE) / (1 - shares + LEAST_SHARE)))

    def _shares(self, rows: Vectors) -> NDArray[np.float64]:
        alike = rows @ self.vectors.T
        count = min(NEAREST, alike.shape[1] - 1)
        nearest = np.argpartition(-alike, count, axis=1)[:, :count]
        weight = np.exp(NEARNESS * np.take_along_axis(alike, nearest, axis=1))
        weight /= weight.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("mn,mnl->ml", weight, self.truth[nearest]))


def _of_length_one(rows: NDArray[Any]) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.maximum(length, 1e-9), dtype=np.float32)
