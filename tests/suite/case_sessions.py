"""The session: what its environment has, and that it ends at the realm when it ends here."""

import base64
import json
import os
import signal
import time

import hosts
from outcome import expect, wait_for
from product import configuration
from world import case


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def rest(world, user):
    """The user's sessions at the realm, when nothing runs any more."""
    world.daemon.quiet(world.realm)
    return world.realm.sessions(user)


def gone(world, user, before):
    wait_for(
        lambda: world.realm.sessions(user) <= before,
        15,
        lambda: f"{world.realm.sessions(user)} sessions of {user} at the realm, {before} before",
    )


UNCLAIMED = "jo.doe"


@case("authenticate alone: a grant that is a session at the realm")
def unclaimed(world):
    """As a locker does it. That nobody claims the grant is seen by claim_ended, two minutes on."""
    world.standard()
    expect(world.realm.sessions(UNCLAIMED) == 0, "there is a session already")
    seen = hosts.pamtester(
        "pamtester", UNCLAIMED, "authenticate", answers=[("Password: ", world.password(UNCLAIMED))]
    )
    expect(seen.entered, f"{seen}")
    expect(world.realm.sessions(UNCLAIMED) == 1, "no session at the realm")
    world.unclaimed_since = time.monotonic()


@case("ssh: the session has the token, and it ends at the realm with the session")
def ssh_session(world):
    world.standard()
    for method in ("password", "keyboard-interactive"):
        before = rest(world, "ada")
        with world.sshd.open("ada", world.password("ada"), method) as term:
            seen = hosts.Seen(True, term.shown)
            token = world.token(seen.variable("KEYCLOAK_ACCESS_TOKEN"))
            expect(token, f"{method}: no token in {term.shown}")
            body = claims(token)
            expect(body["preferred_username"] == "ada" and body["azp"] == "linux-pam", f"{body}")
            expires = seen.variable("KEYCLOAK_TOKEN_EXPIRES")
            expect(
                expires and abs(int(expires) - body["exp"]) <= 2 and int(expires) > time.time(),
                f"KEYCLOAK_TOKEN_EXPIRES={expires}, exp {body['exp']}",
            )
            expect(seen.variable("KCLOGIN_SESSION"), "no session handle")
            expect("KCLOGIN_TRANSACTION" not in seen.shown, "the transaction is in the session")
            expect(
                world.realm.sessions("ada") == before + 1,
                f"{world.realm.sessions('ada')} sessions, {before} before",
            )
            term.send(b"\x04", newline=False)
            expect(term.finish() == 0, "the session did not end")
        gone(world, "ada", before)


@case("su and login: the session has the token, and ends at the realm")
def su_and_login(world):
    world.standard()
    for seen in (
        lambda: hosts.su("carol", "ada", world.password("ada")),
        lambda: hosts.login("ada", world.password("ada")),
    ):
        before = rest(world, "ada")
        one = seen()
        expect(one.entered and world.token(one.variable("KEYCLOAK_ACCESS_TOKEN")), f"{one}")
        gone(world, "ada", before)


@case("sudo leaves no session at the realm")
def sudo_session(world):
    world.standard()
    before = rest(world, "ada")
    expect(hosts.sudo("ada", world.password("ada")).entered, "ada cannot sudo")
    gone(world, "ada", before)


@case("a session whose process is killed ends at the realm")
def killed(world):
    world.standard()
    before = rest(world, "ada")
    with world.sshd.open("ada", world.password("ada")):
        expect(world.realm.sessions("ada") == before + 1, "no session at the realm")
        # the monitor holds the session: root's child of the listening sshd
        children = [
            int(pid)
            for pid in os.listdir("/proc")
            if pid.isdigit() and parent(int(pid)) == world.sshd.process.pid
        ]
        expect(len(children) == 1, f"monitors: {children}")
        os.kill(children[0], signal.SIGKILL)
        gone(world, "ada", before)


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return 0


@case("a refused right leaves no session at the realm")
def refused_right(world):
    world.standard()
    before = rest(world, "norole")
    expect(not world.sshd.log_in("norole", world.password("norole")).entered, "norole got in")
    gone(world, "norole", before)


@case("token_environment = handle, = none, and no_token")
def token_environment(world):
    for setting, token, handle in (
        ("handle", False, True),
        ("none", False, False),
        ("token", True, True),
    ):
        access = {"access": ["allow = role:linux-login", f"token_environment = {setting}"]}
        world.daemon.use(configuration(world.realm, access=access))
        seen = world.sshd.log_in("ada", world.password("ada"))
        expect(seen.entered, f"{setting}: {seen}")
        expect(bool(seen.variable("KEYCLOAK_ACCESS_TOKEN")) == token, f"{setting}: token")
        expect(bool(seen.variable("KCLOGIN_SESSION")) == handle, f"{setting}: handle")
    world.standard()
    for service, argument, token in (
        ("suite-plain", "", True),
        ("suite-quiet", "no_token", False),
    ):
        path = world.bed.bare_service(service, argument)
        seen = hosts.pamtester(
            service,
            "ada",
            "authenticate",
            "acct_mgmt",
            "open_session",
            "close_session",
            answers=[("Password: ", world.password("ada"))],
        )
        expect(seen.entered, f"{service}: {seen}")
        with open(path, encoding="utf-8") as file:
            expect(("KEYCLOAK_ACCESS_TOKEN=eyJ" in file.read()) == token, f"{service}: token")


@case("sessions survive a restart of the daemon")
def restart(world):
    world.standard()
    before = rest(world, "ada")
    with world.sshd.open("ada", world.password("ada")) as term:
        world.daemon.stop()
        world.standard()
        expect(world.realm.sessions("ada") == before + 1, "the restart ended the session")
        term.send(b"\x04", newline=False)
        term.finish()
    gone(world, "ada", before)
