"""The record of an experiment: its history in memory, its journal on disk."""
