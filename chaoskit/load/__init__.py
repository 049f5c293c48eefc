"""Drives journeys on schedule into the history, from a process of its own.

``process.py`` is the harness's side, ``child.py`` is the load process, and ``protocol.py`` is the pipe
between them. Nothing is imported here, so that the load process starts faster.
"""
