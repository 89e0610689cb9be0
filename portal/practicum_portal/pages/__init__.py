"""Pages: what a person sees in a browser, rendered here and live by server-sent events."""
