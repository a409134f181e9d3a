# A plugin of pytest for llama-server's suite: nothing is downloaded here, and no server of each
# preset is started before the tests.

import json
import os
import sys
import types


def download(url, out=None):
    raise RuntimeError(f"nothing is downloaded here: {url}")


# `wget` is no package of Debian's; the suite asks it for files of the Hub alone.
sys.modules["wget"] = types.ModuleType("wget")
sys.modules["wget"].download = download

import utils  # noqa: E402

utils.ServerPreset.load_all = staticmethod(lambda: None)


def pytest_runtest_logreport(report):
    """Writes a line for each test: its name without the folder, and what became of it."""
    path = os.environ.get("LLAMA_SUITE_RESULTS")
    if path is None or (report.when != "call" and report.passed):
        return
    with open(path, "a") as file:
        file.write(json.dumps([report.nodeid.removeprefix("unit/"), report.outcome]) + "\n")
