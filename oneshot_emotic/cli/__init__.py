"""The command line: the only place where paths, the clock and the environment come in.

`main.py` knows the commands by name and imports one when it is called; each has a file here.
"""
