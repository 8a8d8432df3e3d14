"""The host that is measured: the suite's bed, a realm with enough people, kclogind, callers.

Used by bench/login and parts.py. Nothing stands between the daemon and the realm here.
"""

import contextlib
import json
import os
import resource
import subprocess
import types

import bed
import product
import realms
from bed import ROOT, write
from figures import Samples
from outcome import Failed

PEOPLE = 48  # enough that nobody logs in twice within a few milliseconds
CLIENT, SECRET = "linux-pam-es256", "es256-secret"
PREFIX = "b"
FILES = 131072
FIRST_UID = 3000
# Without a secret in an argument list: the password by pam_exec's pipe, the client's in a file.
EXEC = """#!/bin/sh
exec /usr/bin/curl -q -sSf -o /dev/null -K {folder}/curl.conf --data-urlencode "username=$PAM_USER"
"""
CURL_CONF = """url = "{url}"
cacert = "{ca}"
user = "{client}:{secret}"
data = "grant_type=password"
data-urlencode = "password@-"
"""


def names():
    return [f"{PREFIX}{number:03}" for number in range(PEOPLE)]


def realm_file(path):
    """The suite's realm, with people who have nothing but what a login needs."""
    with open(realms.REALM_FILE, encoding="utf-8") as file:
        realm = json.load(file)
    model = next(user for user in realm["users"] if user["username"] == "ada")
    for name in names():
        password = {"type": "password", "value": f"{name}-pass", "temporary": False}
        realm["users"].append(
            {**model, "username": name, "email": f"{name}@example.test", "credentials": [password]}
        )
    return write(path, json.dumps(realm))


def unit_environment():
    """What the unit sets for the daemon."""
    path = os.path.join(realms.SOURCE, "packaging/systemd/kclogind.service.in")
    with open(path, encoding="utf-8") as unit:
        lines = [line.strip() for line in unit]
    return dict(
        line.split("=", 1)[1].split("=", 1) for line in lines if line.startswith("Environment=")
    )


def most_sessions():
    """How many the daemon may hold besides those of callers: half of its descriptors."""
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 1000


class Direct:
    """A realm without the suite's relay, which would be what is measured."""

    def connect(self):
        self.relay = types.SimpleNamespace(port=self.port)


class Demo(Direct, realms.DemoRealm):
    more = ("--hash-delay", "0")


class Keycloak(Direct, realms.KeycloakRealm):
    pass


class Place:
    def __init__(self, realm, build, work):
        self.build = os.path.abspath(build)
        self.caller = os.path.join(self.build, "bench", "caller")
        if not os.path.exists(self.caller):
            raise SystemExit(f"{self.caller} is not there: make -C {build} bench")
        self.daemon = self.realm = None
        self.bed = bed.Bed(self.build, self.build)
        self.folder = f"{ROOT}/bench"
        try:
            self._start(realm, work)
        except BaseException:
            self.stop()
            raise

    def _start(self, realm, work):
        self.realm = (
            Demo("demo", True, self.bed.find("kclogin-realm"))
            if realm == "demo"
            else Keycloak("kc26", True)
        )
        self.realm.file = realm_file(f"{work}/realm.json")
        self.realm.start(work)
        os.makedirs(os.path.dirname(realms.CA_FILE), exist_ok=True)
        with open(self.realm.ca_source, encoding="utf-8") as source:
            write(realms.CA_FILE, source.read())
        self._people()
        self._services()
        self.most_sessions = most_sessions()
        self.daemon = product.Daemon(self.bed)
        self.restart()

    def restart(self):
        """A daemon that has done nothing yet."""
        self.daemon.stop()
        self.daemon.use(
            product.configuration(self.realm, client=CLIENT, secret=SECRET), unit_environment()
        )

    def _people(self):
        with open("/etc/passwd", "a", encoding="utf-8") as file:
            for number, name in enumerate(names()):
                uid = FIRST_UID + number
                file.write(f"{name}:x:{uid}:{uid}::/home/{name}:/bin/sh\n")
        product.host_conf(names())

    def _services(self):
        values = {"url": self.token_url, "ca": realms.CA_FILE, "client": CLIENT, "secret": SECRET}
        write(f"{self.folder}/exec", EXEC.format(folder=self.folder), 0o700)
        write(f"{self.folder}/curl.conf", CURL_CONF.format(**values), 0o600)
        write(f"{self.folder}/client", f"{CLIENT}:{SECRET}", 0o600)
        kinds = ("auth", "account", "session")
        ours = "".join(f"{kind} required pam_keycloak.so\n" for kind in kinds)
        theirs = f"auth required pam_exec.so expose_authtok quiet {self.folder}/exec\n"
        rest = "account required pam_permit.so\nsession required pam_permit.so\n"
        write("/etc/pam.d/bench", ours + rest)
        write("/etc/pam.d/bench-permit", "".join(f"{kind} required pam_permit.so\n" for kind in kinds))
        write("/etc/pam.d/bench-exec", theirs + "auth required pam_permit.so\n" + rest)

    @property
    def token_url(self):
        return self.realm.issuer + "/protocol/openid-connect/token"

    def _argv(self, kinds, callers, rounds, batch):
        return [
            self.caller, "-k", ",".join(kinds), "-c", str(callers), "-r", str(rounds),
            "-b", str(batch), "-n", str(PEOPLE), "-p", PREFIX, "-u", self.token_url, "-a", realms.CA_FILE,
            "-s", f"{self.folder}/client",
        ]

    def call(self, kinds, callers, rounds, batch=1):
        """Callers that log in and out; their samples."""
        done = subprocess.run(
            self._argv(kinds, callers, rounds, batch),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600,
        )
        if done.returncode != 0:
            raise Failed(f"{done.stderr}\n{self.daemon.log.text()[-2000:]}")
        return Samples(done.stdout)

    @contextlib.contextmanager
    def held(self, sessions, callers):
        """While it lasts, so many sessions are open beside those of others."""
        process = subprocess.Popen(
            self._argv(["pam"], callers, sessions // callers, 1) + ["-h"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        try:
            if process.stdout.readline() != "held\n":
                raise Failed(f"sessions were not opened: {self.daemon.log.text()[-2000:]}")
            yield
        finally:
            process.communicate()

    def counts(self):
        return self.realm.control("GET", "counts")

    def stop(self):
        for part in (self.daemon, self.realm):
            if part:
                part.stop()
