"""Presentation: pure functions from resources and rows to views."""
