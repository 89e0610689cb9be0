"""Pages: what a person sees in a browser, rendered here and live by server-sent events."""

from practicum_portal.pages.site import install

__all__ = ["install"]
