"""Pages: what a person sees in a browser, rendered here and live by server-sent events."""

from practicum_portal.pages.site import install
from practicum_portal.pages.visits import render_problem

__all__ = ["install", "render_problem"]
