"""The synthetic stand-in: an invented data set in EMOTIC's layout, in which emotion is visible.

`settings` says how much each cue carries, `emotions` what an emotion looks like, `population` who
is in which picture, `drawing` makes the pixels and `write` the files that the reader reads.
"""
