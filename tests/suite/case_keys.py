"""SSH keys of realm users: from the realm's attribute through the command to a real sshd."""

import contextlib
import os
import shutil
import subprocess
import time

from bed import KEYS_USER, SUDOERS, UIDS, run, write
from case_directory import look_up, name_service
from case_numbers import without_tls
from hosts import Sshd, sudo
from liar import KEYS, Liar, done
from liar import keys as wire_keys
from outcome import expect, wait_for
from world import case, once


def ssh_keys(world, user, caller=KEYS_USER, uid=None):
    """What sshd gets: (exit code, lines, what was said on standard error); without the uid the command
    asks name service."""
    done = subprocess.run(
        [world.bed.find("kclogin"), "ssh-keys", user, *([] if uid is None else [str(uid)])],
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=caller,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def public_key(world):
    with open(f"{world.sshd.folder}/person.pub", encoding="utf-8") as file:
        return file.read().strip()


@case("kclogin ssh-keys: type and key alone, of realm users alone (lesson 47)")
def keys(world):
    with name_service(world):
        for caller in (KEYS_USER, None):
            code, lines, said = ssh_keys(world, "keys", caller)
            expect(code == 0 and len(lines) == 2, f"{caller}: {code} {lines} {said}")
            expect([line.split(" ")[0] for line in lines] == ["ssh-ed25519", "ssh-rsa"], f"{lines}")
            expect(all(len(line.split(" ")) == 2 for line in lines), f"{lines}")
        for user in ("ada", "no-such-user", "root", "carol", "-x", "keys ", "KEYS", "", "noattrs"):
            code, lines, said = ssh_keys(world, user)
            expect(lines == [] and (code == 0 or user == ""), f"{user!r}: {code} {lines} {said}")
        uid = 1900010114
        expect(len(ssh_keys(world, "keys", uid=uid)[1]) == 2, f"{ssh_keys(world, 'keys', uid=uid)}")
        # sshd means somebody else of the name: another directory's, of the range or not, or root
        for other in (uid + 1, 5001, 0, 2**32 - 1):
            expect(ssh_keys(world, "keys", uid=other)[:2] == (0, []), f"for uid {other}")
        for odd in ("", "+1", f" {uid}", f"0{uid}", f"{uid} ", uid + 2**32, "keys"):
            code, lines, said = ssh_keys(world, "keys", uid=odd)
            expect(lines == [] and code in (1, 2), f"{odd!r}: {code} {lines} {said}")
        world.daemon.stop()
        code, lines, said = ssh_keys(world, "keys")
        expect((code, lines) == (1, []), f"daemon down: {code} {lines} {said}")
        expect(ssh_keys(world, "root")[:2] == (0, []), "root's keys are asked for")


ODD = {
    "options": 'command="/bin/sh" {key}',
    "environment": 'environment="LD_PRELOAD=/tmp/x" {key}',
    "second line": "{key}\n{key}",
    "dsa": "ssh-dss AAAAB3NzaC1kc3MAAACBANgtI",
    "cut": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZH7XeEjPWVGzv7mOaL42GPpiaZRi7SZM",
    "escape": "{key} \x1b[2J",
}


@case("SSH keys that are none are left out, and take nobody's entry away (lesson 47)", once)
def odd_keys(world):
    with name_service(world):
        key = public_key(world)
        good = " ".join(key.split()[:2])
        try:
            values = [text.format(key=key) for text in ODD.values()]
            world.realm.control(
                "POST", "user", {"username": "ada", "attributes": {"sshPublicKey": [*values, key]}}
            )
            code, lines, said = ssh_keys(world, "ada")
            expect((code, lines) == (0, [good]), f"{code} {lines} {said}")
            many = [f"{key} number {n}" for n in range(1000)]
            world.realm.control(
                "POST", "user", {"username": "keys", "attributes": {"sshPublicKey": many}}
            )
            code, lines, said = ssh_keys(world, "keys")
            expect(code == 0 and lines == [good] * 64, f"{code} {len(lines)} {said}")
            run("sleep", "2.5")  # found_ttl
            expect(look_up("passwd", "keys")[0] == 0, "keys has no entry any more")
        finally:
            world.realm.control("POST", "reset")


@case("keys of somebody who is disabled or deleted are gone within the cache's time", once)
def gone(world):
    with name_service(world):
        expect(len(ssh_keys(world, "keys")[1]) == 2, "no keys")
        try:
            world.realm.control("POST", "user", {"username": "keys", "enabled": False})
            run("sleep", "2.5")  # found_ttl
            expect(ssh_keys(world, "keys")[:2] == (0, []), f"{ssh_keys(world, 'keys')}")
            world.realm.control("POST", "user", {"username": "keys", "enabled": True})
            wait_for(lambda: len(ssh_keys(world, "keys")[1]) == 2, 5, "enabled, and no keys")
            world.realm.control("DELETE", "user", {"username": "keys"})
            run("sleep", "2.5")
            expect(ssh_keys(world, "keys")[:2] == (0, []), f"{ssh_keys(world, 'keys')}")
        finally:
            world.realm.control("POST", "reset")


@contextlib.contextmanager
def key_sshd(world, user="keys"):
    """An sshd that asks kclogin for keys; the person's own stands in the realm, with `user`, who
    has a home."""
    uid = int(look_up("passwd", user)[1][0].split(":")[2])
    before = world.realm.attribute(user, "sshPublicKey")
    server = Sshd(
        "keys-sshd",
        f"AuthorizedKeysCommand {world.bed.find('kclogin')} ssh-keys %u %U\n"
        f"AuthorizedKeysCommandUser {KEYS_USER}",
    )
    os.chown(f"/home/{user}", uid, uid)
    shutil.rmtree(f"{server.folder}/keys", ignore_errors=True)  # what other cases have let in
    try:
        world.realm.change_user(user, sshPublicKey=[public_key(world), *before[:1]])
        world.kclogin("flush", user)
        yield server
    finally:
        os.chown(f"/home/{user}", UIDS[user], UIDS[user])
        world.realm.change_user(user, sshPublicKey=before)
        server.stop()


@case("ssh by key: a user whom only the realm knows, until the realm disables them", without_tls)
def key_login(world):
    with name_service(world), key_sshd(world) as server:
        mark = world.daemon.log.mark()
        seen = server.key_log_in("keys", "id -u; echo MARK-IN")
        expect(seen.entered and "1900010114" in seen.shown, f"{seen} {world.daemon.log.text(mark)}")
        expect("KEYCLOAK_ACCESS_TOKEN" not in seen.shown, "a token without a login")
        world.daemon.log.event(mark, "account", 5, user="keys", service="sshd", result="ok")
        seen = server.log_in("keys", world.password("keys"))
        expect(seen.entered, f"the password: {seen} {world.daemon.log.text(mark)}")
        expect(not server.key_log_in("ada").entered, "somebody else's key opened ada")
        expect(not server.key_log_in("root").entered, "the key opened root")
        world.realm.change_user("keys", enabled=False)
        try:
            run("sleep", "2.5")  # found_ttl
            expect(ssh_keys(world, "keys")[:2] == (0, []), "keys of somebody disabled")
            expect(not server.key_log_in("keys").entered, "disabled, and let in")
        finally:
            world.realm.change_user("keys", enabled=True)


@case("ssh by key: refused within the cache's time without the role, and when deleted", once)
def key_login_ends(world):
    with name_service(world), key_sshd(world) as server:
        expect(server.key_log_in("keys").entered, "no way in")
        try:
            role = {"username": "keys", "takeRealmRoles": ["linux-login"]}
            world.realm.control("POST", "user", role)
            mark = world.daemon.log.mark()
            wait_for(lambda: not server.key_log_in("keys").entered, 6, "let in without the role")
            world.daemon.log.event(mark, "account", 5, user="keys", reason="not-permitted")
            world.realm.control(
                "POST", "user", {"username": "keys", "giveRealmRoles": ["linux-login"]}
            )
            wait_for(lambda: server.key_log_in("keys").entered, 6, "no way in with the role")
            world.realm.control("DELETE", "user", {"username": "keys"})
            run("sleep", "2.5")
            expect(not server.key_log_in("keys").entered, "deleted, and let in")
        finally:
            world.realm.control("POST", "reset")


STALE = {"access sshd": ["allow = role:linux-login", "outage = stale:1h"]}


@case("keys in an outage: where sshd's section says so, over a restart, and never else", once)
def outage(world):
    with name_service(world):
        expect(len(ssh_keys(world, "keys")[1]) == 2, "no keys")
        world.realm.relay.down()
        try:
            run("sleep", "2.5")  # found_ttl
            code, lines, said = ssh_keys(world, "keys")
            expect((code, lines) == (1, []), f"without outage: {code} {lines} {said}")
        finally:
            world.realm.relay.up()
    with name_service(world, **STALE):
        expect(len(ssh_keys(world, "keys")[1]) == 2, "no keys")
        expect(ssh_keys(world, "frozen")[:2] == (0, []), "keys of somebody disabled")
        world.realm.relay.down()
        try:
            run("sleep", "2.5")
            code, lines, said = ssh_keys(world, "keys")
            expect(code == 0 and len(lines) == 2, f"stale: {code} {lines} {said}")
            text = world.daemon.text
            world.daemon.stop()
            world.daemon.use(text)
            wait_for(
                lambda: len(ssh_keys(world, "keys")[1]) == 2,
                10,
                lambda: f"after a restart: {ssh_keys(world, 'keys')} {world.daemon.log.text()[-900:]}",
            )
            expect(ssh_keys(world, "frozen")[1] == [], "keys of somebody disabled")
            expect(ssh_keys(world, "root")[:2] == (0, []), "root's keys")
        finally:
            world.realm.relay.up()


@case("sudo: a realm group in sudoers, and the rules of sudo's own section", without_tls)
def sudo_by_group(world):
    with name_service(world, **{"access sudo": ["allow = role:linux-sudo"]}):
        ids = {name: int(look_up("passwd", name)[1][0].split(":")[2]) for name in ("ada", "keys")}
        defaults = SUDOERS.splitlines()[:2]
        try:
            write("/etc/sudoers", "\n".join([*defaults, "%linux-admins ALL=(ALL) ALL", ""]), 0o440)
            for name, uid in ids.items():
                os.chown(f"/home/{name}", uid, uid)
            mark = world.daemon.log.mark()
            seen = sudo("ada", world.password("ada"), "id -u; echo MARK-IN")
            expect(seen.entered and "\n0\n" in seen.shown, f"{seen} {world.daemon.log.text(mark)}")
            world.daemon.login(mark, user="ada", service="sudo", result="ok")
            seen = sudo("keys", world.password("keys"), "echo MARK-IN")
            expect(not seen.entered, f"who is not in the group: {seen}")
            text = world.daemon.text.replace("role:linux-sudo", "role:nobody-has-it")
            mark = world.daemon.reload(text)
            wait_for(lambda: "reload result=ok" in world.daemon.log.text(mark), 10, "no reload")
            seen = sudo("ada", world.password("ada"), "echo MARK-IN")
            expect(not seen.entered, f"without the role: {seen}")
            world.daemon.login(mark, user="ada", service="sudo", reason="not-permitted")
        finally:
            write("/etc/sudoers", SUDOERS, 0o440)
            for name in ids:
                os.chown(f"/home/{name}", UIDS[name], UIDS[name])


@case("a daemon that lies gives a key to nobody but a realm user, and nothing but a key", once)
def lies(world):
    key = " ".join(public_key(world).split()[:2])
    good, bad = 1900010001, 2001
    answers = {
        "the truth": ("ghost-of-ada", wire_keys("ghost-of-ada", good, key), [key]),
        "root": ("root", wire_keys("root", good, key), []),
        "a local user": ("carol", wire_keys("carol", good, key), []),
        "uid 0": ("eve", wire_keys("eve", 0, key), []),
        "another account's id": ("eve", wire_keys("eve", good + 1, key), []),
        "an id out of range": ("eve", wire_keys("eve", bad, key), []),
        "somebody else": ("eve", wire_keys("ada", good, key), None),
        "an option": ("eve", wire_keys("eve", good, f'command="/bin/sh" {key}'), None),
        "a comment": ("eve", wire_keys("eve", good, f"{key} x"), None),
        "two lines": ("eve", wire_keys("eve", good, f"{key}\n{key}"), None),
        "one good, one bad": ("eve", wire_keys("eve", good, key, "ssh-rsa AAAA"), None),
        "too many": ("eve", wire_keys("eve", good, key, total=4000000000), None),
        "yes": ("eve", done(), None),
    }
    world.daemon.stop()
    with Liar().listening() as liar:
        for what, (user, answer, wanted) in answers.items():
            liar.knows = lambda request, answer=answer: answer if request.table == KEYS else b""
            code, lines, said = ssh_keys(world, user, uid=good)
            expected = (1, []) if wanted is None else (0, wanted)
            expect((code, lines) == expected, f"{what}: {code} {lines} {said}")
        liar.knows = lambda request: wire_keys("eve", good, key)
        for wrong in (0, bad):  # another directory's eve, though the realm has one too
            code, lines, said = ssh_keys(world, "eve", uid=wrong)
            expect((code, lines) == (0, []), f"keys for uid {wrong}: {code} {lines} {said}")
        liar.knows = lambda request: wire_keys("eve", good, key, total=200)
        code, lines, said = ssh_keys(world, "eve", uid=good)  # goes on, each time with one more
        expect(code in (0, 1) and len(lines) in (0, 200), f"{code} {len(lines)} {said}")
        pages = iter([wire_keys("eve", good, key, key, total=3), *[wire_keys("eve", good, key)] * 999])
        liar.knows = lambda request: next(pages)
        code, lines, said = ssh_keys(world, "eve", uid=good)
        expect((code, lines) == (1, []), f"a total that shrinks: {code} {len(lines)} {said}")
        liar.knows = lambda request: time.sleep(4) or b""
        began = time.monotonic()
        code, lines, said = ssh_keys(world, "eve", uid=good)
        expect((code, lines) == (1, []), f"silence: {code} {lines}")
        expect(time.monotonic() - began < 3, "a silent daemon holds sshd up")
