"""What measures is not what trains: no message of a test stands, nearly the same, in training."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sklearn.feature_extraction.text import TfidfVectorizer

ROOT = Path(__file__).parents[2]
TRAINING = (
    "nlu/data/needs/*.yml",
    "nlu/data/safety_messages/*.yml",
    "knowledge/data/*/*.yml",
)
TESTS = ("knowledge/data/queries/*.yml", "tests/data/*.yml", "tests/data/safety/*.yml")
SHORTEST = 25  # characters: "hjälp mig" may be written by anybody
TOO_ALIKE = 0.8  # cosine of character n-grams


def _texts(patterns: tuple[str, ...], *, is_test: bool) -> list[tuple[str, str]]:
    found = []
    for path in (path for pattern in patterns for path in sorted(ROOT.glob(pattern))):
        if path.parent.name == "glossary":
            continue
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.parent.name == "queries" and (content["split"] == "test") != is_test:
            continue
        rows = content.get("messages") or content.get("queries") or []
        texts = [str(row["text"]) for row in rows] + content.get("parent_says", [])
        found += [(f"{path.parent.name}/{path.stem}", t) for t in texts if len(t) >= SHORTEST]
    return found


@pytest.fixture(scope="module")
def alike() -> list[tuple[str, str]]:
    train, test = _texts(TRAINING, is_test=False), _texts(TESTS, is_test=True)
    assert len(train) > 2000
    assert len(test) > 1000
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    trained = grams.fit_transform([text for _, text in train])
    tested = grams.transform([text for _, text in test])
    pairs = (tested @ trained.T).tocoo()
    return [
        (f"{test[i][0]}: {test[i][1]}", f"{train[j][0]}: {train[j][1]}")
        for i, j, score in zip(pairs.row, pairs.col, pairs.data, strict=True)
        if score >= TOO_ALIKE
    ]


def test_no_test_message_stands_nearly_the_same_in_training(alike: list[tuple[str, str]]) -> None:
    assert alike == []
