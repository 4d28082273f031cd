"""The demonstration: people, a catalogue, board meetings and the stories of some sixty changes.

What happened stands in ``stories/*.toml``; ``schedule.py`` turns it into moments of the past
twelve months, ``loader.py`` lives through them in order and ``steps.py`` takes each step through
the same lifecycle functions as the pages. It lies above every app because it needs them all.
"""
