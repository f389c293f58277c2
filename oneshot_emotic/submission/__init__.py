"""Submissions: embeddings for a task's novel persons with metadata, in and out of files.

`forms.py` reads and writes the file forms, `documents.py` checks the metadata against the JSON
Schemas in `schemas/`, `folders.py` reads a submission folder. docs/submission.md describes them.
"""
