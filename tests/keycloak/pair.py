#!/usr/bin/env python3
"""Two real Keycloak nodes on one database, and a daemon that knows both addresses (connect_to).

    pair.py --build FOLDER

As root; needs Debian's postgresql beside what tests/keycloak/node.sh needs. Run by hand: it takes
minutes and 2 GB of memory. One address is dead, silent, a black hole or broken, then one
node is killed for real and comes back. Each login is measured; the last line is what was seen.
"""
import argparse
import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "daemon"), os.path.join(TESTS, "suite")]
from hostile import sleep_until  # noqa: E402
from relay import BAD, Relay  # noqa: E402

SLOW_MS, BUSY_MS = 2000, 500
QUIET = 0.2  # seconds after which an answer says nothing of its address any more
VERSION = "26.7.0"
REALM_FILE = os.path.join(os.path.dirname(TESTS), "realm", "linux.json")


def free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


@contextlib.contextmanager
def database(folder):
    """PostgreSQL on the loopback; its port."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
        sys.exit("pair.py: needs postgresql")
    data, port = os.path.join(folder, "pg"), free_ports(1)[0]
    os.mkdir(data)
    shutil.chown(data, "postgres")

    def run(program, *words):
        subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                        os.path.join(programs[-1], program), *words],
                       check=True, timeout=120, stdout=subprocess.DEVNULL, cwd="/")

    run("initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--no-instructions")
    run("pg_ctl", "-D", data, "-w", "-l", f"{data}/log", "-o",
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}", "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "keycloak")
        yield port
    finally:
        run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


class Node:
    """One of the two; a killed one can be started again."""

    def __init__(self, folder, database_port):
        self.folder, self.process = folder, None
        self.port, self.management, cluster = free_ports(3)
        self.words = [
            "start", "--optimized", "--import-realm",
            f"--db-url=jdbc:postgresql://127.0.0.1:{database_port}/keycloak",
            "--db-username=postgres", "--db-password=none", "--http-enabled=true",
            "--hostname-strict=false", "--http-host=127.0.0.1", f"--http-port={self.port}",
            "--http-management-host=127.0.0.1", f"--http-management-port={self.management}",
            "--cache-embedded-network-bind-address=127.0.0.1",
            f"--cache-embedded-network-bind-port={cluster}"]

    def start(self):
        with open(f"{self.folder}.log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.folder}/bin/kc.sh", *self.words], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)

    def wait(self):
        def ready():
            if self.process.poll() is not None:
                with open(f"{self.folder}.log", encoding="utf-8", errors="replace") as log:
                    sys.exit("Keycloak ended:\n" + log.read()[-3000:])
            try:
                url = f"http://127.0.0.1:{self.management}/health/ready"
                return urllib.request.urlopen(url, timeout=2).status == 200
            except OSError:
                return False
        if not sleep_until(ready, 240):
            sys.exit("Keycloak does not become ready")

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)


def make_nodes(folder, port):
    """Built once for PostgreSQL, then twice there; the first brings the realm."""
    home = subprocess.run([os.path.join(TESTS, "keycloak", "node.sh"), "fetch", VERSION],
                          check=True, capture_output=True, text=True).stdout.strip()
    first, second = os.path.join(folder, "one"), os.path.join(folder, "two")
    shutil.copytree(home, first, symlinks=True)
    subprocess.run([f"{first}/bin/kc.sh", "build", "--db=postgres", "--health-enabled=true"],
                   check=True, stdout=subprocess.DEVNULL, timeout=240)
    shutil.copytree(first, second, symlinks=True)
    os.makedirs(f"{first}/data/import")
    shutil.copy(REALM_FILE, f"{first}/data/import")
    return [Node(first, port), Node(second, port)]


class Logins:
    """What is asked of the daemon's code, and how long it took."""

    def __init__(self, realms):
        self.realms, self.usual, self.seen = realms, 0, []

    def log_in(self, what, allowed_ms):
        word, took, detail = self.realms.ask("login", 0, "ada", "ada-pass")
        self.seen.append(f"{what}: {took} ms")
        if word != "ok" or took > allowed_ms:
            sys.exit(f"not ok {what}: {word} after {took} ms ({detail}), allowed {allowed_ms:.0f}")
        ended = self.realms.ask("logout", 0)  # at whichever node
        if ended[0] != "ok":
            sys.exit(f"not ok {what}: log-out {ended}")
        return took

    def warm_up(self, node_count):
        """A node's first logins are slow: all it has is loaded then."""
        for _ in range(4 * node_count):
            self.log_in("cold", 20000)
            time.sleep(QUIET)
        self.usual = max(self.log_in("usual", 20000) for _ in range(3))

    def under(self, what):
        time.sleep(QUIET)
        self.log_in(what, self.usual + SLOW_MS)
        for _ in range(3):
            time.sleep(QUIET)
            self.log_in(f"{what}, later", self.usual + BUSY_MS)


def run(realms, nodes):
    relays = [Relay(node.port) for node in nodes]
    addresses = [f"127.0.0.1:{relay.port}" for relay in relays]
    realms.open(0, [f"issuer = http://{addresses[0]}/realms/linux", "allow_http = yes",
                    "connect_to = " + " ".join(addresses)])
    logins, in_use = Logins(realms), 0
    logins.warm_up(1)
    with relays[0].gone():  # so that the other one is warm too
        time.sleep(QUIET)
        logins.warm_up(1)
    in_use = 1
    for what, way in BAD.items():
        with way(relays[in_use]):
            logins.under(what)
        in_use = 1 - in_use
        time.sleep(2)  # until the background has asked the one that was bad
    nodes[in_use].kill()
    logins.under("killed")
    nodes[in_use].start()
    nodes[in_use].wait()
    time.sleep(2)
    relays[1 - in_use].down()
    sleep_until(lambda: realms.ask("state", 0)[:2] == ["ready", "ok"], 70)
    logins.log_in("back", 20000)
    print("ok two nodes: " + "; ".join(logins.seen[-26:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    os.chdir(parser.parse_args().build)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # and nothing stays behind
    from realms import Realms  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory(prefix="kclogin-pair.") as folder:
        os.chmod(folder, 0o755)
        with database(folder) as port, Realms() as realms:
            nodes = make_nodes(folder, port)
            try:
                for node in nodes:
                    node.start()
                    node.wait()
                run(realms, nodes)
            finally:
                for node in nodes:
                    node.kill()


if __name__ == "__main__":
    main()
