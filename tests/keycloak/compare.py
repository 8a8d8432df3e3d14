#!/usr/bin/env python3
"""Holds the demo realm against a real Keycloak, and the daemon's grants too.

    compare.py --realm kc26|kc24 --build FOLDER

One server, over TLS, client certificates included: the demo realm gives the same answers to the same
questions, and the daemon meets each refusal that the server can be made to give. Needs no root.
"""
import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "realm"), os.path.join(TESTS, "suite")]
import realms  # noqa: E402


def check(name, argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=400, check=False, **options)
    good = done.returncode == 0
    print(("ok " if good else "not ok ") + name, flush=True)
    if not good:
        print("".join("    " + line + "\n" for line in done.stdout.splitlines()[-60:]), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--realm", required=True, choices=sorted(realms.VERSIONS))
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    realm = realms.KeycloakRealm(options.realm, True)
    ca = realm.ca_source
    os.environ["KCLOGIN_REALM"] = os.path.join(options.build, "kclogin-realm")
    import demo  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory(prefix="kclogin-compare.") as folder:
        try:
            realm.start(folder)
            base = f"https://localhost:{realm.port}{realm.prefix}"
            with demo.Demo(like=realm.like, path=realm.prefix, tls=True, client_ca=ca) as server:
                likeness = check(
                    f"kclogin-realm --like {realm.like} answers as Keycloak {realm.version}",
                    [sys.executable, os.path.join(TESTS, "realm", "likeness.py"), server.base, base,
                     "--ca-a", server.ca, "--ca-b", ca, "--like", realm.like])
            results = [
                likeness,
                check(f"the daemon's grants against Keycloak {realm.version}",
                      [sys.executable, os.path.join(TESTS, "daemon", "test-realm-grants.py"),
                       "-k", "real"], cwd=options.build,
                      env=dict(os.environ, KCLOGIN_TEST_CA=ca,
                               KCLOGIN_TEST_ISSUER=f"{base}/realms/linux")),
            ]
        finally:
            realm.stop()
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
