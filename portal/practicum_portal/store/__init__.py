"""Storage: every SQL statement of the portal, by what it is about."""
