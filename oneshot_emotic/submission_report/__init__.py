"""The report of submissions that people open: what it says, as a page, and as figures of a paper.

`contents.py` gathers what it says, `page.py` and `figures.py` show it. The tables of a terminal are
in `oneshot_emotic/report.py`.
"""
