"""Custom resources of Practicum: their types, names and labels."""
