"""The dataset folder: the tasks of a data set on disk, as it is published.

    README.md                 the dataset card (card.py)
    manifest.json             what is in it (folder.py), with the fingerprint (fingerprint.py)
    croissant.json            the same for other programs (croissant.py)
    data/<task>/base.parquet, novel.parquet      sample_id, image_id, label; base: shares_image
    data/<task>/support.parquet                  draw, shot, label, sample_id

`locate.py` finds the folder of a named data set; `bundled/synthetic` is the stand-in's.
"""
