"""Who comes without a password: SSH keys, sudo with NOPASSWD, cron, su by root; users whom only the
realm knows, judged by what it says at that moment.
"""

import contextlib
import os
import shutil
import subprocess

import hosts
from bed import SUDOERS, UIDS, write
from case_directory import name_service
from case_switches import Service, crontab, has
from outcome import expect, wait_for
from term import Terminal
from world import case, once

ADA, GRACE, USERS, ADMINS = 1900010001, 1900010002, 1900020000, 1900020001
RULES = {"access su": ["allow = role:linux-sudo"]}
NO_PASSWORD = "%linux-admins ALL=(ALL) NOPASSWD: ALL\ngrace ALL=(ALL) NOPASSWD: ALL\n"


@contextlib.contextmanager
def host(world, **sections):
    """Users of the realm with homes, and sudo that asks nobody for a password."""
    with name_service(world, **{**RULES, **sections}):
        try:
            write("/etc/sudoers", SUDOERS + NO_PASSWORD, 0o440)
            os.chown("/home/ada", ADA, USERS)
            os.chown("/home/grace", GRACE, USERS)
            yield
        finally:
            write("/etc/sudoers", SUDOERS, 0o440)
            os.makedirs("/home/ada", mode=0o700, exist_ok=True)
            os.chown("/home/ada", UIDS["ada"], UIDS["ada"])
            os.chown("/home/grace", UIDS["grace"], UIDS["grace"])


