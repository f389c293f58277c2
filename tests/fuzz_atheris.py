"""Fuzzing of the readers of submissions, guided by coverage; by hand, where atheris installs.

python tests/fuzz_atheris.py FORM [-runs=20000] [-seed=1] [libFuzzer options]

FORM is json, npz, safetensors or parquet. Any bytes must give embeddings or an `InputError`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["oneshot_emotic", "json", "zipfile"]):
    from oneshot_emotic.dataset.load import load_task
    from oneshot_emotic.errors import InputError
    from oneshot_emotic.submission.check import check_embeddings_file
    from oneshot_emotic.submission.embeddings_file import read_embeddings_file, write_submission

#: Bounds what a file may claim, so that libFuzzer's own memory limit tells.
MAX_BYTES = 1 << 26


def main() -> None:
    """Fuzz one form, beginning with a sound file of a few persons."""
    form = sys.argv.pop(1)
    task = load_task("cat-6-4")
    scratch = Path(tempfile.mkdtemp())
    corpus = scratch / "corpus"
    corpus.mkdir()
    for dtype in ("float16", "float32", "float64"):
        vectors = (task.novel.sample_ids, np.ones((len(task.novel), 1)))
        path = scratch / f"a.{form}"
        write_submission(path, vectors, task, {"name": "A model"}, dtype)
        (corpus / dtype).write_bytes(path.read_bytes())
    target = scratch / f"b.{form}"

    def one_input(data: bytes) -> None:
        target.write_bytes(data)
        try:
            file = read_embeddings_file(target, MAX_BYTES)
            check_embeddings_file(file, lambda *_: task, task.name, dataset_given=True)
        except InputError as error:
            text = str(error)
            if not text.strip() or not all(line.isprintable() for line in text.split("\n")):
                raise AssertionError(f"not a message: {text!a}") from None

    atheris.Setup([*sys.argv, str(corpus), "-max_len=65536", "-timeout=20"], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
