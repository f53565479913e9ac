"""What search ranks by: exact FAISS indexes per municipality, and BM25 over words and letters."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Catalogue, Service, Taxonomy
from knowledge.words import Floats

Embed = Callable[[list[str]], Floats]
Part = Literal["name", "summary", "phrase", "needs"]
FORMAT = 2
BATCH = 64
BEST_PASSAGES = 3  # an entry has at least a name, a summary, a phrase and its needs
ANY_LANGUAGE = "*"
PASSAGES = "passages"


class IndexNotReadyError(FileNotFoundError):
    """There is no index, or it was built from another catalogue; the message says what to run."""


@dataclass(frozen=True)
class Passage:
    """One text of an entry that has a vector of its own."""

    service_id: str
    part: Part
    text: str


@dataclass(frozen=True)
class Nearest:
    """Per entry how close its passages are to a query, and which passage is closest."""

    similarity: Floats  # half the best passage, half the mean of the best three
    closest: Floats  # the best passage alone
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Centre:
    """What all texts have in common, taken away before comparing: it only hides differences.

    Mean vectors of passages, and of queries per language (`*` for every other language).
    """

    passages: Floats
    queries: Mapping[str, Floats]

    def of_query(self, vector: Floats, language: str) -> Floats:
        if not self.queries:
            return vector
        mean = self.queries.get(language, self.queries.get(ANY_LANGUAGE))
        return vector if mean is None else _normalised(vector - mean)

    def of_passages(self, vectors: Floats) -> Floats:
        return _normalised(vectors - self.passages) if self.queries else vectors


class MunicipalityIndex:
    """Exact inner products between a query and every passage of one municipality's layers."""

    def __init__(
        self,
        flat: Any,
        passages: Sequence[Passage],
        vectors: Floats,
        rows: NDArray[np.intp],
        centre: Centre,
    ) -> None:
        """`vectors` are those of all passages of the catalogue, `rows` which of them are these."""
        self._flat = flat
        self._passages = tuple(passages)
        self._vectors, self._rows = vectors, rows
        self._centre = centre
        self.service_ids = tuple(dict.fromkeys(p.service_id for p in passages))
        position = {service_id: i for i, service_id in enumerate(self.service_ids)}
        self._owner = np.array([position[p.service_id] for p in passages], dtype=np.int64)
        counts = np.bincount(self._owner)
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])

    def nearest(self, vector: Floats, language: str) -> Nearest:
        """Closeness per entry, in the order of `service_ids`; `vector` is (dim,) normalised."""
        centred = self._centre.of_query(np.asarray(vector, dtype=np.float32), language)
        query = np.ascontiguousarray(centred).reshape(1, -1)
        scores, rows = self._flat.search(query, self._flat.ntotal)
        by_entry = np.argsort(self._owner[rows[0]], kind="stable")  # best first within an entry
        ordered = scores[0][by_entry]
        best = ordered[self._starts]
        top = np.mean([ordered[self._starts + i] for i in range(BEST_PASSAGES)], axis=0)
        closest = rows[0][by_entry[self._starts]]
        passages = tuple(self._passages[row] for row in closest)
        return Nearest((best + top) / 2, best, passages)

    def plain(self, vector: Floats) -> Floats:
        """The embedding alone: inner product with the best passage, nothing taken away."""
        best = np.full(len(self.service_ids), -1, dtype=np.float32)
        np.maximum.at(best, self._owner, self._vectors[self._rows] @ vector)
        return best


class Index:
    """The indexes of all municipalities, built from one catalogue."""

    def __init__(self, municipalities: dict[str, MunicipalityIndex]) -> None:
        self.municipalities = municipalities


def passages_of(service: Service, taxonomy: Taxonomy) -> list[Passage]:
    """The texts of an entry that get a vector: name with kinds, summaries, phrases, needs."""
    kinds = ", ".join(taxonomy.kinds[k].label.get("sv", k) for k in service.kinds)
    needs = ", ".join(taxonomy.needs[n].label.get("sv", n) for n in service.needs)
    texts: list[tuple[Part, str]] = [("name", f"{service.name}. {kinds}")]
    texts += [("summary", text) for text in service.summary.values()]
    texts += [("phrase", phrase) for phrase in service.parent_says]
    texts.append(("needs", needs))
    return [Passage(service.id, part, text) for part, text in texts]


def words_of(service: Service, taxonomy: Taxonomy) -> str:
    """The Swedish text of an entry that words and letters are counted in."""
    swedish = [p.text for p in passages_of(service, taxonomy) if p.part != "summary"]
    swedish += [texts.get("sv", "") for texts in (service.summary, service.say_this)]
    return ". ".join([*swedish, service.how_to_get.get("sv", "")])


def fingerprint(catalogue: Catalogue, embedder: str) -> str:
    """Hash of everything an index depends on: the entries, the layers, the labels, the embedder."""
    content = {
        "format": FORMAT,
        "embedder": embedder,
        "services": [s.model_dump(mode="json") for _, s in sorted(catalogue.services.items())],
        "layers": {m.id: m.layers for m in catalogue.municipalities.values()},
        "taxonomy": catalogue.taxonomy.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]


