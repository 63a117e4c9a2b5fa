"""Microsoft Graph: all verbs in one place; each call names the tenant whose token it carries."""

from __future__ import annotations

from cspkit.graph.access import Access
from cspkit.graph.batching import Batching
from cspkit.graph.licences import Licences


class Graph(Access, Licences, Batching):
    """The verbs that the programme needs of Graph."""
