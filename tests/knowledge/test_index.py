"""The index is exact, rebuilt only where something changed, and never half replaced."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge import index
from knowledge.index import IndexNotReadyError
from knowledge.words import BM25, lemmas, letter_grams
from tests.knowledge.small_catalogue import MONEY, Folder, letters_vector


class CountingEmbedder:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        self.texts += texts
        return letters_vector(texts)


def test_a_missing_index_says_what_to_run(folder: Folder) -> None:
    with pytest.raises(IndexNotReadyError, match="lotsa train"):
        index.load(folder.artifacts, folder.put().catalogue())


def test_an_index_of_another_catalogue_is_not_used(folder: Folder) -> None:
    folder.put().search()
    edited = folder.put(name="Nya teamet").catalogue()
    assert not index.is_current(edited, folder.artifacts)
    with pytest.raises(IndexNotReadyError):
        index.load(folder.artifacts, edited)


def test_another_embedder_makes_the_index_out_of_date(folder: Folder) -> None:
    catalogue = folder.put().catalogue()
    index.build(catalogue, letters_vector, folder.artifacts, embedder="one")
    assert index.is_current(catalogue, folder.artifacts, embedder="one")
    assert not index.is_current(catalogue, folder.artifacts, embedder="other")


def test_the_closest_passage_is_found_by_the_exact_inner_product(folder: Folder) -> None:
    catalogue = folder.put().put(**{**MONEY, "id": "budget"}).catalogue()
    index.build(catalogue, letters_vector, folder.artifacts)
    local = index.load(folder.artifacts, catalogue).municipalities["ekby"]
    vector = letters_vector(["skulder hos kronofogden"])[0]
    nearest = local.nearest(vector, "sv")
    for i, service_id in enumerate(local.service_ids):
        passages = index.passages_of(catalogue.services[service_id], catalogue.taxonomy)
        exact = np.sort(letters_vector([p.text for p in passages]) @ vector)[::-1]
        assert nearest.closest[i] == pytest.approx(exact[0], abs=1e-5)
        assert nearest.similarity[i] == pytest.approx((exact[0] + exact[:3].mean()) / 2, abs=1e-5)
        assert local.plain(vector)[i] == pytest.approx(exact[0], abs=1e-5)
    best = nearest.passages[int(np.argmax(nearest.closest))]
    assert (best.part, best.text) == ("phrase", "vi har skulder hos kronofogden")


def test_what_all_messages_of_a_language_share_does_not_count(folder: Folder) -> None:
    catalogue = folder.put().put(**{**MONEY, "id": "budget"}).catalogue()
    texts = ["hej hej, skulder", "hej hej, skolan", "hej hej, cykeln"]
    means = {"sv": letters_vector(texts).mean(axis=0)}
    index.build(catalogue, letters_vector, folder.artifacts, query_means=means)
    local = index.load(folder.artifacts, catalogue).municipalities["ekby"]
    greeting, other = letters_vector(["hej hej"])[0], letters_vector(["skulder"])[0]
    asked = letters_vector(["hej hej, skulder"])[0]
    assert local.nearest(greeting, "sv").closest.max() < local.nearest(asked, "sv").closest.max()
    assert local.nearest(other, "en").closest == pytest.approx(local.nearest(other, "fi").closest)


def test_a_municipality_does_not_hold_the_entries_of_another(folder: Folder) -> None:
    catalogue = folder.put().put("alby", id="annan-ort").catalogue()
    index.build(catalogue, letters_vector, folder.artifacts)
    loaded = index.load(folder.artifacts, catalogue)
    assert loaded.municipalities["ekby"].service_ids == ("stodteamet",)


def test_a_proposed_entry_gets_no_vectors(folder: Folder) -> None:
    catalogue = folder.put().put(id="planerat", status="proposed").catalogue()
    index.build(catalogue, letters_vector, folder.artifacts)
    loaded = index.load(folder.artifacts, catalogue)
    assert loaded.municipalities["ekby"].service_ids == ("stodteamet",)


def test_an_edited_phrase_embeds_only_that_phrase(folder: Folder) -> None:
    embedder = CountingEmbedder()
    index.build(folder.put().catalogue(), embedder, folder.artifacts)
    embedder.texts.clear()
    edited = folder.put(parent_says=["sonen går inte till skolan", "han stannar hemma"])
    index.build(edited.catalogue(), embedder, folder.artifacts)
    assert embedder.texts == ["han stannar hemma"]


def test_progress_ends_at_the_total(folder: Folder) -> None:
    seen: list[tuple[int, int]] = []
    index.build(
        folder.put().catalogue(),
        letters_vector,
        folder.artifacts,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen
    assert seen[-1][0] == seen[-1][1] > 0


def test_a_build_that_breaks_leaves_the_index_in_use(folder: Folder) -> None:
    catalogue = folder.put().catalogue()
    index.build(catalogue, letters_vector, folder.artifacts)
    before = sorted(p.name for p in (folder.artifacts / "catalogue").iterdir())

    def broken(texts: list[str]) -> NDArray[np.float32]:
        raise MemoryError

    with pytest.raises(MemoryError):
        index.build(folder.put(name="Annat").catalogue(), broken, folder.artifacts)
    assert sorted(p.name for p in (folder.artifacts / "catalogue").iterdir()) == before
    assert index.load(folder.artifacts, catalogue).municipalities["ekby"].service_ids


def test_only_the_index_in_use_and_the_one_before_it_are_kept(folder: Folder) -> None:
    for name in ("Ett", "Två", "Tre", "Fyra"):
        index.build(folder.put(name=name).catalogue(), letters_vector, folder.artifacts)
    folders = [p for p in (folder.artifacts / "catalogue").iterdir() if p.is_dir()]
    assert len(folders) == 2


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    bm25 = BM25([["barn", "skola"], ["barn", "skuld"], ["barn"]])
    assert bm25.scores(["barn", "skuld"]).argmax() == 1
    assert bm25.scores(["okänt"]).tolist() == [0, 0, 0]


def test_inflected_words_meet_in_their_base_form() -> None:
    assert lemmas("skulderna") == lemmas("skuld")
    assert lemmas("barnens") == lemmas("barn")


def test_letter_groups_meet_without_accents_and_in_compounds() -> None:
    assert set(letter_grams("skolvägran")) == set(letter_grams("SKOLVAGRAN"))
    assert set(letter_grams("skola")) & set(letter_grams("förskola"))
