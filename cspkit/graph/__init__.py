"""Microsoft Graph: access by GDAP in the partner's tenant, licences in the customer's."""

from cspkit.graph.access import (
    DIRECTORY_READERS,
    DURATION,
    LICENSE_ADMINISTRATOR,
    ROLES,
    Assignment,
    Relationship,
    assignment_body,
    assignments_path,
    extension_body,
    relationship_body,
    relationship_path,
    relationships_path,
    requests_path,
)
from cspkit.graph.batching import Part
from cspkit.graph.licences import (
    Group,
    Licence,
    Owned,
    Pool,
    State,
    User,
    group_licences_path,
    licences_body,
    licences_path,
)
from cspkit.graph.service import Graph

__all__ = [
    "DIRECTORY_READERS",
    "DURATION",
    "LICENSE_ADMINISTRATOR",
    "ROLES",
    "Assignment",
    "Graph",
    "Group",
    "Licence",
    "Owned",
    "Part",
    "Pool",
    "Relationship",
    "State",
    "User",
    "assignment_body",
    "assignments_path",
    "extension_body",
    "group_licences_path",
    "licences_body",
    "licences_path",
    "relationship_body",
    "relationship_path",
    "relationships_path",
    "requests_path",
]
