"""The record of an experiment: its history, the journal, and secrets masked in it."""