def build(
    catalogue: Catalogue,
    embed: Embed,
    artifacts: Path,
    progress: Callable[[int, int], None] | None = None,
    embedder: str = "default",
    query_means: Mapping[str, Floats] | None = None,
) -> Path:
    """Embed what is new, write a complete index beside the old one, then swap the manifest.

    `embed` takes passages and returns normalised float32 vectors; `progress` gets (done, total);
    `query_means` holds the mean query vector per language (`*`: any), None compares as it is.
    A failure at any point leaves the index in use untouched. Returns the new folder.
    """
    root = artifacts / "catalogue"
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{fingerprint(catalogue, embedder)}-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    try:
        passages, vectors = _embedded(catalogue, embed, artifacts, progress, embedder)
        _write(catalogue, passages, vectors, query_means or {}, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    previous = _manifest(artifacts)
    _replace_manifest(root, catalogue, embedder, folder)
    _remove_old(root, keep={folder.name, str(previous.get("folder", ""))})
    return folder


def is_current(catalogue: Catalogue, artifacts: Path, embedder: str = "default") -> bool:
    """Whether the index in use was built from exactly this catalogue with this embedder."""
    return _manifest(artifacts).get("fingerprint") == fingerprint(catalogue, embedder)


def load(artifacts: Path, catalogue: Catalogue) -> Index:
    """Open the index in use. Raises IndexNotReadyError when it is missing or stale."""
    manifest = _manifest(artifacts)
    if not manifest:
        raise IndexNotReadyError(f"no catalogue index in {artifacts}; run: lotsa train")
    if manifest["fingerprint"] != fingerprint(catalogue, manifest["embedder"]):
        raise IndexNotReadyError(f"the index in {artifacts} is out of date; run: lotsa train")
    folder = artifacts / "catalogue" / manifest["folder"]
    import faiss  # here, so that the web process, which reads only the words, is without it

    faiss.omp_set_num_threads(1)  # so few vectors are slower on several threads
    passages, vectors = _read_passages(folder)
    with np.load(folder / "means.npz") as means:
        centre = Centre(means[PASSAGES], {k: means[k] for k in means.files if k != PASSAGES})
    municipalities = {}
    for municipality in catalogue.municipalities:
        own = _passages_in(catalogue, municipality, passages)
        if own:
            # Mapped, not read: a municipality nobody asks about takes no memory.
            flat = faiss.read_index(str(folder / f"{municipality}.faiss"), faiss.IO_FLAG_MMAP_IFC)
            municipalities[municipality] = MunicipalityIndex(
                flat, [passages[i] for i in own], vectors, np.array(own), centre
            )
    return Index(municipalities)


def _embedded(
    catalogue: Catalogue,
    embed: Embed,
    artifacts: Path,
    progress: Callable[[int, int], None] | None,
    embedder: str,
) -> tuple[list[Passage], Floats]:
    passages = [
        passage
        for service in catalogue.services.values()
        if service.is_suggestible
        for passage in passages_of(service, catalogue.taxonomy)
    ]
    known = _known_vectors(artifacts, embedder)
    return passages, _embed_new([p.text for p in passages], known, embed, progress)


def _write(
    catalogue: Catalogue,
    passages: Sequence[Passage],
    vectors: Floats,
    query_means: Mapping[str, Floats],
    folder: Path,
) -> None:
    import faiss

    centre = Centre(vectors.mean(axis=0), query_means)
    np.save(folder / "vectors.npy", vectors)
    with (folder / "means.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **{**query_means, PASSAGES: centre.passages})
    rows = [[p.service_id, p.part, p.text] for p in passages]
    (folder / "passages.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    for municipality in catalogue.municipalities:
        own = _passages_in(catalogue, municipality, passages)
        if own:
            flat = faiss.IndexFlatIP(vectors.shape[1])
            flat.add(np.ascontiguousarray(centre.of_passages(vectors[own])))
            faiss.write_index(flat, str(folder / f"{municipality}.faiss"))


def _read_passages(folder: Path) -> tuple[list[Passage], Floats]:
    rows = json.loads((folder / "passages.json").read_text(encoding="utf-8"))
    return [Passage(*row) for row in rows], np.load(folder / "vectors.npy", mmap_mode="r")


def _normalised(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _passages_in(catalogue: Catalogue, municipality: str, passages: Sequence[Passage]) -> list[int]:
    ids = {service.id for service in catalogue.in_municipality(municipality)}
    return [i for i, passage in enumerate(passages) if passage.service_id in ids]


def _embed_new(
    texts: Sequence[str],
    known: dict[str, Floats],
    embed: Embed,
    progress: Callable[[int, int], None] | None,
) -> Floats:
    new = list(dict.fromkeys(text for text in texts if text not in known))
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        for text, vector in zip(batch, np.asarray(embed(batch), dtype=np.float32), strict=True):
            known[text] = vector
        if progress:
            progress(min(start + BATCH, len(new)), len(new))
    return np.stack([known[text] for text in texts]) if texts else np.zeros((0, 1), np.float32)


def _known_vectors(artifacts: Path, embedder: str) -> dict[str, Floats]:
    """Vectors of the index in use, by text: an edit of one entry embeds only that entry."""
    manifest = _manifest(artifacts)
    if manifest.get("embedder") != embedder:
        return {}
    folder = artifacts / "catalogue" / manifest["folder"]
    try:
        passages, vectors = _read_passages(folder)
    except (OSError, ValueError):
        return {}
    return {p.text: vector for p, vector in zip(passages, vectors, strict=True)}


def _manifest(artifacts: Path) -> dict[str, str]:
    try:
        text = (artifacts / "catalogue" / "manifest.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return dict(json.loads(text))


def _replace_manifest(root: Path, catalogue: Catalogue, embedder: str, folder: Path) -> None:
    manifest = {
        "fingerprint": fingerprint(catalogue, embedder),
        "embedder": embedder,
        "folder": folder.name,
    }
    temporary = root / f"manifest-{uuid.uuid4().hex[:8]}.tmp"
    temporary.write_text(json.dumps(manifest), encoding="utf-8")
    os.replace(temporary, root / "manifest.json")


def _remove_old(root: Path, keep: set[str]) -> None:
    """The folder before this one stays: another process may be reading it."""
    for folder in root.iterdir():
        if folder.is_dir() and folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
