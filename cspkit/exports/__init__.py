"""The only reader of export files: recognise, read, check, merge, count."""

from cspkit.exports.explaining import explain
from cspkit.exports.loading import load
from cspkit.exports.result import Exports

__all__ = ["Exports", "explain", "load"]
