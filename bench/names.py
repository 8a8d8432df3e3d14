"""The host that lookups are measured on: name services, a snapshot of a crowd, files with the same.

Used by bench/lookup. Everything is the run's own: /etc, /run, the libraries that are found.
"""

import contextlib
import glob
import os
import shutil
import signal
import subprocess

import bed
from bed import ROOT, run, write
from outcome import Failed, wait_for

NOBODY = 65534
FOLDER = f"{ROOT}/names"
SNAPSHOT = "/run/kclogin/snapshot"
SSSD = """[sssd]
services = nss
domains = crowd
config_file_version = 2
[domain/crowd]
id_provider = files
passwd_files = {folder}/passwd
group_files = {folder}/group
fallback_to_nss = false
[nss]
filter_users =
filter_groups =
"""


class Names:
    def __init__(self, build, others, work):
        self.build, self.work = os.path.abspath(build), work
        self.fill = self.sssd = self.parts = None
        self.reasons = {}
        self._overlay(others and os.path.abspath(others))
        self.bed = bed.Bed(self.build, self.build)
        self._libraries()
        os.makedirs(SNAPSHOT, mode=0o755, exist_ok=True)

    def _overlay(self, others):
        """Lays the other modules' files over /usr, in this namespace."""
        if not others:
            self.reasons["cache"] = self.reasons["sss"] = "no --others FOLDER"
            return
        if "kclogin" in os.listdir(others) or not os.path.isdir(f"{others}/usr"):
            raise SystemExit(f"{others}: not a folder of bench/others")
        run("mount", "-t", "overlay", "-o", f"lowerdir={others}/usr:/usr", "overlay", "/usr")

    def _libraries(self):
        os.makedirs(FOLDER)
        os.chmod(ROOT, 0o755)
        for name in ("seek", "spawn"):
            path = f"{self.build}/bench/{name}"
            if not os.path.exists(path):
                raise SystemExit(f"{path} is not there: make -C {self.build} bench")
            shutil.copy(path, FOLDER)
        for path in (f"{self.build}/bench/.libs/libnss_floor.so.2",
                     self.bed.find("libnss_keycloak.so.2")):
            shutil.copy(path, FOLDER)
        write("/etc/ld.so.conf.d/bench.conf", FOLDER + "\n")
        run("ldconfig")

    def library(self, name):
        return f"{FOLDER}/libnss_{name}.so.2"

    def switch(self, name):
        """An nsswitch.conf where only this service answers; and now it is the host's."""
        text = "".join(f"{table}: {name}\n" for table in ("passwd", "group", "initgroups"))
        path = write(f"/etc/nsswitch.{name}", text)
        shutil.copy(path, "/etc/nsswitch.copy")
        os.rename("/etc/nsswitch.copy", "/etc/nsswitch.conf")
        return path

    @contextlib.contextmanager
    def crowd(self, users):
        """While it lasts, the snapshot holds so many; what publishing it took, in figures."""
        for path in glob.glob(f"{SNAPSHOT}/*"):
            os.remove(path)
        process = subprocess.Popen(
            [f"{self.build}/bench/fill", SNAPSHOT, str(users)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        figures = {}
        try:
            for line in process.stdout:
                if line == "ready\n":
                    break
                name, value = line.split()
                figures[name] = float(value)
            else:
                raise Failed("fill ended")
            self.fill = process
            yield figures
        finally:
            self.fill = None
            process.stdin.close()
            process.wait(60)

    def publish(self):
        """Publishes a changed ada: (when it began, how long it took), in nanoseconds."""
        self.fill.stdin.write("change\n")
        self.fill.stdin.flush()
        words = self.fill.stdout.readline().split()
        return int(words[3]), int(words[1])

    def seek(self, users, way, kinds, constant=False, root=False, text="", name="", seconds=280):
        """What bench/seek prints: {kind: [(median, best), ...]}."""
        done = subprocess.run(
            [f"{FOLDER}/seek", str(users), way, *kinds],
            check=False, timeout=seconds, input=text, capture_output=True, text=True,
            user=0 if root else NOBODY, group=0 if root else NOBODY, extra_groups=[],
            env={"SEEK_NAME": name, **({"SEEK_CONSTANT": "1"} if constant else {})},
        )
        if done.returncode != 0:
            raise Failed(f"seek {way} {kinds}: {done.stderr.strip()}")
        seen = {}
        for line in done.stdout.splitlines():
            kind, median, best = line.split()
            seen.setdefault(kind, []).append((float(median), float(best)))
        return seen

    def waiting(self, users):
        """A process that waits for ada to change."""
        process = subprocess.Popen(
            [f"{FOLDER}/seek", str(users), self.library("keycloak"), "change"],
            stdout=subprocess.PIPE, text=True, user=NOBODY, group=NOBODY, extra_groups=[],
        )
        if process.stdout.readline() != "waiting\n":
            raise Failed("nobody waits for ada")
        return process

    def spawn(self, rounds, services, *argv):
        """Nanoseconds that a process takes under each service, in turns."""
        files = [self.switch(name) for name in services]
        out = run(f"{FOLDER}/spawn", str(rounds), *files, "--", *argv, seconds=280)
        return [int(line.split()[1]) for line in out.splitlines()]

    def files(self, users):
        """The same crowd in /etc/passwd and /etc/group, ada in the middle; for the cache too."""
        out = run(f"{self.build}/bench/fill", "--files", FOLDER, str(users), seconds=120)
        for name in ("passwd", "group"):
            keep = f"/etc/{name}.kept"
            if not os.path.exists(keep):
                shutil.copy(f"/etc/{name}", keep)
            with open(f"/etc/{name}", "w", encoding="ascii") as file, \
                    open(keep, encoding="utf-8") as kept, \
                    open(f"{FOLDER}/{name}", encoding="ascii") as crowd:
                file.writelines(line for line in kept if not line.startswith("ada:"))
                file.write(crowd.read())
            shutil.copy(f"{FOLDER}/{name}", f"/etc/{name}.cache")
            for field, index in ((0, "name"), (2, "uid" if name == "passwd" else "gid")):
                self._index(f"/etc/{name}.cache", field, f"/etc/{name}.cache.ix{index}")
        return out

    @staticmethod
    def no_files():
        """The host's own people alone: a name of theirs is never the realm's."""
        for name in ("passwd", "group"):
            if os.path.exists(f"/etc/{name}.kept"):
                shutil.copy(f"/etc/{name}.kept", f"/etc/{name}")

    @staticmethod
    def _index(path, field, index):
        """libnss-cache's: lines of one length, in order, each key with its place in the file."""
        rows, place = [], 0
        with open(path, "rb") as file:
            for line in file:
                rows.append((line.split(b":")[field], place))
                place += len(line)
        width = max(len(key) for key, _ in rows)
        with open(index, "wb") as file:
            for key, place in sorted(rows):
                file.write(key + b"\0" + b"%08d" % place + b"\0" * (width - len(key)) + b"\n")
        os.chmod(index, 0o644)

    def has_cache(self):
        return bool(glob.glob("/usr/lib/*/libnss_cache.so.2"))

    @contextlib.contextmanager
    def sssd_runs(self):
        """sssd with the crowd's files as its domain; the reason why it does not run, or None."""
        if not os.path.exists("/usr/sbin/sssd"):
            yield self.reasons.get("sss", "no /usr/sbin/sssd")
            return
        for folder in ("/var/lib/sss", "/var/log/sssd", "/etc/sssd"):
            os.makedirs(folder, exist_ok=True)
            run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder)
        for name in ("db", "mc", "pipes", "pipes/private", "pubconf", "secrets", "gpo_cache",
                     "keytabs", "deskprofile"):
            os.makedirs(f"/var/lib/sss/{name}", exist_ok=True)
        write("/etc/sssd/sssd.conf", SSSD.format(folder=FOLDER), 0o600)
        log = open(f"{ROOT}/log/sssd", "ab")
        process = subprocess.Popen(["/usr/sbin/sssd", "-i"], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)
        try:
            self.switch("sss")
            yield self._sssd_answers(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)

    @staticmethod
    def _sssd_answers(process):
        def answers():
            done = subprocess.run(["getent", "passwd", "ada"], capture_output=True, check=False,
                                  timeout=30)
            return done.returncode == 0 or process.poll() is not None

        try:
            wait_for(answers, 60, "it does not know ada after a minute")
        except Failed as failed:
            return str(failed)
        return None if process.poll() is None else f"it ended with {process.returncode}"

    def stop(self):
        if self.parts:
            self.parts.stop()
