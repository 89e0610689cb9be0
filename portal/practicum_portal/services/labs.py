"""Labs: what a person can work in, and where."""

from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.errors import NotFoundError
from practicum_portal.identity import Person
from practicum_portal.presentation.cohorts import title
from practicum_portal.presentation.labs import lab_view
from practicum_portal.presentation.sandboxes import sandbox_view
from practicum_portal.views.labs import LabOffer, LabView
from practicum_portal.views.sandboxes import Action


class Labs:
    """What cohorts offer. Reads come from the cache and never wait."""

    def __init__(self, *, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock

    def list_for(self, person: Person) -> tuple[LabOffer, ...]:
        """Return what the person's cohorts offer, by cohort, in the cohort's order."""
        offers = []
        for key, room in sorted(self._cluster.cohorts.items.items()):
            if person.role_in(key[1]) is None:
                continue
            found = (self._cluster.lab(name) for name in room.spec.labs)
            offers += [
                self._offer(person, key[1], title(room), lab_view(lab, cluster=self._cluster))
                for lab in found
                if lab is not None
            ]
        return tuple(offers)

    def get(self, person: Person, name: str) -> LabView:
        """Return a lab that one of the person's cohorts offers."""
        lab = self._cluster.lab(name)
        rooms = self._cluster.cohorts.items
        seen = person.admin or any(
            person.role_in(key[1]) is not None and name in room.spec.labs
            for key, room in rooms.items()
        )
        if lab is None or not seen:
            raise NotFoundError("There is no such lab.", hint="Choose one from the list of labs.")
        return lab_view(lab, cluster=self._cluster)

    def _offer(self, person: Person, cohort: str, cohort_title: str, lab: LabView) -> LabOffer:
        sandbox = self._cluster.sandbox_for(person.name, lab.name, cohort=cohort)
        view = sandbox and sandbox_view(
            sandbox, cluster=self._cluster, person=person, now=self._clock()
        )
        return LabOffer(
            lab=lab,
            cohort=cohort,
            cohort_title=cohort_title,
            sandbox=view,
            startable=view.may(Action.START) if view else lab.state.ready,
        )
