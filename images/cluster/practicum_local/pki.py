"""Certificates of the local cluster: one authority, one certificate for each component.

Files are made when missing, and made anew when they are close to their end or no longer
say what they should; so `ensure` may run at every start.
"""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from practicum_local import files

PRIVATE = 0o600
VALIDITY = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)
BACKDATED = dt.timedelta(minutes=5)
"""Clocks of virtual machines jump back when they are resumed."""


@dataclass(frozen=True)
class Identity:
    """Who a certificate is for: a subject, and for a server its names and addresses."""

    name: str
    common_name: str
    organization: str | None = None
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether this is a server's certificate; a client's has no names."""
        return bool(self.names or self.addresses)

    def subject(self) -> x509.Name:
        """The X.509 subject; Kubernetes reads the user from CN and the groups from O."""
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)]
        if self.organization:
            parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization))
        return x509.Name(parts)

    def alternatives(self) -> list[x509.GeneralName]:
        """The subject alternative names, in a fixed order."""
        addresses = [x509.IPAddress(ipaddress.ip_address(a)) for a in self.addresses]
        return [*(x509.DNSName(n) for n in self.names), *addresses]


class Authority:
    """The certificate authority kept in `folder`, and what it has signed."""

    def __init__(self, folder: Path, *, now: dt.datetime) -> None:
        self.folder = folder
        self._now = now
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._certificate, self._key = self._load_or_make()

    @property
    def path(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "ca.crt"

    @property
    def key_path(self) -> Path:
        """The authority's key, for the controller manager's signer."""
        return self.folder / "ca.key"

    def ensure(self, identity: Identity) -> tuple[Path, Path]:
        """Paths of the certificate and key of `identity`, made if need be."""
        crt, key = self.folder / f"{identity.name}.crt", self.folder / f"{identity.name}.key"
        if not self._good(identity, crt, key):
            private = ec.generate_private_key(ec.SECP256R1())
            files.write(key, key_pem(private), mode=PRIVATE)
            files.write(crt, pem(self._sign(identity, private)))
        return crt, key

    def _good(self, identity: Identity, crt: Path, key: Path) -> bool:
        found = load_pair(crt, key)
        if found is None:
            return False
        certificate, _ = found
        try:
            certificate.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return (
            certificate.not_valid_after_utc - self._now > RENEW_BEFORE
            and certificate.not_valid_before_utc <= self._now
            and certificate.subject == identity.subject()
            and _alternatives(certificate) == identity.alternatives()
        )

    def _sign(self, identity: Identity, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        usage = ExtendedKeyUsageOID.SERVER_AUTH if identity.serves else None
        usages = [usage or ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            self._builder(identity.subject(), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        if identity.serves:
            alternatives = x509.SubjectAlternativeName(identity.alternatives())
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - BACKDATED)
            .not_valid_after(self._now + VALIDITY)
        )

    def _load_or_make(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        found = load_pair(self.path, self.key_path)
        if found and found[0].not_valid_after_utc - self._now > RENEW_BEFORE:
            return found
        return self._make()

    def _make(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "practicum-local")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - BACKDATED)
            .not_valid_after(self._now + VALIDITY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        files.write(self.key_path, key_pem(key), mode=PRIVATE)
        files.write(self.path, pem(certificate))
        return certificate, key


def ensure_service_account_key(folder: Path) -> tuple[Path, Path]:
    """Paths of the key pair that signs ServiceAccount tokens: private, public."""
    private, public = folder / "sa.key", folder / "sa.pub"
    if private.exists():
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        files.write(private, key_pem(key), mode=PRIVATE)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    files.write(public, key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return private, public


def load_pair(
    certificate: Path, key: Path
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """A certificate and its key; None when a file is missing, broken or another's."""
    if not (certificate.exists() and key.exists()):
        return None
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError):
        return None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        return None
    return (found, private) if found.public_key() == private.public_key() else None


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: PrivateKeyTypes) -> bytes:
    """The key in PEM, in the form every component of Kubernetes reads."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _alternatives(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value)