def su(user, *options):
    """su by root, which asks for no password."""
    done = subprocess.run(["su", *options, user, "-c", "id -un"], check=False, timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode == 0 and user in done.stdout.split(), done.stdout + done.stderr


def sudo(uid, groups):
    """sudo, by somebody whom it asks for no password."""
    with Terminal(["sudo", "-k", "id", "-un"], uid=uid, gid=USERS, groups=groups, cwd="/") as term:
        return term.finish() == 0 and "root" in term.shown.split(), term.shown


def account(user):
    return hosts.pamtester("sshd", user, "acct_mgmt")


@case("SSH key, sudo NOPASSWD and su by root of realm users: by what the realm says now (lesson 30)")
def without_password(world):
    with host(world):
        mark = world.daemon.log.mark()
        for user in ("ada", "grace"):
            world.sshd.authorize(user)
            seen = world.sshd.key_log_in(user)
            expect(seen.entered, f"{user}: {seen} {world.daemon.log.text(mark)}")
            line = world.daemon.log.event(mark, "account", user=user, service="sshd")
            expect((line["result"], line["evidence"]) == ("ok", "directory"), f"{line}")
        entered, shown = sudo(ADA, [USERS, ADMINS])
        expect(entered, f"ada's sudo: {shown} {world.daemon.log.text(mark)}")
        entered, shown = sudo(GRACE, [USERS])
        expect(not entered, f"grace's sudo: {shown}")
        line = world.daemon.log.event(mark, "account", user="grace", result="denied")
        expect(line["reason"] == "not-permitted", f"{line}")
        # linux-sudo comes with the group /linux-admins
        entered, shown = su("ada")
        expect(entered, f"su ada: {shown} {world.daemon.log.text(mark)}")
        entered, shown = su("grace")
        expect(not entered, f"su grace: {shown}")
        expect(account("ada").entered and not account("nobody-at-all").entered, "pamtester")
        code, text = world.kclogin("user", "grace", "sudo")
        expect(code == 1 and "rule: allow group:/linux-admins: not met" in text, text)
        code, text = world.kclogin("user", "ada", "sudo")
        expect(code == 0 and "rule: allow group:/linux-admins: met" in text, text)


@case("who is logged in is judged by the session's own, renewed token: scopes too")
def renewed(world):
    with host(world, **{"access su": ["allow = scope:profile"]}):
        before = world.realm.sessions("ada")
        mark = world.daemon.log.mark()
        entered, shown = su("ada")
        expect(not entered, f"a scope without a token: {shown}")
        line = world.daemon.log.event(mark, "account", user="ada", service="su")
        expect(line["reason"] == "needs-token", f"{line}")
        with world.sshd.open("ada", world.password("ada")):
            wait_for(lambda: su("ada")[0], 5, lambda: world.daemon.log.text(mark))
            line = world.daemon.log.event(mark, "account", service="su", result="ok")
            expect(line["evidence"] == "session", f"{line}")
        wait_for(
            lambda: world.realm.sessions("ada") <= before, 10, "ada's session is left at the realm"
        )


@case("refused within the cache's time: disabled, without the role, out of the group, deleted", once)
def changes(world):
    with host(world):
        world.sshd.authorize("ada")
        for change in ({"enabled": False}, {"takeRealmRoles": ["linux-login"]}):
            wait_for(lambda: world.sshd.key_log_in("ada").entered, 5, "ada does not come in")
            world.realm.control("POST", "user", {"username": "ada", **change})
            wait_for(lambda: not world.sshd.key_log_in("ada").entered, 4, f"{change}: still in")
            world.realm.control("POST", "reset")
        wait_for(lambda: sudo(ADA, [USERS, ADMINS])[0], 5, "ada's sudo is refused")
        world.realm.control("POST", "user", {"username": "ada", "leaveGroups": ["/linux-admins"]})
        wait_for(lambda: not sudo(ADA, [USERS, ADMINS])[0], 4, "out of the group, and still root")
        world.realm.control("POST", "reset")
        wait_for(lambda: account("keys").entered, 5, "keys does not come in")
        world.realm.control("DELETE", "user", {"username": "keys"})
        try:
            wait_for(lambda: not account("keys").entered, 4, "deleted, and still in")
        finally:
            world.realm.control("POST", "reset")


@case("outage = deny and stale: while the realm is out, and only then", once)
def outage(world):
    stale = {"access su": ["allow = role:linux-sudo", "outage = stale:1h"]}
    with host(world, **stale):
        expect(su("ada")[0] and account("ada").entered, "ada does not come in")
        world.realm.relay.down()
        mark = world.daemon.log.mark()
        subprocess.run(["sleep", "2.2"], check=True)  # found_ttl
        entered, shown = su("ada")
        expect(entered, f"stale: {shown} {world.daemon.log.text(mark)}")
        line = world.daemon.log.event(mark, "account", service="su", result="ok")
        expect(line["evidence"] == "stored", f"{line}")
        expect(not su("grace")[0], "grace was never let in, and is")
        expect(not account("ada").entered, "outage = deny lets in")
        world.realm.relay.up()
        wait_for(lambda: account("ada").entered, 10, "the realm is back, and ada is not")


def forget_boot():
    """Else cron has run the jobs of this boot, once for all its starts."""
    with contextlib.suppress(FileNotFoundError):
        os.remove("/run/crond.reboot")


@case("cron runs a realm user's job, and none of who is disabled", once)
def cron(world):
    with host(world):
        forget_boot()
        crontab("ada", "@reboot id -un >/home/ada/cron.out 2>&1\n")
        with Service("cron", "-f"):
            expect("ada" in has("/home/ada/cron.out", "ada"), "no job")
        os.remove("/home/ada/cron.out")
        world.realm.control("POST", "user", {"username": "ada", "enabled": False})
        mark = world.daemon.log.mark()
        try:
            subprocess.run(["sleep", "2.2"], check=True)  # found_ttl
            forget_boot()
            with Service("cron", "-f"):
                wait_for(lambda: "account user=ada service=cron" in world.daemon.log.text(mark), 10,
                         "cron has not asked")
            line = world.daemon.log.event(mark, "account", user="ada", service="cron")
            expect(line["reason"] == "account-disabled", f"{line}")
            expect(not os.path.exists("/home/ada/cron.out"), "the job has run")
        finally:
            world.realm.control("POST", "reset")
            subprocess.run(["crontab", "-u", "ada", "-r"], check=False)


@case("the first login of a realm user makes the home", once)
def home(world):
    with host(world):
        world.sshd.authorize("ada")
        for enter in (lambda: world.sshd.key_log_in("ada").entered,
                      lambda: world.sshd.log_in("ada", world.password("ada")).entered,
                      lambda: su("ada", "-l")[0]):
            shutil.rmtree("/home/ada")
            expect(enter(), "ada does not come in")
            found = os.stat("/home/ada")
            expect((found.st_uid, found.st_gid, found.st_mode & 0o777) == (ADA, USERS, 0o700),
                   f"{found}")
