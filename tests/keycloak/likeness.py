#!/usr/bin/env python3
"""Starts a real Keycloak and holds it against what the demo realm is made after.

    likeness.py kc26|kc24

The answers recorded beside tests/realm/likeness.py are what `make check` holds the demo realm
against; this proves that they are the server's.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "suite"))

import realms  # noqa: E402


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in realms.VERSIONS:
        sys.exit("likeness.py kc26|kc24")
    realm, work = realms.KeycloakRealm(sys.argv[1], tls=False), tempfile.mkdtemp(prefix="kclogin-like.")
    try:
        realm.start(work)
        record = os.path.join(os.path.dirname(HERE), "realm", f"keycloak-{realm.version}.json")
        done = subprocess.run(
            [sys.executable, os.path.join(os.path.dirname(HERE), "realm", "likeness.py"),
             f"http://localhost:{realm.port}{realm.prefix}", "--against", record, "--like", realm.like],
            stdin=subprocess.DEVNULL, timeout=300, check=False)
    finally:
        realm.stop()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
