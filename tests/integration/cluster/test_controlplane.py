import json
import ssl
import urllib.request
from pathlib import Path

import yaml

from practicum_local.controlplane import ControlPlane


def get(plane: ControlPlane, path: str) -> dict:
    pki = plane.plane.pki
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    with urllib.request.urlopen(plane.server + path, context=context, timeout=10) as answer:
        return json.load(answer)


def test_it_is_the_kubernetes_that_go_mod_names(control_plane):
    version = get(control_plane, "/version")
    assert (version["major"], version["minor"]) == ("1", "36")


def test_controllers_make_service_accounts(control_plane):
    accounts = get(control_plane, "/api/v1/namespaces/default/serviceaccounts")
    assert [item["metadata"]["name"] for item in accounts["items"]] == ["default"]


def test_kubeconfig_leads_to_the_server(control_plane, admin_kubeconfig):
    config = yaml.safe_load(admin_kubeconfig.read_text())
    assert config["clusters"][0]["cluster"]["server"] == control_plane.server
    assert admin_kubeconfig.stat().st_mode & 0o077 == 0


def test_restart_keeps_objects_and_counts_all_cpu_time(control_plane):
    before = get(control_plane, "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    spent = control_plane.cpu_seconds()
    control_plane.restart_api_server()
    assert get(control_plane, "/api/v1/namespaces/kube-system")["metadata"]["uid"] == before
    assert control_plane.cpu_seconds() > spent


def test_nothing_is_left_after_the_block():
    with ControlPlane() as plane:
        folder = plane.plane.folder
        children = [child.pid for child in plane._children.values()]
        assert all((folder / "log").iterdir())
    assert not folder.exists()
    for pid in children:
        assert not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open() as stat:
            return stat.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False
