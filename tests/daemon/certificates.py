"""Certificates as they should not be, made anew for each run by the openssl command.

Used by test-tls-faults.py. All are for localhost and of one authority, but for what each is about.
"""
import os
import subprocess

CONFIG = """
[ca]
default_ca = this
[this]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = req
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[good]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
[other]
subjectAltName = DNS:other.example.org,DNS:localhost.example.org,DNS:*.localhost
[address]
subjectAltName = IP:127.0.0.2
[client]
subjectAltName = DNS:localhost
extendedKeyUsage = clientAuth
[signer]
subjectAltName = DNS:localhost
keyUsage = critical,keyCertSign
"""


class Certificates:
    """In a folder of the caller's; the authority's certificate is `ca`."""

    def __init__(self, folder):
        self.folder = folder
        for name, content in (("conf", CONFIG), ("index", ""), ("serial", "1000\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(content)
        self.ca = self._authority("ca")
        self._authority("stranger")

    def path(self, name):
        return os.path.join(self.folder, name)

    def _run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _authority(self, name):
        self._run("req", "-x509", "-config", "conf", "-extensions", "authority", "-subj",
                  f"/CN=authority {name}", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "30")
        return self.path(f"{name}.crt")

    def make(self, name, extensions="good", start="20200101000000Z", end="20491231235959Z",
             issuer="ca", digest="sha256", key=("ec", "ec_paramgen_curve:P-256"), chain=()):
        """The path of a file with key, certificate and chain; times as YYYYMMDDHHMMSSZ."""
        self._run("req", "-config", "conf", "-subj", "/CN=localhost", "-newkey", key[0],
                  "-pkeyopt", key[1], "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ["-selfsign", "-keyfile", f"{name}.key"] if issuer is None else [
            "-cert", f"{issuer}.crt", "-keyfile", f"{issuer}.key"]
        self._run("ca", "-config", "conf", "-batch", "-notext", "-extensions", extensions, *signed,
                  "-startdate", start, "-enddate", end, "-md", digest, "-in", f"{name}.csr",
                  "-out", f"{name}.crt")
        with open(self.path(f"{name}.pem"), "wb") as whole:
            for part in (f"{name}.key", f"{name}.crt", *chain):
                with open(self.path(part), "rb") as file:
                    whole.write(file.read())
        return self.path(f"{name}.pem")
