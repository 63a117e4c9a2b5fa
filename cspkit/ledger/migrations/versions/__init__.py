"""The revisions, oldest first: `rNNNN_what.py`, NNNN being the version it leads to."""
