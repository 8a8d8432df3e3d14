"""The product as the suite runs it: kclogind with a configuration, on the bed.

Used by run.py and the cases. Never leaves a daemon behind: it is ended by the pid that was kept.
"""

import os
import signal
import socket
import subprocess
import time

import memcheck
from bed import DAEMON_UID, LISTED, ROOT, write
from journal import LineLog
from outcome import Failed, wait_for

HOST_CONF = "/etc/kclogin/host.conf"
CONF = "/etc/kclogin/kclogin.conf"
SECRETS = "/etc/kclogin/secrets"
PRIVATE_SOCKET = "/run/kclogin/priv.socket"
PUBLIC_SOCKET = "/run/kclogin/socket"

ACCESS = {
    "access": ["allow = role:linux-login"],
    "access sudo": ["allow = group:/linux-admins"],
}
LIMITS = ["source_failures = 1000", "target_failures = 1000"]


def host_conf(listed=None):
    names = LISTED if listed is None else listed
    line = "local_accounts = " + " ".join(names) + "\n" if names else ""
    return write(HOST_CONF, "# the accounts that a realm password opens\n" + line)


def secret_file(name, text):
    """A secret in a file of its own, as the administrator makes it."""
    os.makedirs(SECRETS, mode=0o755, exist_ok=True)
    return write(f"{SECRETS}/{name}", text, 0o600, owner=DAEMON_UID)


def configuration(
    realm,
    client="linux-pam",
    auth="basic",
    secret="pam-secret-for-tests",
    realm_lines=(),
    access=None,
    sections=None,
    ca_file=None,
):
    """The text of kclogin.conf for this realm."""
    lines = [
        "[realm]",
        f"issuer = {realm.issuer}",
        f"client_id = {client}",
        f"client_auth = {auth}",
    ]
    if secret:
        lines.append(f"client_secret_file = {secret_file('client', secret)}")
    lines.append(f"ca_file = {ca_file or realm.ca_file()}" if realm.tls else "allow_http = yes")
    lines += realm_lines
    wanted = {**(ACCESS if access is None else access), "limits": LIMITS, **(sections or {})}
    for name, body in wanted.items():
        if body is not None:
            lines += ["", f"[{name}]", *body]
    return "\n".join(lines) + "\n"


class Daemon:
    """One kclogind at a time, restarted where a case needs another configuration."""

    def __init__(self, bed):
        self.program = bed.find("kclogind")
        self.log = LineLog(f"{ROOT}/log/kclogind.log")
        self.process = None
        self.text = None
        self.environment = {}

    def use(self, text, environment=None):
        """The daemon runs with this configuration; keeps it where it does already."""
        environment = environment or {}
        if self.running() and text == self.text and environment == self.environment:
            return
        self.stop()
        write(CONF, text)
        self.text, self.environment = text, environment
        self._start(environment)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def _start(self, environment):
        path = f"{ROOT}/notify"
        if os.path.exists(path):
            os.remove(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            os.chmod(path, 0o666)
            notify.settimeout(0.1)
            mark = self.log.mark()
            with open(self.log.path, "ab") as log:
                self.process = subprocess.Popen(
                    memcheck.wrap([self.program]),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={
                        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                        "LANG": "C.UTF-8",
                        "NOTIFY_SOCKET": path,
                        **environment,
                    },
                )
            end = time.monotonic() + 30
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    raise Failed(
                        f"kclogind ended with {self.process.returncode}: {self.log.text(mark)!r}"
                    )
                try:
                    if b"READY=1" in notify.recv(4096):
                        return
                except TimeoutError:
                    pass
            raise Failed(f"kclogind did not become ready: {self.log.text(mark)!r}")

    def stop(self):
        if not self.process:
            return
        process, self.process, self.text = self.process, None, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
                raise Failed("kclogind did not end on SIGTERM") from None
        if process.returncode != 0:
            raise Failed(f"kclogind ended with {process.returncode}: {self.log.text()[-2000:]!r}")

    def reload(self, text):
        """A new configuration, live."""
        mark = self.log.mark()
        write(CONF, text)
        self.process.send_signal(signal.SIGHUP)
        self.text = text
        return mark

    def login(self, mark, seconds=10, **fields):
        """The daemon's line about a login, with these fields."""
        return self.log.event(mark, "login", seconds, **fields)

    def quiet(self, realm, seconds=10):
        """Waits until the daemon has no grant running: the realm's traffic stands still."""
        seen = [realm.relay.bytes_up, time.monotonic()]

        def still():
            if realm.relay.bytes_up != seen[0]:
                seen[:] = [realm.relay.bytes_up, time.monotonic()]
            return time.monotonic() - seen[1] > 0.3

        wait_for(still, seconds, "the daemon does not come to rest")
