#!/usr/bin/python3
"""The recipe: text, tokenizer, training and GGUF. check.py then judges the file.

    python3 models/recipe/make.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(os.cpu_count()))

import torch  # noqa: E402  (reads the thread counts as it loads)

import corpus as corpora  # noqa: E402
import export  # noqa: E402
from model import Shape  # noqa: E402
from train import held_out_loss, train  # noqa: E402

VOCABULARY, TOKENIZER_TEXTS, HELD_OUT_DOCUMENTS = 2560, 20000, 600
# What the GGUF recommends: a little under 1, so that a rare slip of the tongue is rarer still.
SAMPLING = {"temp": 0.8, "top_k": 40, "top_p": 0.95}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "storyteller.gguf")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    text = corpora.draw_corpus(corpora.SEED, corpora.DOCUMENTS)
    # The first texts of the same seed are the same texts.
    tokens = corpora.train_tokenizer(text[:TOKENIZER_TEXTS], VOCABULARY)
    shape, common = Shape(len(tokens.tokens)), corpora.common_words(text)
    documents = corpora.encode_corpus(tokens, text, shape.context, common)
    model = train(shape, documents, options.steps, corpora.SEED)
    export.write(model, tokens, options.out, SAMPLING)
    held = corpora.draw_corpus(corpora.SEED + 1, HELD_OUT_DOCUMENTS, held=True)
    loss, copied = held_out_loss(
        model, corpora.encode_corpus(tokens, held, shape.context, common))
    print(f"held-out loss {loss:.4f} nats per token, {copied:.4f} where it is copied")


if __name__ == "__main__":
    main()
