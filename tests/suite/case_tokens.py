"""A transaction is worth its own login, once; nobody gets a token by somebody else's.

A key is taken out of the PAM environment of a login, as only root can, and brought back in every
wrong way. Who brings it gets nothing, and the grant ends at the realm.
"""

import glob
import os
import re
import struct

import hosts
from bed import BODY, ROOT, write
from outcome import expect, wait_for
from world import case, once

SERVICE, OTHER_SERVICE = "suite-claim", "suite-claim-too"
HOST = "rhost=192.0.2.7"
LOGS = f"{ROOT}/environment"
# every transaction that was taken; they stand in argument lists here, as nowhere else
KEYS = set()


def make_services(world):
    """Services that show the PAM environment of their account phase and of their session."""
    os.makedirs(LOGS, mode=0o700, exist_ok=True)
    for name in (SERVICE, OTHER_SERVICE):
        write(
            f"/etc/pam.d/{name}",
            "auth required pam_keycloak.so\n"
            "account required pam_permit.so\n"
            f"account optional pam_exec.so log={LOGS}/account /usr/bin/env\n"
            "session required pam_permit.so\n"
            "session optional pam_keycloak.so\n"
            f"session optional pam_exec.so type=open_session log={LOGS}/session /usr/bin/env\n",
        )
    return world.standard()


def fresh(name):
    path = f"{LOGS}/{name}"
    if os.path.exists(path):
        os.remove(path)
    return path


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def log_in(world, user="ada", service=SERVICE):
    """A login that stops before its session; its transaction."""
    path = fresh("account")
    seen = hosts.pamtester(
        service,
        user,
        "authenticate",
        "acct_mgmt",
        answers=[("Password: ", world.password(user))],
        items=[HOST],
    )
    expect(seen.entered, f"{seen}")
    key = re.search(r"^KCLOGIN_TRANSACTION=([0-9a-f]{64})$", text_of(path), re.M)
    expect(key, f"no transaction: {text_of(path)}")
    KEYS.add(key.group(1))
    return key.group(1)


def claim(key, user="ada", service=SERVICE, host=HOST):
    """The environment of a session that brings this transaction along."""
    path = fresh("session")
    argv = ["pamtester", "-E", f"KCLOGIN_TRANSACTION={key}", "-I", host, service, user]
    with hosts.Terminal(argv + ["open_session"]) as term:
        expect(term.finish() == 0, f"no session: {term.shown}")
    return text_of(path)


def nothing_in(environment, why):
    found = re.findall(r"^(?:KCLOGIN|KEYCLOAK)_\w+", environment, re.M)
    expect(not found, f"{why} has {found}")


def ended(world, user, before=0):
    wait_for(
        lambda: world.realm.sessions(user) <= before,
        10,
        lambda: f"{world.realm.sessions(user)} sessions of {user} at the realm, not {before}",
    )


@case("a transaction opens one session, its login's", once)
def replayed(world):
    mark = make_services(world)
    before = world.realm.sessions("ada")
    key = log_in(world)
    expect("KEYCLOAK_ACCESS_TOKEN=eyJ" in claim(key), "the login's own session gets no token")
    ended(world, "ada", before)
    nothing_in(claim(key), "a transaction brought twice")
    world.daemon.log.event(mark, "session", reason="transaction-unknown")


@case("a transaction of another user, service or host ends its grant", once)
def elsewhere(world):
    make_services(world)
    before = world.realm.sessions("ada")
    for why, wrong in (
        ("another user of the realm", {"user": "keys"}),
        ("root", {"user": "root"}),
        ("a local user", {"user": "carol"}),
        ("another service", {"service": OTHER_SERVICE}),
        ("another host", {"host": "rhost=192.0.2.8"}),
        ("no host", {"host": "rhost="}),
    ):
        mark = world.daemon.log.mark()
        key = log_in(world)
        expect(world.realm.sessions("ada") == before + 1, "the grant is no session at the realm")
        nothing_in(claim(key, **wrong), why)
        line = world.daemon.log.event(mark, "session", reason="transaction-mismatch")
        expect(line["result"] == "denied", f"{line}")
        expect(line["user"] == wrong.get("user", "ada"), f"{line}")
        ended(world, "ada", before)
        nothing_in(claim(key), f"ada herself, after {why},")


