#!/usr/bin/python3
"""The story check on the finished GGUF, told by Sluice (llama.cpp) instead of torch.

    npm run build && python3 models/recipe/engine_check.py
"""

import json
import subprocess
import sys
from pathlib import Path

import check
import corpus as corpora

HERE = Path(__file__).parent
# The second gives no sampling option: the engine then takes what the GGUF recommends.
SETTINGS = {"plain": {"temperature": 1, "topP": 1, "topK": 0}, "as served": {}}


def tell(model, seeds, sampling):
    asked = list(check.requests())
    job = {"model": str(model), "requests": [request for _, _, request in asked], "seeds": seeds,
           "sampling": sampling, "maxTokens": check.TOKENS_MAX}
    answer = subprocess.run(["node", str(HERE / "tell.mjs")], input=json.dumps(job).encode(),
                            stdout=subprocess.PIPE, check=True).stdout
    for story in json.loads(answer):
        kind, name, _ = asked[story["request"]]
        yield kind, name, story["text"], story["ended"]


def main(seeds=100, seed=20, documents=80000):
    model = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "storyteller.gguf").resolve()
    seen = check.texts_of(corpora.draw_corpus(seed, documents))
    for title, sampling in SETTINGS.items():
        check.report(f"{title} {sampling}", list(tell(model, seeds, sampling)), seen)


if __name__ == "__main__":
    main()
