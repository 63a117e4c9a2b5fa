"""The routes of the rehearsal: Partner Center, Microsoft Graph, control."""
