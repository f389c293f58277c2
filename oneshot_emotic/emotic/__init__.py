"""Reading an EMOTIC copy: where its files are, what its annotations say, whether its images decode.

What comes out is a table of persons; nothing here knows of tasks, draws or scores.
"""
