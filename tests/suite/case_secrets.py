"""The last cases: no secret that the suite used stands anywhere (lessons 18 and 23).

Runs after all others, on what they left behind.
"""

import base64
import glob
import os
import re
import subprocess
import urllib.parse

import hosts
from bed import ROOT
from outcome import expect, skip_unless
from world import case

SECRETS = [
    "pam-secret-for-tests",
    "a-secret-of-at-least-32-bytes-for-hs256",
    "light-secret",
    "es256-secret",
    "ps256-secret",
    "eddsa-secret",
    "hs256-secret",
    "norefresh-secret",
]


def needles(world):
    """Each secret, as it is and as it is sent."""
    found = {}
    for secret in world.secrets | set(SECRETS):
        raw = secret.encode()
        for form in (
            raw,
            urllib.parse.quote_plus(secret).encode(),
            urllib.parse.quote(secret).encode(),
        ):
            found[form] = secret
    pair = base64.b64encode(b"linux-pam:pam-secret-for-tests")
    found[pair] = "the Basic header"
    return found


def search(where, data, wanted):
    return [f"{where}: {name[:12]}..." for form, name in wanted.items() if form in data]


@case("no secret in any log (lesson 18)")
def logs(world):
    text = world.daemon.log.text()
    expect("user=ada" in text and "issuer=" in text, "the log is empty")
    wanted, found = needles(world), []
    for path in glob.glob(f"{ROOT}/log/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found += search(path, file.read(), wanted)
    expect(not found, "; ".join(found))


@case("no program of ours broke a rule of its language")
def sanitizers(world):
    """What a sanitized build says; nothing else writes such lines."""
    world.daemon.stop()
    for path in glob.glob(f"{ROOT}/log/*"):
        with open(path, encoding="utf-8", errors="replace") as file:
            bad = [
                line
                for line in file
                if re.search(r"(Address|Leak|Thread)Sanitizer|runtime error:", line)
            ]
        expect(not bad, f"{path}: {bad[:3]}")


@case("no secret in any argument list (lesson 18)")
def arguments(world):
    lists = world.sampler.lists
    expect(any(b"kclogind" in one for one in lists), "the sampler saw nothing")
    wanted, found = needles(world), []
    for one in lists:
        found += search(one.replace(b"\0", b" ")[:60].decode("latin-1"), one, wanted)
    expect(not found, "; ".join(found))


def not_sanitized(chosen):
    """A sanitized program's memory is terabytes of shadow: no core to read."""
    with open(os.path.join(chosen.build, "kclogind"), "rb") as file:
        return b"__asan_init" not in file.read()


@case("no secret in the daemon's core (lessons 18 and 23)", not_sanitized)
def core(world):
    """A core as the kernel would write it: what is marked to be left out is left out."""
    skip_unless(os.path.exists("/usr/bin/gcore"), "gdb is not installed")
    world.standard()
    with world.sshd.open("ada", world.password("ada")) as term:
        token = hosts.Seen(True, term.shown).variable("KEYCLOAK_ACCESS_TOKEN")
        world.token(token)
        world.daemon.quiet(world.realm)
        path = f"{ROOT}/core"
        made = subprocess.run(
            ["gcore", "-o", path, str(world.daemon.process.pid)],
            timeout=120,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        cores = glob.glob(path + ".*")
        expect(cores, f"no core: {made.stdout}{made.stderr}")
        with open(cores[0], "rb") as file:
            data = file.read()
        os.remove(cores[0])
    expect(b"kclogind" in data and world.realm.issuer.encode() in data, "the core has no heap")
    found = search("core", data, needles(world))
    expect(not found, "; ".join(found))


@case("what the daemon keeps is closed to others (lesson 20)")
def kept(world):
    world.standard()
    with world.sshd.open("ada", world.password("ada")):
        sessions = "/run/kclogin/sessions"
        expect(os.stat(sessions).st_mode & 0o777 == 0o700, "the sessions folder is open")
        files = os.listdir(sessions)
        expect(files, "no session file")
        for name in files:
            expect(os.stat(f"{sessions}/{name}").st_mode & 0o777 == 0o600, f"{name} is open")
        expect(os.stat("/run/kclogin/priv.socket").st_mode & 0o777 == 0o600, "priv.socket is open")
        for path in ("/run/kclogin", "/run/kclogin/priv.socket"):
            expect(os.stat(path).st_uid == 0, f"{path} is not root's")
