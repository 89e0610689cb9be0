"""What an installation tells the chart about its cluster."""

import json
from typing import Any, cast

import pytest

from practicum_local.release import (
    ApiServer,
    Cluster,
    ReleaseError,
    Site,
    api_server,
    refuse_others,
)


class Slices:
    """A cluster that answers with these EndpointSlices."""

    def __init__(self, *slices: tuple[list[str], int]) -> None:
        self._items = [
            {"endpoints": [{"addresses": addresses}], "ports": [{"port": port}]}
            for addresses, port in slices
        ]

    def get(self, *_: str) -> dict[str, Any]:
        return {"items": self._items}


def _asked(*slices: tuple[list[str], int]) -> ApiServer:
    return api_server(cast("Cluster", Slices(*slices)))


def test_the_cluster_itself_says_where_its_api_server_is() -> None:
    found = _asked((["10.0.0.2", "10.0.0.1"], 6443), (["fd00::1"], 6443))
    assert found == ApiServer(["10.0.0.1", "10.0.0.2", "fd00::1"], [6443])
    with pytest.raises(ReleaseError, match="no endpoints"):
        _asked()


def test_policies_let_through_the_api_server_and_no_more() -> None:
    server = ApiServer(["10.0.0.1", "fd00::1"], [16443])
    site = Site("http://hub", "http://portal", {"hub": "hub:1"}, server)
    assert site.values()["network"] == {
        "apiServer": {"cidrs": ["10.0.0.1/32", "fd00::1/128"], "ports": [16443]}
    }
    assert site.values()["images"] == {"hub": "hub:1", "pullPolicy": "IfNotPresent"}


def test_known_nodes_are_named() -> None:
    site = Site("h", "p", {}, ApiServer(["10.0.0.1"], [6443]), nodes=["10.0.0.1"])
    assert site.values()["network"]["nodeCidrs"] == ["10.0.0.1/32"]


@pytest.mark.parametrize(
    ("installed", "values", "refused"),
    [
        ([], None, False),
        ([{"name": "practicum"}], {"auth": {"kind": "demo"}}, False),
        ([{"name": "practicum"}], {"auth": {"kind": "oidc"}}, True),
        ([{"name": "practicum"}], None, True),
    ],
)
def test_only_a_demo_is_ever_replaced_by_the_demo(installed, values, refused) -> None:
    class Helm:
        def helm(self, verb: str, *_: str) -> str:
            return json.dumps(installed if verb == "list" else values)

    cluster = cast("Cluster", Helm())
    if refused:
        with pytest.raises(ReleaseError, match="installed there already"):
            refuse_others(cluster)
    else:
        refuse_others(cluster)
