"""The leaderboard: rows recomputed from submissions, and reported figures from papers beside them.

`recompute.py` turns a checkout's submissions into boards, `render.py` turns boards into markdown
and knows no k-NN, `reported.py` shows figures of papers, `files.py` compares and writes.
"""
