"""Licences of users from one skuId to another: who, what is lost, what stops it."""

from cspkit.moves.licensing.changing import change
from cspkit.moves.licensing.checking import problems
from cspkit.moves.licensing.covering import Change
from cspkit.moves.licensing.surveying import Survey, survey

__all__ = ["Change", "Survey", "change", "problems", "survey"]
