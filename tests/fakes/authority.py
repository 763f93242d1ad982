"""A certificate authority for one test: whoever is to believe it gets SSL_CERT_FILE, and nobody else does."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    """Python 3.13 believes no authority without it."""
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


class Authority:
    """`file`: its certificate, PEM. Certificates for names and addresses lie beside it, with their keys."""

    def __init__(self, home: Path) -> None:
        self._home, self._key = home, ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._signed("Authority of a test", self._key.public_key(), basic)
        self.file = home / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def certificate(self, host: str) -> tuple[Path, Path]:
        """Certificate and key for this name or address, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        certificate = self._signed(host, key.public_key(), x509.SubjectAlternativeName([name]))
        files = self._home / f"{host}.crt", self._home / f"{host}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
        ))  # fmt: skip
        return files

    def server(self, host: str) -> ssl.SSLContext:
        """What a server on that host shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(host))
        return context

    def _signed(self, subject: str, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name("Authority of a test"))
            .public_key(key).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(_usage(authority=isinstance(extension, x509.BasicConstraints)), critical=True)
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
