#!/usr/bin/python3
"""The recipe, all of it: text, tokenizer, training, GGUF, held-out loss and story check.

    python3 models/recipe/make.py

Work in progress lies in models/recipe/work (never committed); a killed run goes on from there.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(os.cpu_count()))

import torch  # noqa: E402  (reads the thread counts as it loads)

import check  # noqa: E402
import corpus as corpora  # noqa: E402
import export  # noqa: E402
from model import Shape  # noqa: E402
from tokenizer import Tokenizer  # noqa: E402
from train import Run, held_out_loss  # noqa: E402

HERE = Path(__file__).parent
VOCABULARY, WIDTH, LAYERS, HEADS, HIDDEN = 2560, 192, 5, 3, 512
TOKENIZER_TEXTS, HELD_OUT_DOCUMENTS = 20000, 600
# What the GGUF recommends: a little under 1, so that a rare slip of the tongue is rarer still.
SAMPLING = {"temp": 0.8, "top_k": 40, "top_p": 0.95}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--documents", type=int, default=80000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--seeds-per-subject", type=int, default=100)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--out", type=Path, default=HERE.parent / "storyteller.gguf")
    parser.add_argument("--no-check", action="store_true")
    return parser.parse_args()


def the_tokenizer(work, seed):
    path = work / "merges.json"
    if not path.exists():
        corpus = corpora.draw_corpus(seed, TOKENIZER_TEXTS)
        tokens = corpora.train_tokenizer(corpus, VOCABULARY)
        path.write_text(json.dumps(tokens.merges))
    return Tokenizer(json.loads(path.read_text()))


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    tokens = the_tokenizer(options.work, options.seed)
    shape = Shape(len(tokens.tokens), WIDTH, LAYERS, HEADS, HIDDEN)
    text = corpora.draw_corpus(options.seed, options.documents)
    common = corpora.common_words(text)
    documents = corpora.encode_corpus(tokens, text, shape.context, common)
    held = corpora.encode_corpus(
        tokens, corpora.draw_corpus(options.seed + 1, HELD_OUT_DOCUMENTS, held=True), shape.context,
        common)
    run = Run(shape, options.steps, options.work / "checkpoint.pt", options.seed)
    print(f"{run.model.parameter_count()} weights, {len(documents)} documents, "
          f"{sum(len(d.ids) for d in documents)} tokens", flush=True)

    def publish(run):
        export.write(run.model, tokens, options.out, SAMPLING)
        loss, copied = held_out_loss(run.model, held[:100])
        print(f"step {run.step}: held-out loss {loss:.4f}, copied words {copied:.4f}", flush=True)

    run.train(documents, publish)
    export.write(run.model, tokens, options.out, SAMPLING)
    print(f"trained {run.step} steps, {run.tokens} tokens, {run.seconds:.0f} s")
    loss, copied = held_out_loss(run.model, held)
    print(f"held-out loss {loss:.4f} nats per token, {copied:.4f} where it is copied")
    if not options.no_check:
        seen = check.texts_of(text)
        for title, sampling in {"plain": {"temp": 1.0}, "recommended": SAMPLING}.items():
            stories = check.tell(run.model, tokens, options.seeds_per_subject, **sampling)
            check.report(f"{title} {sampling}", list(stories), seen)


if __name__ == "__main__":
    main()
