"""A small catalogue in a temporary folder, and an embedder that needs no model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from knowledge import index
from knowledge.catalogue import Catalogue, Service
from knowledge.search import Hybrid, Search, Settings, Weights
from knowledge.words import letter_grams

LABELS = {
    "needs": {
        "school_absence": "frånvaro från skolan",
        "npf_child": "barn med adhd eller autism",
        "economy_housing": "pengar, skulder, bostad",
        "parent_crisis": "förälderns egen kris",
        "unclear": "otydligt",
        "out_of_scope": "annat",
    },
    "kinds": {
        "skolsocialt_team": "stöd när skolan inte fungerar",
        "elevhalsa": "elevhälsa",
        "habilitering": "habilitering",
        "budget_skuldradgivning": "budgetrådgivning",
        "socialjour": "socialjour",
        "kontaktcenter": "kontaktcenter",
    },
    "levels": {"information": "information"},
}

ABSENCE: dict[str, Any] = {
    "kinds": ["skolsocialt_team"],
    "needs": ["school_absence"],
    "minimum_age": 6,
    "maximum_age": 16,
    "access_path": "kontakt",
    "parent_says": ["sonen går inte till skolan", "hon vägrar gå till lektionerna"],
}
MONEY: dict[str, Any] = {
    "kinds": ["budget_skuldradgivning"],
    "needs": ["economy_housing"],
    "minimum_age": None,
    "maximum_age": None,
    "access_path": "anmalan",
    "parent_says": ["pengarna räcker inte till hyran", "vi har skulder hos kronofogden"],
}


def entry(**changes: Any) -> dict[str, Any]:
    """Fields of a complete entry about school absence, with `changes` made to it."""
    name = changes.get("name", "Stödteamet")
    fields = {
        "id": "stodteamet",
        "name": name,
        "organization": {"name": "Kommunen", "huvudman": "kommun"},
        "status": "exists",
        "for_whom": ["family"],
        "summary": {"sv": f"{name} hjälper familjen.", "en": f"{name} helps the family."},
        "how_to_get": {"sv": "Ring.", "en": "Call."},
        "phones": [{"number": "016-00 00 00"}],
        "sources": [{"title": "Kommunens sida", "url": "https://example.org"}],
        "verified_on": "2026-01-02",
        "review_due": "2999-01-01",
        **ABSENCE,
    }
    return {**fields, **changes}


def service(**changes: Any) -> Service:
    return Service.model_validate({"layer": "ekby", **entry(**changes)})


def letters_vector(texts: list[str]) -> NDArray[np.float32]:
    """Normalised counts of hashed letter groups: similar words give similar vectors."""
    vectors = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in enumerate(texts):
        for gram in letter_grams(text):
            digest = hashlib.blake2s(gram.encode(), digest_size=2).digest()
            vectors[row, int.from_bytes(digest, "big") % 256] += 1
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


def letters_settings() -> Settings:
    """The filters in use, with weights that suit letter counts instead of a model."""
    weights = Weights(bias=-2.2, hybrid=0.35, overlap=6, kinds=1, out_of_scope=-6)
    hybrid = Hybrid(vector=1, lemma=1, letters=1)
    changes = {
        "weights": {"other": weights},
        "hybrid": {"other": hybrid},
        "threshold": 0.2,
        "similar_phrase": 0.9,
    }
    return Settings.load().model_copy(update=changes)


class Folder:
    """Writes entries to a temporary data folder; two municipalities share the national layer."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.taxonomy = root / "taxonomy.yml"
        self.artifacts = root / "artifacts"
        labels = {
            group: {name: {"label": {"sv": text, "en": text}} for name, text in names.items()}
            for group, names in LABELS.items()
        }
        _write(self.taxonomy, labels)
        for municipality in ("ekby", "alby"):
            _write(self.data / municipality / "_municipality.yml", _municipality(municipality))

    def put(self, layer: str = "ekby", **changes: Any) -> Folder:
        fields = entry(**changes)
        _write(self.data / layer / f"{fields['id']}.yml", fields)
        return self

    def catalogue(self) -> Catalogue:
        return Catalogue.load(self.data, self.taxonomy)

    def search(self) -> Search:
        catalogue = self.catalogue()
        index.build(catalogue, letters_vector, self.artifacts)
        return Search(index.load(self.artifacts, catalogue), catalogue, letters_settings())


def _municipality(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name.capitalize(),
        "fictional": True,
        "layers": [name, "national"],
        "contact_centre": "stodteamet",
        "functions": {"guide": {"exists": False, "instead": ["stodteamet"]}},
        "retention_days": 30,
        "retention_decision": "KS 2026/1",
    }


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
