"""The published figures of EMOTIC that a copy is held against.

Sources: Kosti et al., "Context based emotion recognition using EMOTIC dataset" (TPAMI 2020) for the
whole; the counts of a public Annotations.mat for the partitions; the released query list of
Affect-DML for the novel persons of CAT-6:6.
"""

from __future__ import annotations

PARTITIONS: tuple[str, ...] = ("train", "val", "test")

PERSONS = {"train": 23_706, "val": 3_334, "test": 7_280}
IMAGES = {"train": 17_077, "val": 2_088, "test": 4_406}

#: Training persons of the older CVPR 2017 release, the only figure of it at hand.
CVPR17_TRAIN_PERSONS = 16_001

#: Queries of CAT-6:6 in the list that Affect-DML released; it does not say by which label rule.
RELEASED_CAT_6_6 = {
    "Disconnection": 2_272,
    "Engagement": 5_148,
    "Sensitive": 668,
    "Embarrassment": 454,
    "Esteem": 2_182,
    "Yearning": 1_410,
}
