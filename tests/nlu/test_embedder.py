"""Sentence vectors."""

from __future__ import annotations

import numpy as np
import pytest

from nlu.embedder import DIMENSION, Embedder, Vectors, centred, language_means

TEXTS = ["min son går inte till skolan", "my son does not go to school", "när öppnar simhallen"]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


def vectors(embedder: Embedder) -> Vectors:
    return embedder.encode(TEXTS, "query")


def test_every_vector_has_length_one(embedder: Embedder) -> None:
    rows = vectors(embedder)
    assert rows.shape == (3, DIMENSION)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_the_same_meaning_in_two_languages_lies_closer_than_another_meaning(
    embedder: Embedder,
) -> None:
    swedish, english, other = vectors(embedder)
    assert swedish @ english > swedish @ other


def test_a_query_and_a_passage_of_the_same_words_differ(embedder: Embedder) -> None:
    query = embedder.encode(TEXTS[:1], "query")
    passage = embedder.encode(TEXTS[:1], "passage")
    assert not np.allclose(query, passage)


def test_a_large_batch_gives_the_same_vectors_as_one_text_at_a_time(embedder: Embedder) -> None:
    many = [f"barn nummer {number}" for number in range(70)]
    together = embedder.encode(many, "query")
    alone = np.concatenate([embedder.encode([text], "query") for text in many])
    assert np.allclose(together, alone, atol=1e-6)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.encode([], "query").shape == (0, DIMENSION)


def test_a_zero_byte_does_not_cut_the_text(embedder: Embedder) -> None:
    whole = embedder.encode(["hej\0min son går inte till skolan"], "query")
    cut = embedder.encode(["hej"], "query")
    assert not np.allclose(whole, cut, atol=1e-2)


def test_centred_vectors_of_a_language_have_no_common_direction_left(embedder: Embedder) -> None:
    rows = vectors(embedder)
    means = language_means(rows, ["sv", "en", "sv"])
    result = centred(rows[[0, 2]], ["sv", "sv"], means)
    assert result[0] @ result[1] < rows[0] @ rows[2]
    assert np.allclose(np.linalg.norm(result, axis=1), 1, atol=1e-5)


def test_a_language_without_examples_is_centred_by_the_mean_of_all(embedder: Embedder) -> None:
    rows = vectors(embedder)
    means = language_means(rows, ["sv", "en", "sv"])
    assert centred(rows[:1], ["so"], means).shape == (1, DIMENSION)


def test_the_packaged_model_works_as_a_sentence_transformer(embedder: Embedder) -> None:
    wrapped = embedder.sentence_transformer()
    prefixed = [f"query: {text}" for text in TEXTS]
    rows = np.asarray(wrapped.encode(prefixed, show_progress_bar=False))
    assert np.allclose(rows, vectors(embedder), atol=1e-5)
