"""What every case has at hand: the bed, the realm, the daemon, sshd; and the list of cases.

Used by run.py and the case files. Keeps every secret that a case used, for the last cases to look
for.
"""

import collections
import importlib
import os
import shutil
import subprocess

import memcheck
import realms
from bed import DAEMON_UID, Bed
from hosts import Sampler, Sshd
from outcome import Failed
from product import Daemon, configuration, host_conf

Case = collections.namedtuple("Case", "name function where")
CASES = []

WRONG = "not-the-password"


def anywhere(_):
    return True


def over_tls(chosen):
    return chosen.tls


def once(chosen):
    """What is about the host and not about its realm."""
    return chosen.realm == "demo" and not chosen.tls


def case(name, where=anywhere):
    """Puts a function into the list of cases under this name, in the order of the files; it runs
    where where(the options) says so."""

    def add(function):
        CASES.append(Case(name, function, where))
        return function

    return add


class World:
    def __init__(self, chosen, work):
        self.chosen = chosen
        self.realm = None
        self.sshd = None
        self.daemon = None
        self.sampler = None
        self.secrets = set()
        self.unclaimed_since = None
        self.cut_since = None
        self.passwords = realms.passwords()
        self.bed = Bed(
            os.path.abspath(chosen.build), os.path.abspath(chosen.modules or chosen.build)
        )
        if chosen.valgrind:
            memcheck.start()
        try:
            self._start(work)
        except BaseException:
            self.end()
            raise

    def _start(self, work):
        if not self.bed.has_module or not self.bed.find("kclogind"):
            raise SystemExit("the build folder installs no pam_keycloak.so or no kclogind")
        self._keys()
        if self.chosen.realm.startswith("kc"):
            self.realm = realms.KeycloakRealm(self.chosen.realm, self.chosen.tls)
        else:
            self.realm = realms.DemoRealm(
                self.chosen.realm, self.chosen.tls, self.bed.find("kclogin-realm")
            )
        self.realm.start(work)
        if self.realm.tls:
            shutil.copy(self.realm.ca_source, realms.CA_FILE)
        self.sshd = Sshd()
        self.sampler = Sampler()
        self.daemon = Daemon(self.bed)
        host_conf()

    @staticmethod
    def _keys():
        """The keys of the realm file's clients, where the daemon's user can read them."""
        folder = os.path.dirname(realms.CA_FILE)
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(realms.KEYS):
            path = shutil.copy(os.path.join(realms.KEYS, name), folder)
            os.chown(path, DAEMON_UID, DAEMON_UID)
            os.chmod(path, 0o600 if name.endswith((".key", ".pem", ".pw")) else 0o644)

    def standard(self, **changes):
        """The daemon with the suite's usual configuration; a mark in its log."""
        self.daemon.use(configuration(self.realm, **changes))
        self.realm.relay.up()
        return self.daemon.log.mark()

    def password(self, user):
        """The user's password, noted as a secret that must stand nowhere."""
        text = self.passwords[user]
        self.secrets.add(text)
        return text

    def kclogin(self, *arguments):
        """The command, as root: (exit code, what it printed)."""
        done = subprocess.run(
            [self.bed.find("kclogin"), *arguments],
            check=False,
            timeout=20,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def token(self, text):
        """A token that a session got, noted as a secret."""
        if text:
            self.secrets.add(text.rsplit(".", 1)[-1])
        return text

    def after_failure(self):
        """Leaves the next case a daemon that runs and a realm that answers."""
        self.realm.relay.up()
        self.realm.forget_failures()
        if self.daemon.process and not self.daemon.running():
            self.daemon.process = None
        self.daemon.text = None

    def end(self):
        for part in (self.sampler, self.daemon, self.sshd, self.realm):
            if part:
                try:
                    part.stop()
                except (Failed, OSError):
                    pass


# In the order in which they run.
CASE_FILES = [
    "sessions",
    "crashes",
    "logins",
    "names",
    "directory",
    "glibc",
    "stack",
    "keys",
    "account",
    "numbers",
    "outage",
    "hostility",
    "guesses",
    "tokens",
    "switches",
    "liar",
    "neighbours",
    "faults",
    "ends",
    "clients",
    "secrets",
]


def load_cases():
    """Reads the case files; each puts its cases into CASES."""
    for name in CASE_FILES:
        importlib.import_module("case_" + name)
