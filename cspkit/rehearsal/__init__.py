"""A local Partner Center and Microsoft Graph with a movable clock, for rehearsing moves."""
