"""Kernels that are quick to start: forked, one for each run, from a process that imported before.

`import papermill` imports `engine`, whoever it is for, so nothing is imported here.
"""
