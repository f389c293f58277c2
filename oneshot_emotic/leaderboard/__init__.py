"""The leaderboard: rows recomputed from submissions, and reported figures from papers beside them.

`recompute.py` turns a checkout's submissions into boards, `page.py` turns boards into a page
and knows no k-NN, `reported.py` shows figures of papers, `files.py` compares and writes.
"""
