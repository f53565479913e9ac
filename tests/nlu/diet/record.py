"""Trains Rasa's default pipeline (DIET) on labelled texts and prints what it does on others.

Run with stock Rasa alone (Python 3.10, TensorFlow); ours on the same two files is
`lotsa evaluate --suite massive --train TRAIN --test TEST --json`.

    pip install rasa==3.6.21
    python record.py TRAIN.jsonl TEST.jsonl

A line is {"text": ..., "intent": ...}. `split TRAIN.jsonl FOLDER` writes the two files: every fifth
line of each intent is for testing.
"""

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PIPELINE = """
version: "3.1"
recipe: default.v1
language: sv
pipeline:
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - {name: CountVectorsFeaturizer, analyzer: char_wb, min_ngram: 1, max_ngram: 4}
  - {name: DIETClassifier, epochs: 100, constrain_similarities: true}
  - name: EntitySynonymMapper
  - {name: ResponseSelector, epochs: 100, constrain_similarities: true}
  - {name: FallbackClassifier, threshold: 0.3, ambiguity_threshold: 0.1}
"""
NO_ENTITY = str.maketrans("[]", "()")  # brackets would mark an entity


def lines(path):
    with Path(path).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def split(source, folder):
    by_intent = defaultdict(list)
    for row in lines(source):
        by_intent[row["intent"]].append(row)
    parts = {"train": [], "test": []}
    for rows in by_intent.values():
        for number, row in enumerate(rows):
            parts["test" if number % 5 == 4 else "train"].append(row)
    for name, rows in parts.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (Path(folder) / f"{name}.jsonl").write_text(text, encoding="utf-8")


def write_project(train, folder):
    examples = defaultdict(list)
    for row in lines(train):
        examples[row["intent"]].append(" ".join(row["text"].split()))
    rows = ['version: "3.1"', "nlu:"]  # stock Rasa looks for these at the start of a line
    for intent, texts in examples.items():
        rows += [f"- intent: {intent}", "  examples: |"]
        rows += [f"    - {text.translate(NO_ENTITY)}" for text in texts]
    (folder / "config.yml").write_text(PIPELINE, encoding="utf-8")
    (folder / "nlu.yml").write_text("\n".join(rows) + "\n", encoding="utf-8")


async def record(train, test):
    from rasa.core.agent import load_agent
    from rasa.model_training import train_nlu

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(train, folder)
        begun = time.perf_counter()
        model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
        seconds = time.perf_counter() - begun
        agent = await load_agent(model)
        unseen, hits = lines(test), 0
        await agent.parse_message(unseen[0]["text"])
        begun = time.perf_counter()
        for row in unseen:
            parsed = await agent.parse_message(row["text"])
            ranked = [one for one in parsed["intent_ranking"] if one["name"] != "nlu_fallback"]
            hits += ranked[0]["name"] == row["intent"]
        each = (time.perf_counter() - begun) / len(unseen)
    sys.stdout.write(
        json.dumps(
            {
                "accuracy": round(hits / len(unseen), 4),
                "training_seconds": round(seconds),
                "ms_per_message": round(each * 1000, 2),
                "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "examples": len(lines(train)),
                "tested": len(unseen),
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    if sys.argv[1] == "split":
        split(*sys.argv[2:])
    else:
        asyncio.run(record(*sys.argv[1:]))
