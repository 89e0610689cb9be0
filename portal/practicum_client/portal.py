"""`Portal`: the portal's HTTP API with types. Every method may raise ClientError."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from practicum_client import events, models
from practicum_client.errors import ClientError, Exit
from practicum_client.language import Language
from practicum_client.transport import LocalhostTransport

Model = TypeVar("Model", bound=models.Model)

SECONDS = 30.0
SILENCE = 90.0
"""A stream sends a beat more often than this; one that is silent for longer is dead."""
RECONNECT = 3.0
"""Seconds before a stream that ended is opened again."""
RECONNECTS = 20
"""How often in a row that may fail."""
_API = "/api/v1"


class Portal:
    """A portal, as the owner of a token."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        language: Language | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._language = language or Language("en")
        self._sleep = sleep
        headers = {"Accept": "application/json", "Accept-Language": self._language.accepts}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=SECONDS,
            transport=transport or LocalhostTransport(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def me(self) -> models.Me:
        """Return who the token stands for."""
        return self._one(models.Me, "GET", "/me")

    def token_page(self) -> str:
        """Return where tokens are made: a page of the Hub that the portal signs in with."""
        response = self._send("GET", "/login")
        location = httpx.URL(response.headers.get("location", ""))
        if not location.host:
            return ""
        return str(location.copy_with(path="/hub/token", query=None, fragment=None))

    def is_ready(self) -> bool:
        """Whether the portal says that it can serve."""
        return self._send("GET", "/readyz").status_code == httpx.codes.OK

    def labs(self) -> Iterator[models.LabOffer]:
        """Yield what your cohorts offer."""
        return self._all(models.LabOffer, "/labs")

    def sandboxes(self, *, cohort: str = "", owner: str = "") -> Iterator[models.Sandbox]:
        """Yield your sandboxes, or a cohort's."""
        return self._all(models.Sandbox, "/sandboxes", cohort=cohort, owner=owner)

    def sandbox(self, cohort: str, name: str) -> models.Sandbox:
        """Return one sandbox."""
        return self._one(models.Sandbox, "GET", _sandbox(cohort, name))

    def start(self, cohort: str, lab: str, *, owner: str = "") -> models.Sandbox:
        """Make a sandbox of a lab run, whether it is there already or not."""
        reads = {"language": self._language.tag}
        body = {"cohort": cohort, "lab": lab} | ({"owner": owner} if owner else reads)
        return self._one(models.Sandbox, "POST", "/sandboxes", json=body)

    def act(
        self, cohort: str, name: str, verb: str, body: Mapping[str, Any] | None = None
    ) -> models.Sandbox:
        """Start, suspend, extend, restart or reset a sandbox."""
        return self._one(models.Sandbox, "POST", f"{_sandbox(cohort, name)}/{verb}", json=body)

    def delete(self, cohort: str, name: str, *, workspace: bool) -> None:
        """Delete a sandbox, and its files when asked for."""
        query = {"workspace": "true"} if workspace else {}
        self._ask("DELETE", _sandbox(cohort, name), params=query)

    def watch(self, cohort: str, name: str) -> Iterator[models.Sandbox]:
        """Yield a sandbox as it is and whenever it changes, until it is gone.

        A connection that breaks is made again, as long as the portal is not away for too long.
        """
        patience = 0
        while True:
            try:
                for event in self._events(f"{_sandbox(cohort, name)}/events"):
                    patience = RECONNECTS
                    if event.name == "gone":
                        return
                    if event.name == "sandbox":
                        yield self._read(models.Sandbox, event.data)
            except ClientError as error:
                if error.exit_code != Exit.AWAY or not patience:
                    raise
                patience -= 1
            self._sleep(RECONNECT)

    def cohorts(self) -> Iterator[models.Cohort]:
        """Yield your cohorts."""
        return self._all(models.Cohort, "/cohorts")

    def members(self, cohort: str) -> Iterator[models.Member]:
        """Yield a cohort's roster."""
        return self._all(models.Member, f"/cohorts/{_part(cohort)}/members")

    def table(self, cohort: str) -> Iterator[models.TableRow]:
        """Yield who does what in a cohort."""
        return self._all(models.TableRow, f"/cohorts/{_part(cohort)}/table")

    def import_roster(
        self, cohort: str, content: bytes, *, dry_run: bool, replace: bool, partial: bool
    ) -> models.RosterReport:
        """Put the people of a CSV file on a roster, or say what that would do."""
        asked = {"dry_run": dry_run, "replace": replace, "partial": partial}
        return self._one(
            models.RosterReport,
            "PUT",
            f"/cohorts/{_part(cohort)}/roster",
            content=content,
            params={name: "true" for name, wanted in asked.items() if wanted},
            headers={"Content-Type": "text/csv"},
        )

    def cohort_usage(self, cohort: str, period: str) -> models.CohortUsage:
        """Return what a cohort used."""
        path = f"/cohorts/{_part(cohort)}/usage"
        return self._one(models.CohortUsage, "GET", path, params={"period": period})

    def accelerators(self) -> Iterator[models.Accelerator]:
        """Yield what there is to compute on."""
        return self._all(models.Accelerator, "/accelerators")

    def runs(self, **asked: str) -> Iterator[models.Run]:
        """Yield runs, the newest first; by cohort, lab, owner, sandbox or state."""
        return self._all(models.Run, "/runs", **asked)

    def run(self, run_id: str) -> models.Run:
        """Return one run."""
        return self._one(models.Run, "GET", f"/runs/{_part(run_id)}")

    def delete_run(self, run_id: str) -> None:
        """Remove a run of yours, for good."""
        self._ask("DELETE", f"/runs/{_part(run_id)}")

    def curves(self, run_id: str) -> models.Curves:
        """Return a run's curves."""
        return self._one(models.Curves, "GET", f"/runs/{_part(run_id)}/curves")

    def compare(self, run_ids: list[str]) -> models.Comparison:
        """Return runs side by side."""
        query = {"ids": ",".join(run_ids)}
        return self._one(models.Comparison, "GET", "/runs/compare", params=query)

    def _all(self, kind: type[Model], path: str, **asked: str) -> Iterator[Model]:
        query = {name: value for name, value in asked.items() if value}
        while True:
            page = self._ask("GET", path, params=query)
            for item in page["items"]:
                yield self._check(kind, item)
            if not page.get("next"):
                return
            query["cursor"] = page["next"]

    def _one(self, kind: type[Model], method: str, path: str, **how: Any) -> Model:
        return self._check(kind, self._ask(method, path, **how))

    def _ask(self, method: str, path: str, **how: Any) -> Any:
        response = self._send(method, f"{_API}{path}", **how)
        if response.is_error or response.is_redirect:
            raise problem(response, self._language)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise self._foreign() from error

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **how)
        except httpx.HTTPError as error:
            raise away(self.url, error, self._language) from error

    def _events(self, path: str) -> Iterator[events.Event]:
        limits = httpx.Timeout(SECONDS, read=SILENCE)
        headers = {"Accept": "text/event-stream"}
        request = self._http.build_request("GET", f"{_API}{path}", headers=headers, timeout=limits)
        try:
            with contextlib.closing(self._http.send(request, stream=True)) as response:
                if response.is_error:
                    response.read()
                    raise problem(response, self._language)
                yield from events.parse(events.lines(response.iter_text()))
        except httpx.HTTPError as error:
            raise away(self.url, error, self._language) from error

    def _read(self, kind: type[Model], text: str) -> Model:
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            raise self._foreign() from error

    def _check(self, kind: type[Model], body: Any) -> Model:
        try:
            return kind.model_validate(body)
        except ValidationError as error:
            raise self._foreign() from error

    def _foreign(self) -> ClientError:
        say = self._language.say
        return ClientError(
            say("{url} does not answer as a Practicum portal does.", url=self.url),
            say("Check the address; it is the portal's, not JupyterHub's."),
            code="foreign",
        )


