"""The only reader of export files: recognise, read, check, merge, count."""

from cspkit.exports.explaining import explain
from cspkit.exports.loading import load
from cspkit.exports.result import Exports
from cspkit.exports.template import write as write_template

__all__ = ["Exports", "explain", "load", "write_template"]
