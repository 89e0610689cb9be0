"""What a line of the audit log looks like."""

from datetime import datetime
from typing import Any

from practicum_portal.views.base import View


class AuditEntry(View):
    """Who did what."""

    id: int
    """Counts lines."""
    at: datetime
    """When."""
    actor: str
    """Who."""
    action: str
    """What, as `sandbox.start`."""
    cohort: str
    """In which cohort; empty when it concerns none."""
    target: str
    """To what."""
    detail: dict[str, Any]
    """With what."""