def away(url: str, error: httpx.HTTPError, language: Language) -> ClientError:
    """Return the error for a portal that can't be reached."""
    reason = str(error) or type(error).__name__
    return ClientError(
        language.say("The portal at {url} can't be reached: {reason}.", url=url, reason=reason),
        language.say("Check the address and your connection, then try again."),
        Exit.AWAY,
        "unreachable",
    )


def problem(response: httpx.Response, language: Language) -> ClientError:
    """Return the error that an answer stands for."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    status = response.status_code
    message = body.get("detail") or language.say(
        "The portal answered {status}.", status=f"{status} {response.reason_phrase}"
    )
    hint = body.get("hint", "")
    if status == httpx.codes.UNAUTHORIZED:
        hint = language.say("Sign in again: practicum login {url}", url=_origin(response))
    elif "retry-after" in response.headers:
        seconds = response.headers["retry-after"]
        hint = f"{hint} {language.say('Try again in {seconds} s.', seconds=seconds)}".strip()
    return ClientError(
        str(message),
        str(hint),
        _exit(status),
        body.get("code", str(status)),
        body.get("errors", ()),
    )


def _exit(status: int) -> Exit:
    match status:
        case httpx.codes.UNAUTHORIZED:
            return Exit.SIGN_IN
        case httpx.codes.NOT_FOUND:
            return Exit.NOT_FOUND
        case httpx.codes.TOO_MANY_REQUESTS:
            return Exit.AWAY
        case _:
            return Exit.AWAY if status >= httpx.codes.INTERNAL_SERVER_ERROR else Exit.REFUSED


def _origin(response: httpx.Response) -> str:
    return str(response.request.url.copy_with(path="/", query=None)).rstrip("/")


def _part(text: str) -> str:
    return quote(text, safe="")


def _sandbox(cohort: str, name: str) -> str:
    return f"/sandboxes/{_part(cohort)}/{_part(name)}"
