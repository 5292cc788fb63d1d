"""What is measured, and what design says it should be."""
from dataclasses import dataclass, field

K, M = 1000, 1_000_000
OPEN = "open+read+close"  # of one App's secret, again and again, as a service does
OPEN_MANY = "open+read+close, 1,000 Apps in turn"


@dataclass
class Work:
    """One thing that is done again and again. pace: the client's options for how long (measure.h)."""

    name: str
    kind: str  # what systems.py knows how to do
    pace: list = field(default_factory=list)
    threads: int = 1


@dataclass
class Plan:
    sizes: list  # numbers of Apps
    rounds: int
    seconds: float  # for one measurement
    pins: tuple = (True, False)  # all on one CPU, or not

    def works(self):
        def pace(turns, share=1.0, warm_up=0):
            return ["-n", str(turns), "-s", f"{self.seconds * share:g}", "-w", str(warm_up)]

        return [
            Work("first ls -l", "first ls -l", ["-n", "1"]),
            Work(OPEN, "open", pace(50000, 1, 100)),
            Work(f"{OPEN}, 4 at once", "open", pace(50000, 1, 100), 4),
            Work(OPEN_MANY, "open many", pace(50000, 1, 1000)),
            Work(f"{OPEN}, any App", "open any", pace(50000, 1)),
            Work("cat", "cat", pace(40, 0.5)),
            Work("ls", "ls", pace(40, 0.5)),
            Work("ls -l", "ls -l", pace(40, 0.5)),
            Work("change of apis", "change", pace(4000, 1.5, 20)),
            Work("change of apis, 4 writers", "change", pace(4000, 1.5, 20), 4),
            Work("change of apis, 16 writers", "change", pace(4000, 1.5, 20), 16),
        ]


FULL = Plan(sizes=[1000, 100_000, 1_000_000], rounds=5, seconds=1.0)
QUICK = Plan(sizes=[1000], rounds=3, seconds=0.12)


@dataclass
class Target:
    """At most limit times: of (work, system, Apps) to what it is held against, or of the figure itself."""

    text: str
    of: tuple
    to: tuple
    limit: float
    at_least: bool = False  # then it is against / of, and at least limit
    pins: tuple = (True, False)


def _changes():
    for apps in (K, 100 * K, M):
        for work in ("change of apis", "change of apis, 4 writers", "change of apis, 16 writers"):
            yield Target(f"{work}, {apps:,} Apps, to SQLite", (work, "credfs", apps), (work, "SQLite", apps), 1.3)


TARGETS = [
    Target("open+read+close to a trivial server", (OPEN, "credfs", K), (OPEN, "trivial", K), 1.4, pins=(True,)),
    Target("the same of 1,000 Apps in turn to a trivial server",
           (OPEN_MANY, "credfs", K), (OPEN_MANY, "trivial", K), 1.4, pins=(True,)),
    Target("open+read+close to a trivial server, page cached",
           (OPEN, "credfs", K), (OPEN, "trivial, page cached", K), 1.4, pins=(True,)),
    Target("libfuse's own loop (its defaults) to it",
           (OPEN, "credfs", K), (OPEN, "trivial, libfuse's loop", K), 3, True),
    Target("libfuse's own loop (a thread a request) to it",
           (OPEN, "credfs", K), (OPEN, "trivial, libfuse's loop, idle 0", K), 3, True),
    Target("gocryptfs to it", (OPEN, "credfs", K), (OPEN, "gocryptfs", K), 2, True),
    Target("ls of 100,000 Apps to tmpfs", ("ls", "credfs", 100 * K), ("ls", "tmpfs", 100 * K), 1.5),
    Target("ls -l of 100,000 Apps to tmpfs", ("ls -l", "credfs", 100 * K), ("ls -l", "tmpfs", 100 * K), 1.5),
    Target("open+read+close, a million Apps to a thousand", (OPEN, "credfs", M), (OPEN, "credfs", K), 1.3),
    Target("the same of 1,000 Apps in turn, a million to a thousand",
           (OPEN_MANY, "credfs", M), (OPEN_MANY, "credfs", K), 1.3),
    Target("mount of a million Apps ready (s)", ("start", "credfs", M), None, 0.2),
    Target("anonymous memory with a million Apps (MiB)", ("memory", "credfs", M), None, 32),
    *_changes(),
]
