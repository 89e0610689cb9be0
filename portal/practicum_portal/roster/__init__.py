"""Roster files: from bytes to people."""
