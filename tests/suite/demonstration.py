#!/usr/bin/env python3
"""The demonstration behind scripts/demo: one login after the other, told as it happens.

Run by scripts/demo. Uses the suite's bed; ends with an error where a step did not go as told.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bed  # noqa: E402
import case_directory  # noqa: E402
import hosts  # noqa: E402
import namespaces  # noqa: E402
import product  # noqa: E402
import world  # noqa: E402
from outcome import Failed, expect, wait_for  # noqa: E402

SHOW = (
    "id; printf 'KEYCLOAK_ACCESS_TOKEN=%.24s...\\n' \"$KEYCLOAK_ACCESS_TOKEN\"; "
    "env | grep -E '^(KEYCLOAK_TOKEN_EXPIRES|KCLOGIN_SESSION)='; echo MARK-IN"
)


def say(text):
    print(f"\n== {text}", flush=True)


def show(text):
    for line in text.replace("\r", "").strip().splitlines():
        if line.strip() and line.strip() != "MARK-IN":
            print("   | " + line, flush=True)


def show_file(path):
    print(f"   {path}")
    with open(path, encoding="utf-8") as file:
        show(file.read())


def good(answer):
    return answer if answer[0] == 0 else None


class Demonstration:
    def __init__(self, the_world):
        self.world = the_world
        self.mark = 0

    def log_line(self, **fields):
        """Shows the daemon's own line about what has just happened."""
        self.world.daemon.login(self.mark, **fields)
        lines = [
            line
            for line in self.world.daemon.log.text(self.mark).splitlines()
            if re.match(r"(<\d>)?login ", line)
        ]
        print("   kclogind: " + re.sub(r"^<\d>", "", lines[-1]), flush=True)
        self.mark = self.world.daemon.log.mark()

    def configuration(self):
        say("The host: its two configuration files")
        show_file(product.CONF)
        show_file(product.HOST_CONF)
        say("$ kclogin status")
        _, text = wait_for(
            lambda: good(self.world.kclogin("status")), 10, "the realm is not reachable"
        )
        show(text)

    def ssh(self, user, password, note, entered, **fields):
        say(f"$ ssh {user}@localhost       ({note})")
        method = "keyboard-interactive"
        seen = self.world.sshd.log_in(user, password, method, SHOW, log_level="INFO")
        show(re.sub(r"Warning: Permanently added .*", "", seen.shown))
        expect(seen.entered == entered, "this did not go as told")
        self.log_line(user=user, service="sshd", **fields)

    def sudo(self):
        say("$ sudo whoami               (as ada; [access sudo] asks for the group /linux-admins)")
        seen = hosts.sudo("ada", "ada-pass", "whoami; echo MARK-IN")
        show(seen.shown)
        expect(seen.entered, "this did not go as told")
        self.log_line(user="ada", service="sudo", result="ok")

    def session_ends(self):
        say("The session ended here, so it ends at the realm")
        wait_for(lambda: self.world.realm.sessions("ada") == 0, 15, "ada still has sessions")
        print("   ada's sessions at the realm: 0")

    def all(self):
        self.configuration()
        self.ssh("ada", "ada-pass", "her Keycloak password", True, result="ok")
        self.session_ends()
        self.ssh("ada", "guess", "a wrong one", False, result="denied", reason="bad-credentials")
        self.ssh(
            "norole",
            "norole-pass",
            "a right password, and no right to enter",
            False,
            result="denied",
            reason="not-permitted",
        )
        self.ssh(
            "mustchange",
            "old-pass",
            "a pending action at the realm",
            False,
            result="denied",
            reason="action-required",
        )
        self.sudo()

    def command(self, *argv):
        say("$ " + " ".join(argv))
        show(bed.run(*argv))

    def directory(self):
        say("Now ada stands in no file of this host: users and groups come from the realm")
        show_file(product.CONF)
        self.command("grep", "-E", "^(passwd|group):", "/etc/nsswitch.conf")
        self.command("getent", "passwd", "ada")
        self.command("id", "ada")
        self.command("getent", "group", "linux-admins")
        os.chown("/home/ada", case_directory.ADA_UID, case_directory.ADA_GID)
        self.mark = self.world.daemon.log.mark()
        self.ssh("ada", "ada-pass", "whom only the realm knows", True, result="ok")


def stay(the_world):
    say("Open for you to try; `exit` ends it all")
    the_world.realm.forget_failures()
    bed.write(
        "/etc/ssh/ssh_config",
        f"Host localhost\nHostName 127.0.0.1\nPort {the_world.sshd.port}\n"
        "StrictHostKeyChecking accept-new\n"
        f"UserKnownHostsFile {the_world.sshd.folder}/known_hosts\n",
    )
    print(f"""   ssh ada@localhost     password: ada-pass
   su carol              a local user; then `su ada`, or `su norole` (norole-pass)
   id ada                ada is the realm's alone; grace, keys and jo.doe too
   kclogin status        how realm and daemon are
   what the daemon says  tail -f {the_world.daemon.log.path}
   more people           realm/linux.json""")
    path = os.path.dirname(the_world.bed.find("kclogin")) + ":/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {**os.environ, "PS1": "kclogin demo# ", "PATH": path}
    subprocess.run(["/bin/bash", "--norc"], env=environment, check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if not chosen.inside:
        namespaces.enter(__file__)
    namespaces.settle_in()
    chosen.realm, chosen.modules, chosen.valgrind = "demo", None, False
    work, the_world = tempfile.mkdtemp(prefix="kclogin-demo."), None
    try:
        say("A host of its own: copies of /etc and the like, a demo realm, kclogind and sshd")
        the_world = world.World(chosen, work)
        print(f"   the demo realm: {the_world.realm.issuer}")
        the_world.standard(sections={"limits": None})
        demonstration = Demonstration(the_world)
        demonstration.all()
        with case_directory.name_service(the_world):
            demonstration.directory()
            if chosen.stay:
                stay(the_world)
        say("That was it; nothing of it is left on this host")
    except Failed as failed:
        sys.exit(f"the demonstration failed: {failed}")
    finally:
        if the_world:
            the_world.end()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