def skip_texts(data, at, count):
    for _ in range(count):
        at += 4 + struct.unpack_from(">I", data, at)[0]
    return at


def age(path, seconds):
    """Makes a grant older, in the file that the daemon reads when it starts."""
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        # magic, uid; user, service, rhost, access, issuer, client; flag; scope; then the time
        at = skip_texts(data, skip_texts(data, 8, 6) + 1, 1)
        made = struct.unpack_from(">Q", data, at)[0]
        struct.pack_into(">Q", data, at, made - seconds * 1000)
        file.seek(0)
        file.write(data)


def age_grants(world, seconds):
    """A daemon to which all grants that wait are so much older; a mark in its log."""
    world.daemon.stop()
    files = glob.glob("/run/kclogin/sessions/g-*")
    expect(files, "no grant waits")
    for path in files:
        age(path, seconds)
    return world.standard()


@case("a transaction is worth nothing after two minutes", once)
def expired(world):
    """The daemon's clock is not waited for: the grant's file is made to be old."""
    for seconds, token in ((100, True), (120, False)):
        make_services(world)
        before = world.realm.sessions("ada")
        key = log_in(world)
        mark = age_grants(world, seconds)
        if not token:
            ended(world, "ada", before)
        found = claim(key)
        if token:
            expect("KEYCLOAK_ACCESS_TOKEN=eyJ" in found, "too old after 100 s")
        else:
            nothing_in(found, "an old transaction")
            world.daemon.log.event(mark, "session", reason="transaction-unknown")
        ended(world, "ada", before)


def rewrite_environment(user, **variables):
    """~/.pam_environment, which pam_env reads where the administrator has let it."""
    uid = hosts.account(user)["uid"]
    lines = "".join(f"{name} DEFAULT={value}\n" for name, value in variables.items())
    return write(f"/home/{user}/.pam_environment", lines, 0o600, owner=uid, group=uid)


def sshd_service(before="", after=""):
    write(
        "/etc/pam.d/sshd",
        BODY.replace("@include common-session\n", f"{before}@include common-session\n{after}"),
    )


READ_IT = "session required pam_env.so user_readenv=1\n"


@case("who plants somebody else's transaction in their environment gets nothing", once)
def planted_transaction(world):
    make_services(world)
    before = world.realm.sessions("ada")
    sshd_service(before=READ_IT)
    try:
        for user, password in (("keys", world.password("keys")), ("carol", "local-carol-pass")):
            mark = world.daemon.log.mark()
            rewrite_environment(user, KCLOGIN_TRANSACTION=log_in(world))
            seen = world.sshd.log_in(user, password)
            expect(seen.entered, f"{seen}")
            nothing_in(seen.shown, user)
            line = world.daemon.log.event(mark, "session", reason="transaction-mismatch")
            expect(line["user"] == user, f"{line}")
            ended(world, "ada", before)
            os.remove(f"/home/{user}/.pam_environment")
    finally:
        sshd_service()


@case("who plants somebody else's session ends their own (lesson 42)", once)
def planted_session(world):
    world.standard()
    sshd_service(after=READ_IT)
    ada, keys = world.realm.sessions("ada"), world.realm.sessions("keys")
    try:
        with world.sshd.open("ada", world.password("ada")) as term:
            handle = hosts.Seen(True, term.shown).variable("KCLOGIN_SESSION")
            rewrite_environment("keys", KCLOGIN_SESSION=handle, KCLOGIN_TRANSACTION=handle)
            seen = world.sshd.log_in("keys", world.password("keys"))
            expect(seen.entered, f"{seen}")
            expect(seen.variable("KCLOGIN_SESSION") == handle, "pam_env does not rewrite: no test")
            ended(world, "keys", keys)
            world.daemon.quiet(world.realm)
            expect(world.realm.sessions("ada") == ada + 1, "keys has ended ada's session")
            term.send(b"\x04", newline=False)
            term.finish()
        ended(world, "ada", ada)
    finally:
        sshd_service()
        os.remove("/home/keys/.pam_environment")


@case("no transaction in any log (lesson 18)", once)
def logs(world):
    if not KEYS:
        replayed(world)
    for path in glob.glob(f"{ROOT}/log/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                text = file.read()
            expect(not any(key.encode() in text for key in KEYS), f"a transaction in {path}")
