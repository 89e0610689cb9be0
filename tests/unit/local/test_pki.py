import base64
import datetime as dt
import ssl

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from practicum_local import kubeconfig
from practicum_local.pki import VALIDITY, Authority, Identity, ensure_service_account_key

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SERVER = Identity("server", "kube-apiserver", names=("localhost",), addresses=("127.0.0.1",))
ADMIN = Identity("admin", "admin", organization="system:masters")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, now=NOW)


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_client_is_its_user_and_groups(authority):
    path, key = authority.ensure(ADMIN)
    assert certificate(path).subject.rfc4514_string() == "CN=admin,O=system:masters"
    usage = certificate(path).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_server_has_names_and_addresses(authority):
    path, _ = authority.ensure(SERVER)
    names = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(a) for a in names.value.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    context = ssl.create_default_context(cafile=str(authority.path))
    context.load_cert_chain(path, path.with_suffix(".key"))


def test_what_is_good_is_kept(authority, tmp_path):
    before = [p.read_bytes() for p in authority.ensure(SERVER)]
    again = Authority(tmp_path, now=NOW + VALIDITY / 2)
    assert [p.read_bytes() for p in again.ensure(SERVER)] == before


def test_what_ends_soon_is_made_anew_and_the_authority_with_it(authority, tmp_path):
    before = authority.ensure(SERVER)[0].read_bytes()
    later = Authority(tmp_path, now=NOW + VALIDITY - dt.timedelta(days=1))
    path, _ = later.ensure(SERVER)
    assert path.read_bytes() != before
    certificate(path).verify_directly_issued_by(certificate(later.path))


@pytest.mark.parametrize("broken", ["server.crt", "server.key", "ca.crt", "ca.key"])
@pytest.mark.parametrize("content", [None, b"", b"half a fi"])
def test_what_a_killed_run_left_is_repaired(authority, tmp_path, broken, content):
    authority.ensure(SERVER)
    (tmp_path / broken).unlink()
    if content is not None:
        (tmp_path / broken).write_bytes(content)
    repaired = Authority(tmp_path, now=NOW)
    path, key = repaired.ensure(SERVER)
    context = ssl.create_default_context(cafile=str(repaired.path))
    context.load_cert_chain(path, key)
    certificate(path).verify_directly_issued_by(certificate(repaired.path))


def test_a_changed_identity_gets_a_new_certificate(authority):
    before = authority.ensure(SERVER)[0].read_bytes()
    moved = Identity("server", "kube-apiserver", names=("localhost",), addresses=("10.0.0.1",))
    assert authority.ensure(moved)[0].read_bytes() != before


def test_service_account_key_stays_the_same(tmp_path):
    private, public = ensure_service_account_key(tmp_path)
    before = private.read_bytes(), public.read_bytes()
    ensure_service_account_key(tmp_path)
    assert (private.read_bytes(), public.read_bytes()) == before
    public.unlink()
    ensure_service_account_key(tmp_path)
    assert (private.read_bytes(), public.read_bytes()) == before


def test_kubeconfig_carries_all_it_needs(authority, tmp_path):
    path = kubeconfig.write(
        tmp_path / "admin.kubeconfig",
        server="https://127.0.0.1:6443",
        authority=authority,
        identity=ADMIN,
    )
    config = yaml.safe_load(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == authority.path.read_bytes()
    assert base64.b64decode(user["client-key-data"]) == (tmp_path / "admin.key").read_bytes()
    assert config["current-context"] == config["contexts"][0]["name"]
