"""Data sets and models that came with the image: loaded offline, by name."""


def loaded() -> dict[str, str]:
    """Return name and sha256 of every data set this process has loaded."""
    return {}
