"""A typed client of the portal and the practicum command."""
