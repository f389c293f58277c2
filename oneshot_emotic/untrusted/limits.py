"""How much of a stranger's file is read: every bound stands here, with its reason.

Each is checked on what a file claims, before memory is taken for it.
"""

from __future__ import annotations

from oneshot_emotic.errors import InputError

#: The most bytes of a file, of what it unpacks to, and of its embeddings as the float64 numbers
#: that are scored. 12,134 persons with 4,096 dimensions take 398 MB. The one bound that a user can
#: move: --max-bytes.
MAX_BYTES = 512 << 20

#: EMOTIC has 34,320 annotated persons; a key or a text of a hundred bytes each stays small.
MAX_PERSONS = 1_000_000

#: The widest layers of common networks have some ten thousand.
MAX_DIMENSIONS = 1 << 16

#: Metadata without sample_ids: a full model card has some 10,000 bytes.
MAX_DOCUMENT_BYTES = 1 << 20

#: The documents here nest four deep. Deeper ones could end Python's stack.
MAX_DEPTH = 16

#: Entries of one list or object of the metadata: checks of the schema take the square of it.
MAX_ITEMS = 1_000

#: A safetensors header with its sample_ids: 1,000,000 of 60 bytes.
MAX_HEADER_BYTES = 64 << 20

#: A zip's list of members; a submission has three.
MAX_ZIP_DIRECTORY_BYTES = 1 << 16

#: A parquet file's metadata, and its groups of rows: pyarrow's own have a million rows and some
#: thousand bytes of metadata each.
MAX_PARQUET_FOOTER_BYTES = 4 << 20
MAX_ROW_GROUPS = 5_000

#: A file of a data set, and what it unpacks to: EMOTIC's have half a million bytes. Its rows:
#: 1,000 draws of 5 shots of 10 classes are 50,000.
MAX_DATASET_FILE_BYTES = 64 << 20
MAX_ROWS = 1_000_000

#: Characters of an id: EMOTIC's have some 60.
MAX_ID = 1_000

TRUST = "Raise the limit with --max-bytes, if you trust the file"


def check_bytes(size: int, max_bytes: int, where: str, remedy: str = TRUST) -> None:
    """Raise an `InputError` for a file that is too large."""
    if size > max_bytes:
        what = f"has {size:,} bytes, more than the {max_bytes:,} that are read"
        raise InputError(what, where, remedy)


def check_unpacked(size: int, max_bytes: int, where: str) -> None:
    """Raise an `InputError` for a compressed file that unpacks to too much."""
    if size > max_bytes:
        raise InputError(f"unpacks to more than {max_bytes:,} bytes", where, TRUST)


def check_count(count: int, most: int, what: str, where: str) -> None:
    """Raise an `InputError` for more of something than any file has.

    Args:
        count: How many there are.
        most: How many may be.
        what: Of what, such as `rows`.
        where: The file, for messages.
    """
    if count > most:
        raise InputError(f"has {count:,} {what}; at most {most:,} are read", where)


def check_shape(persons: int, dimensions: int, max_bytes: int, where: str) -> None:
    """Raise an `InputError` for embeddings that are too many, too wide, or too large together."""
    check_count(persons, MAX_PERSONS, "sample_ids", where)
    if dimensions > MAX_DIMENSIONS:
        what = f"has embeddings of {dimensions:,} dimensions; at most {MAX_DIMENSIONS:,} are read"
        raise InputError(what, where)
    if (size := persons * dimensions * 8) > max_bytes:
        what = (
            f"has embeddings of {persons:,} x {dimensions:,} numbers, {size:,} bytes as float64, "
            f"more than the {max_bytes:,} that are read"
        )
        raise InputError(what, where, TRUST)
