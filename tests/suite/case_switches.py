"""Programs that run something as somebody else, or later: sudo, su, cron and at.

Nothing of a login reaches another user's command: no token, no handle, no transaction. Each command
says itself what it has, in its environment and in /proc.
"""

import os
import re
import signal
import subprocess

import hosts
from bed import ROOT, SUDOERS, write
from case_tokens import age_grants, claim, ended, log_in, make_services
from outcome import Failed, expect, wait_for
from term import Terminal
from world import case, once

REPORT = f"{ROOT}/report"
OURS = r"^(?:KCLOGIN|KEYCLOAK)_\w+"


def make_report():
    """A program that shows who it is and what it has."""
    return write(
        REPORT,
        "#!/bin/sh\n"
        "echo MARK-IN as $(id -un)\n"
        "env\n"
        "cat /proc/$$/environ /proc/self/environ | tr '\\0' '\\n'\n"
        "echo MARK-OUT\n",
        0o755,
    )


def run_as(caller, argv, password, environment):
    """What the report shows, of a program that may ask its caller for a password."""
    with Terminal(argv, env=environment, **hosts.account(caller)) as term:
        if password:
            term.answer(r"(?i)password[^:\n]*: ?$", password)
        expect(term.finish() == 0, f"{argv}: {term.shown}")
        expect("MARK-OUT" in term.shown, f"{argv} has not run: {term.shown}")
        return term.shown


def session_variables(world, term):
    """What a session got, as the environment of what is started in it."""
    seen = hosts.Seen(True, term.shown)
    world.token(seen.variable("KEYCLOAK_ACCESS_TOKEN"))
    names = ("KEYCLOAK_ACCESS_TOKEN", "KEYCLOAK_TOKEN_EXPIRES", "KCLOGIN_SESSION")
    found = {name: seen.variable(name) for name in names}
    expect(all(found.values()), f"ada's session has {found}")
    return found


def nothing_of(shown, user, mine):
    """The command ran as this user, without a variable of ours and without a value of ada's."""
    expect(f"MARK-IN as {user}" in shown, f"not run as {user}: {shown}")
    found = re.findall(OURS, shown, re.M)
    expect(not found, f"{user}'s command has {found}")
    for name in ("KEYCLOAK_ACCESS_TOKEN", "KCLOGIN_SESSION"):
        expect(mine[name] not in shown, f"{user}'s command has the value of {name}")


def sudo_cases():
    """What ada asks of sudo, and whom the command runs as."""
    return [
        (["sudo", "-k", REPORT], "root"),
        (["sudo", "-k", "-u", "keys", REPORT], "keys"),
        (["sudo", "-k", "-u", "carol", REPORT], "carol"),
        (["sudo", "-k", "-i", REPORT], "root"),
        (["sudo", "-k", "-i", "-u", "keys", REPORT], "keys"),
        (["sudo", "-k", "su", "-", "-c", REPORT], "root"),
        (["sudo", "-k", "su", "-", "keys", "-c", REPORT], "keys"),
    ]


def sudo_well(world, argv, user, mine):
    """One good sudo: nothing in the command, a quiet line in the log, no session at the realm."""
    mark = world.daemon.log.mark()
    nothing_of(run_as("ada", argv, world.password("ada"), mine), user, mine)
    line = world.daemon.log.event(mark, "session", reason="user-switched")
    expect(line["result"] == "ignored" and line["service"].startswith("sudo"), f"{line}")
    expect("transaction-mismatch" not in world.daemon.log.text(mark), f"{argv} is an attack")


@case("sudo: no command has anything of the login", once)
def sudo(world):
    world.standard()
    make_report()
    before = world.realm.sessions("ada")
    with world.sshd.open("ada", world.password("ada")) as term:
        mine = session_variables(world, term)
        for argv, user in sudo_cases():
            sudo_well(world, argv, user, mine)
        ended(world, "ada", before + 1)
    ended(world, "ada", before)


@case("sudo without its session phase: nothing is left in the command", once)
def sudo_without_session(world):
    world.standard()
    make_report()
    before = world.realm.sessions("ada")
    nobody = {"KEYCLOAK_ACCESS_TOKEN": "none", "KCLOGIN_SESSION": "none"}
    try:
        for defaults in ("!pam_session", "!pam_setcred"):
            write("/etc/sudoers", SUDOERS + f"Defaults {defaults}\n", 0o440)
            for argv, user in sudo_cases()[:3]:
                sudo_well(world, argv, user, nobody)
        ended(world, "ada", before)
        # with neither no module is called any more, and the grant waits for its end
        write("/etc/sudoers", SUDOERS + "Defaults !pam_session, !pam_setcred\n", 0o440)
        for argv, user in sudo_cases()[:3]:
            nothing_of(run_as("ada", argv, world.password("ada"), nobody), user, nobody)
        expect(world.realm.sessions("ada") == before + 3, "no grant waits")
        age_grants(world, 120)
        ended(world, "ada", before)
    finally:
        write("/etc/sudoers", SUDOERS, 0o440)


