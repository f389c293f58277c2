"""Encoders: frozen networks that turn pictures into vectors, by name or of one's own.

`named.py` finds one by its name, `network.py` is what timm's and transformers' have in common,
`features.py` keeps the vectors of all persons, `evaluate.py` goes from a name to scores. torch,
timm and transformers (extra `[encoders]`) are imported when such a network is asked for.
"""
