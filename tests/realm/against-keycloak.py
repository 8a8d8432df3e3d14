#!/usr/bin/env python3
"""Starts a real Keycloak and the built kclogin-realm, and holds one against the other.

    against-keycloak.py --build FOLDER VERSION...    versions 26.7.0 and 24.0.5, one after the other

Over https, client certificates included; 24.0.5 under /auth. The distribution comes through
tests/keycloak/node.sh. Exit status 1: the demo realm answers something else than Keycloak does.
"""
import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import facts  # noqa: E402

NODE = os.path.join(HERE, "..", "keycloak", "node.sh")
START_SECONDS = 400


def free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextlib.contextmanager
def keycloak(version, path):
    """A real server; its base URL, once it answers."""
    plain, management, tls = free_ports(3)
    key = os.path.join(facts.KEYS, "srv")
    ca = os.path.join(facts.KEYS, "ca.crt")
    options = ["--https-port=%d" % tls, "--https-certificate-file=%s.crt" % key,
               "--https-certificate-key-file=%s.key" % key, "--https-client-auth=request",
               "--truststore-paths=" + ca] + (["--http-relative-path=" + path] if path else [])
    with tempfile.TemporaryDirectory(prefix="kclogin-keycloak.") as folder, \
            open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(
            [NODE, "run", os.path.join(folder, "server"), version, str(plain), str(management),
             facts.FILE, *options], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True)
        try:
            realm = facts.Realm("https://localhost:%d%s" % (tls, path), ca=ca)
            deadline = time.monotonic() + START_SECONDS
            while not answers(realm):
                if process.poll() is not None or time.monotonic() > deadline:
                    with open(log.name, errors="replace") as said:
                        raise SystemExit("Keycloak %s does not start:\n%s" % (
                            version, said.read()[-2000:]))
                time.sleep(1)
            yield realm
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def answers(realm):
    try:
        return realm.ask("GET", "protocol/openid-connect/certs").status == 200
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="where kclogin-realm was built")
    parser.add_argument("versions", nargs="+")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is ended too
    os.environ["KCLOGIN_REALM"] = os.path.join(options.build, "kclogin-realm")
    import demo  # pylint: disable=import-outside-toplevel
    failed = 0
    for version in options.versions:
        like, path = (24, "/auth") if version.startswith("24.") else (26, "")
        with keycloak(version, path) as real, \
                demo.Demo(like=like, path=path, tls=True, client_ca=real.ca) as server:
            print("kclogin-realm --like %d and Keycloak %s:" % (like, version), flush=True)
            failed |= subprocess.run(
                [os.path.join(HERE, "likeness.py"), server.base, real.base, "--like", str(like),
                 "--ca-a", server.ca, "--ca-b", real.ca], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
