"""For authors: read a lab's sources, build its notebooks, lint and prove them."""
