"""The project: settings, addresses, background work and how all of it is run.

It loads nothing by itself: what only starts and stops processes needs no queue.
"""
