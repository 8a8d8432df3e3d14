"""SSH keys of realm users: from the realm's attribute through the command to a real sshd."""

import subprocess

from bed import run
from case_directory import look_up, name_service
from outcome import expect, wait_for
from world import case, once

KEYS_USER = "nobody"


def ssh_keys(world, user, caller=KEYS_USER):
    """What sshd gets: (exit code, lines, what was said on standard error)."""
    done = subprocess.run(
        [world.bed.find("kclogin"), "ssh-keys", user],
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
