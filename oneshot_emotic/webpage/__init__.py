"""Pages for a browser: one self-contained document each, in one look.

`page.py` puts a template, data, styles and scripts together under a strict policy, `colours.py` has
the colours of every chart, `libraries.py` the libraries that travel with the package
(`vendored/manifest.json` pins them), `files/` our own styles, scripts and template parts.
"""
