"""The Croissant description of a dataset folder, for programs that read it: croissant.json.

Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html): every parquet file
with its digest, and a record set over each that names the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from oneshot_emotic.dataset.card import EMOTIC_PAGE
from oneshot_emotic.dataset.columns import COLUMNS
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.tasks import TASKS

_TYPES = {"text": "sc:Text", "whole numbers": "sc:Integer", "true or false": "sc:Boolean"}

#: The paper of the tasks.
_PAPER = "https://arxiv.org/abs/2111.15271"


def croissant(
    identity: DatasetIdentity, files: Mapping[str, Mapping[str, Any]], synthetic: bool
) -> dict[str, Any]:
    """The document.

    Args:
        identity: Which data set it is.
        files: Path -> `bytes` and `sha256`, of every parquet file at least.
        synthetic: Whether it is a stand-in, which is under another licence.
    """
    paths = [f"data/{task}/{part}.parquet" for task in TASKS for part in COLUMNS]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"oneshot-emotic-{identity.name}-{identity.label_rule}",
        "description": "Splits of one-shot emotion recognition in context: identifiers of persons, "
        f"one class each, and support draws. Fingerprint {identity.fingerprint}.",
        "version": f"{identity.protocol}.0.0",
        "license": "https://spdx.org/licenses/MIT" if synthetic else EMOTIC_PAGE,
        "url": _PAPER,
        "citeAs": f"Peng et al.: Affect-DML. FG 2021. {_PAPER}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": path,
                "contentSize": f"{files[path]['bytes']} B",
                "encodingFormat": "application/x-parquet",
                "sha256": files[path]["sha256"],
            }
            for path in paths
        ],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": name, "name": name, "field": list(_fields(name, part))}
            for task in TASKS
            for part in COLUMNS
            for name in [f"{task}/{part}"]
        ],
    }


def _fields(record_set: str, part: str) -> Iterator[dict[str, Any]]:
    for column, kind in COLUMNS[part].items():
        yield {
            "@type": "cr:Field",
            "@id": f"{record_set}/{column}",
            "name": column,
            "dataType": _TYPES[kind],
            "source": {
                "fileObject": {"@id": f"data/{record_set}.parquet"},
                "extract": {"column": column},
            },
        }


#: As the specification gives it.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet",
            "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path",
            "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
            "source", "subField", "transform",
        )
    },
}  # fmt: skip
