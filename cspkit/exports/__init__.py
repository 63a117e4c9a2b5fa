"""The only reader of export files: recognise, read, check, merge, count."""

from cspkit import collecting

# What is imported stays, so that looking for what could be freed is a tenth of the time in vain.
with collecting.rested():
    from cspkit.exports.correcting import NAME as CORRECTIONS
    from cspkit.exports.correcting import correct, corrections, open_rejects
    from cspkit.exports.explaining import explain
    from cspkit.exports.loading import load
    from cspkit.exports.result import Exports
    from cspkit.exports.template import write as write_template

__all__ = [
    "CORRECTIONS",
    "Exports",
    "correct",
    "corrections",
    "explain",
    "load",
    "open_rejects",
    "write_template",
]
