"""Reading what a stranger wrote: plain files, JSON and parquet tables, bounded and checked.

`limits.py` has every bound, `files.py` opens files, `strict_json.py` and `parquet.py` read what is
in them. What texts may hold is said in `oneshot_emotic/names.py`.
"""
