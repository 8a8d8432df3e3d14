#!/usr/bin/env python3
"""Boots a whole Debian 12 under systemd-nspawn with the product installed, and logs in to it.

    boot.py --build FOLDER [--tree FOLDER]

Needs root and debootstrap. What is proved here is what only systemd does: socket units, READY,
watchdog, reload, stop, a real logind session. Prints `ok NAME` lines and `N passed, N failed`.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "suite"))

import hosts  # noqa: E402
import namespaces  # noqa: E402
import realms  # noqa: E402
from bed import ROOT  # noqa: E402
from outcome import Failed, expect, wait_for  # noqa: E402

PACKAGES = (
    "systemd,systemd-sysv,dbus,openssh-server,sudo,libpam-systemd,libpam-runtime,"
    "libcurl4,libjson-c5,libssl3,libsystemd0,libsqlite3-0"
)


def run(*argv, seconds=120, **options):
    return subprocess.run(
        argv,
        check=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **options,
    ).stdout


def is_init(pid):
    """The first process of a namespace of its own, which is not yet so when it has just begun."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            numbers = next(line for line in file if line.startswith("NSpid:")).split()[1:]
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return numbers[-1] == "1" and len(numbers) > 1 and file.read().strip() == "systemd"
    except OSError:
        return False


class Machine:
    """One booted tree; commands run in it as on its own console."""

    def __init__(self, tree):
        self.tree = tree
        self.process = None
        self.leader = None

    def prepare(self, build, issuer, sshd_port, base):
        if base:
            run("cp", "-a", base, self.tree)
        else:
            run(
                "debootstrap",
                "--variant=minbase",
                f"--include={PACKAGES}",
                "bookworm",
                self.tree,
                seconds=900,
            )
        run("make", "-s", "-C", build, "install", f"DESTDIR={self.tree}")
        self.inside_chroot("systemd-sysusers")
        self.inside_chroot("pam-auth-update", "--package", "--force")
        self.inside_chroot("useradd", "--create-home", "--shell", "/bin/bash", "ada")
        self.inside_chroot("systemctl", "enable", "kclogind.socket", "kclogind-priv.socket")
        etc = f"{self.tree}/etc"
        os.makedirs(f"{etc}/kclogin", exist_ok=True)
        self.write("kclogin/host.conf", "local_accounts = ada\n")
        self.write("kclogin/client-secret", "pam-secret-for-tests", 0o600)
        self.write(
            "kclogin/kclogin.conf",
            f"[realm]\nissuer = {issuer}\nallow_http = yes\n"
            "client_id = linux-pam\nclient_auth = basic\nclient_secret_file = client-secret\n"
            "[access]\nallow = role:linux-login\n",
        )
        # the secret arrives as a systemd credential: the daemon's user cannot read root's file
        self.write(
            "systemd/system/kclogind.service.d/suite.conf",
            "[Service]\nLoadCredential=client-secret:/etc/kclogin/client-secret\nWatchdogSec=3s\n",
        )
        self.write(
            "ssh/sshd_config.d/suite.conf",
            f"Port {sshd_port}\nListenAddress 127.0.0.1\nKbdInteractiveAuthentication yes\n",
        )
        self.write("hostname", "suite\n")

    def write(self, name, text, mode=0o644):
        path = f"{self.tree}/etc/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def inside_chroot(self, *argv):
        run(
            "chroot",
            self.tree,
            *argv,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
        )

    def boot(self, log):
        self.process = subprocess.Popen(
            [
                "systemd-nspawn",
                "--quiet",
                "--keep-unit",
                "--register=no",
                "--console=pipe",
                "-D",
                self.tree,
                "-b",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.leader = wait_for(self._leader, 30, "systemd-nspawn has no child")
        wait_for(
            lambda: self.try_run("systemctl", "is-system-running", "--wait")[1].strip()
            in ("running", "degraded"),
            120,
            "the machine does not boot",
        )

    def _leader(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="utf-8") as file:
            children = file.read().split()
        return next((pid for pid in children if is_init(pid)), None)

    def try_run(self, *argv, seconds=60):
        done = subprocess.run(
            ["nsenter", "-t", self.leader, "-a", *argv],
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def run(self, *argv):
        code, text = self.try_run(*argv)
        expect(code == 0, f"{' '.join(argv)}: {text}")
        return text

    def shows(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def journal(self):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", "kclogind.service")

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


class Proof:
    """The steps, in their order: each stands on the one before."""

    def __init__(self, machine, realm, person):
        self.machine, self.realm, self.person = machine, realm, person

    def enter(self):
        seen = self.person.log_in(
            "ada", "ada-pass", "keyboard-interactive", "echo MARK-IN; env; cat /proc/self/cgroup"
        )
        expect(seen.entered, f"{seen}")
        return seen

    def sockets_first(self):
        """The sockets listen; the service is not started by anything but a login."""
        for unit in ("kclogind.socket", "kclogind-priv.socket"):
            expect(self.machine.shows(unit, "ActiveState") == "active", f"{unit} does not listen")
        modes = self.machine.run(
            "stat",
            "-c",
            "%n %a %U",
            "/run/kclogin",
            "/run/kclogin/socket",
            "/run/kclogin/priv.socket",
            "/run/kclogin/sessions",
        ).split("\n")
        expect(
            modes[:4]
            == [
                "/run/kclogin 755 root",
                "/run/kclogin/socket 666 root",
                "/run/kclogin/priv.socket 600 root",
                "/run/kclogin/sessions 700 kclogin",
            ],
            f"{modes}",
        )
        expect(
            self.machine.shows("kclogind.service", "ActiveState") == "inactive", "the service runs"
        )

    def activation(self):
        """A login finds a daemon that was not running."""
        seen = self.enter()
        expect(seen.variable("KEYCLOAK_ACCESS_TOKEN"), f"no token: {seen}")
        expect("user-" in seen.shown and "session-" in seen.shown, f"no logind session: {seen}")
        expect(self.machine.shows("kclogind.service", "SubState") == "running", "not ready")
        expect("login user=ada service=sshd" in self.machine.journal(), self.machine.journal())

    def own_user(self):
        pid = self.machine.shows("kclogind.service", "MainPID")
        status = self.machine.run("cat", f"/proc/{pid}/status")
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        expect(set(fields["Uid"].split()) != {"0"}, "the daemon runs as root")
        expect(fields["NoNewPrivs"].strip() == "1", "new privileges are possible")
        expect(int(fields["CapEff"], 16) == 0, "the daemon has capabilities")
        expect(
            "Max core file size        0" in self.machine.run("cat", f"/proc/{pid}/limits"),
            "cores are possible",
        )
        own = self.machine.run("nsenter", "-t", pid, "-m", "cat", "/etc/nsswitch.conf")
        expect("keycloak" not in own and "passwd: files" in own, f"nsswitch.conf: {own}")

    def reload(self):
        pid = self.machine.shows("kclogind.service", "MainPID")
        self.machine.run("systemctl", "reload", "kclogind.service")
        expect(
            self.machine.shows("kclogind.service", "MainPID") == pid, "the daemon was restarted"
        )
        expect("reload result=ok" in self.machine.journal(), self.machine.journal())
        self.enter()

    def watchdog(self):
        """A daemon that does not answer any more is replaced, and logins go on."""
        pid = self.machine.shows("kclogind.service", "MainPID")
        self.machine.run("kill", "-STOP", pid)
        wait_for(
            lambda: self.machine.shows("kclogind.service", "MainPID") not in (pid, "0"),
            40,
            "the watchdog does not bite",
        )
        self.enter()

    def killed(self):
        """kill -9, more often than systemd's own limit has it: the next login finds a new daemon."""
        for _ in range(7):
            pid = self.machine.shows("kclogind.service", "MainPID")
            self.machine.run("kill", "-KILL", pid)
            self.machine.run("sh", "-c", "kclogin status || true")  # knocks, and so starts one
            wait_for(
                lambda pid=pid: self.machine.shows("kclogind.service", "MainPID") not in (pid, "0"),
                20,
                "no new daemon",
            )
        self.enter()

    def stopped(self):
        """Stopped by hand, the sockets stay and start it again; without them nobody waits."""
        self.machine.run("systemctl", "stop", "kclogind.service")
        expect(self.machine.shows("kclogind.service", "Result") == "success", "no clean end")
        self.enter()
        self.machine.run(
            "systemctl", "stop", "kclogind.socket", "kclogind-priv.socket", "kclogind.service"
        )
        ssh = self.person.command("ada", "keyboard-interactive", "echo MARK-IN")
        expect(not hosts.answer_all(ssh, "ada-pass").entered, "ada came in without a daemon")
        self.machine.run("systemctl", "start", "kclogind.socket", "kclogind-priv.socket")
        self.enter()

    STEPS = [sockets_first, activation, own_user, reload, watchdog, killed, stopped]


def prove(proof, machine):
    passed = failed = 0
    for step in Proof.STEPS:
        try:
            step(proof)
            passed += 1
            print(f"ok systemd: {step.__name__.replace('_', ' ')}", flush=True)
        except (Failed, subprocess.SubprocessError) as error:
            failed += 1
            print(f"not ok systemd: {step.__name__.replace('_', ' ')}: {error}", flush=True)
            print(machine.try_run("journalctl", "--no-pager", "-n", "30")[1], flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--tree", help="a folder that debootstrap has made already")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("boot.py needs root")
    if not chosen.inside:
        namespaces.enter(__file__)
    namespaces.settle_in()
    work = tempfile.mkdtemp(prefix="kclogin-boot.")
    # logs of the suite's parts go where the suite's bed has them
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    os.makedirs(f"{ROOT}/log")
    machine = Machine(f"{work}/tree")
    run("make", "-s", "-C", chosen.build, "install", f"DESTDIR={work}/product")
    realm = realms.DemoRealm("demo", False, f"{work}/product/usr/bin/kclogin-realm")
    try:
        realm.start(work)
        port = realms.free_port()
        machine.prepare(os.path.abspath(chosen.build), realm.issuer, port, chosen.tree)
        with open(f"{work}/console", "ab") as log:
            try:
                machine.boot(log)
            except Failed:
                with open(f"{work}/console", encoding="utf-8", errors="replace") as console:
                    print(console.read()[-3000:])
                raise
        passed, failed = prove(Proof(machine, realm, hosts.Person(port)), machine)
    finally:
        machine.stop()
        realm.stop()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