@case("sudo that keeps KCLOGIN_*: what the caller says is not taken for a transaction", once)
def sudo_keeps(world):
    """keys has a login that waits for its session; ada brings its key along."""
    make_services(world)
    make_report()
    before = world.realm.sessions("keys")
    planted = {"KCLOGIN_TRANSACTION": log_in(world, "keys")}
    write("/etc/sudoers", SUDOERS + 'Defaults env_keep += "KCLOGIN_*"\n', 0o440)
    try:
        for login in ([], ["-i"]):
            mark = world.daemon.log.mark()
            argv = ["sudo", "-k", "-u", "keys", *login, REPORT]
            shown = run_as("ada", argv, world.password("ada"), planted)
            expect("MARK-IN as keys" in shown and "KEYCLOAK_" not in shown, f"a token: {shown}")
            world.daemon.log.event(mark, "session", reason="user-switched")
            expect(world.realm.sessions("keys") == before + 1, "the grant was handed in")
        still = claim(planted["KCLOGIN_TRANSACTION"], "keys")
        expect("KEYCLOAK_ACCESS_TOKEN=eyJ" in still, "keys' own login is worth nothing any more")
        ended(world, "keys", before)
    finally:
        write("/etc/sudoers", SUDOERS, 0o440)


@case("su: the target's session has what is the target's", once)
def su(world):
    world.standard()
    make_report()
    with world.sshd.open("ada", world.password("ada")) as term:
        mine = session_variables(world, term)
        for target, password in ((None, "local-root-pass"), ("carol", "local-carol-pass")):
            argv = ["su", "-", *([target] if target else []), "-c", REPORT]
            nothing_of(run_as("ada", argv, password, mine), target or "root", mine)
        for dash in (["-"], []):
            argv = ["su", *dash, "keys", "-c", REPORT]
            shown = run_as("ada", argv, world.password("keys"), mine)
            expect("MARK-IN as keys" in shown, f"{argv}: {shown}")
            theirs = hosts.Seen(True, shown).variable("KEYCLOAK_ACCESS_TOKEN")
            expect(world.token(theirs), f"{argv}: keys gets no token")
            expect(mine["KEYCLOAK_ACCESS_TOKEN"] not in shown, f"{argv}: ada's token")
            expect(mine["KCLOGIN_SESSION"] not in shown, f"{argv}: ada's handle")


def has(path, what):
    """What a job wrote, once it is whole."""

    def probe():
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return None
        return text if what in text else None

    return wait_for(probe, 20, f"nothing in {path}")


class Service:
    """A daemon in the foreground, ended by its pid."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def crontab(user, text):
    done = subprocess.run(
        ["crontab", "-u", user, "-"],
        check=False,
        timeout=20,
        input=text,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Failed(f"crontab: {done.stderr}")


@case("cron: a job has nothing of its user's login, nor of anybody's", once)
def cron(world):
    world.standard()
    make_report()
    with world.sshd.open("ada", world.password("ada")) as term:
        mine = session_variables(world, term)
        for user, home in (("ada", "/home/ada"), ("keys", "/home/keys"), ("root", "/root")):
            crontab(user, f"@reboot {REPORT} >{home}/cron.out 2>&1\n")
        with Service("cron", "-f"):
            for user, home in (("ada", "/home/ada"), ("keys", "/home/keys"), ("root", "/root")):
                nothing_of(has(f"{home}/cron.out", "MARK-OUT"), user, mine)
                os.remove(f"{home}/cron.out")


def at_now(user, path, environment):
    with Terminal(
        ["at", "-f", path, "now"], env=environment, **hosts.account(user)
    ) as term:
        expect(term.finish() == 0, f"at: {term.shown}")


@case("at: a job has what its own user had, and nothing of anybody else's", once)
def at(world):
    """at keeps the environment of who calls it, the token too: for their own job."""
    world.standard()
    make_report()
    with world.sshd.open("ada", world.password("ada")) as term, Service("atd", "-f"):
        mine = session_variables(world, term)
        for user, environment in (("ada", mine), ("keys", {})):
            job = write(f"{ROOT}/job-{user}", f"{REPORT} >/home/{user}/at.out 2>&1\n", 0o644)
            at_now(user, job, environment)
        shown = has("/home/ada/at.out", "MARK-OUT")
        expect("MARK-IN as ada" in shown and "KCLOGIN_TRANSACTION" not in shown, f"{shown}")
        expect(mine["KEYCLOAK_ACCESS_TOKEN"] in shown, "at keeps no environment any more")
        nothing_of(has("/home/keys/at.out", "MARK-OUT"), "keys", mine)
