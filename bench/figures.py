"""What was measured: samples of callers, and what the daemon took of memory and time.

Used by place.py and parts.py. Only reads.
"""

import collections
import os

NS = 1_000_000


class Samples:
    """Milliseconds of each kind, and how long all of a kind took together."""

    def __init__(self, text):
        self.of = collections.defaultdict(list)
        self.wall = {}
        for line in text.splitlines():
            words = line.split()
            if words[0] == "wall":
                self.wall[words[1]] = int(words[2]) / NS
            else:
                self.of[words[0]].append(int(words[1]) / NS)
        for values in self.of.values():
            values.sort()

    def at(self, kind, part):
        """A quantile: the sample that so large a part does not exceed."""
        values = self.of[kind]
        return values[min(len(values) - 1, int(len(values) * part))]

    def median(self, kind):
        return self.at(kind, 0.5)

    def p99(self, kind):
        return self.at(kind, 0.99)

    def rate(self, kind):
        """A second."""
        return len(self.of[kind]) / (self.wall[kind] / 1000)


def memory(pid):
    """Megabytes resident: all, the process's share of them, and what is its alone."""
    sizes = collections.Counter()
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0].endswith(":") and words[-1] == "kB":
                sizes[words[0][:-1]] = int(words[1]) / 1024
    return {
        "rss": sizes["Rss"],
        "pss": sizes["Pss"],
        "private": sizes["Private_Clean"] + sizes["Private_Dirty"],
    }


def processor(pid):
    """Milliseconds of processor that a process has used."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / NS


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
