"""Drives journeys on schedule into the history, from a process of its own.

``process.py`` is the harness's side, ``child.py`` the other one; ``protocol.py`` is the pipe
between them. Nothing is imported here: the child starts faster for it.
"""
