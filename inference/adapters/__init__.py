"""Adapters: read them, check them against the base model, compose them exactly, keep what was composed.

Nothing here imports torch: a package is opened, checked and composed by the command line in milliseconds.

``package``   one adapter on disk            ``compose``    parts into one package in the safe form
``manifest``  what training wrote about it   ``store``      compositions, made once, named by content
``merging``   other ways than the exact sum  ``conflict``   how two adapters get in each other's way
``summary``   what a package holds
"""
