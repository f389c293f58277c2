"""Submissions: embeddings for a task's novel persons with metadata, in and out of files.

`embeddings_file.py` reads and writes a file of embeddings, each format in a module of its own;
`metadata.py` checks what it says of itself against the JSON Schemas in `schemas/`; `folder.py`
reads and writes submission folders, `runs.py` has several runs of a task; `check.py` checks it all
against the tasks.
docs/submission.md describes the formats.
"""
