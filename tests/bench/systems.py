"""What is measured: each system is prepared once, started and stopped in each round, and does some of the works."""
import atexit
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", "build")).absolute()
OUT = BUILD / "bench"
CREDFS = str(BUILD / "credfs")
MANY = 1000  # Apps whose secret is opened, where not all are
PASS_APPS = 4  # of those, in pass's store
SHM = Path("/dev/shm")
PATIENCE = 30  # seconds until an unmount must succeed


class Failure(Exception):
    """Something that stands in the way of measuring."""


def tool(name):
    return str(OUT / name)


def prefix_of(pin):
    return ["taskset", "-c", "0"] if pin else []


def run(*command, **more):
    """Run a program that must end well; what it says stays in the log."""
    with open(OUT / "log", "ab") as log:
        done = subprocess.run(command, stdout=log, stderr=log, check=False, **more)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit code {done.returncode}, see {OUT / 'log'}")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def app(number):
    return f"app-{number:07d}"


def mountpoint(name):
    """An empty directory; what a run that was killed left there is unmounted."""
    path = OUT / "mnt" / name.replace(" ", "-").replace(",", "").replace("'", "")
    subprocess.run(["fusermount3", "-u", "-z", "-q", path], check=False, stderr=subprocess.DEVNULL)
    path.mkdir(parents=True, exist_ok=True)
    return path


class System:
    """name: as it stands in the report. root: the directory that has apps/. took: seconds that starting took, where
    that is asked for. kinds: the works that it can do."""

    root = None
    took = None
    kinds = ()

    def __init__(self, name, apps):
        self.name, self.apps = name, apps

    def start(self, pin):
        pass

    def stop(self):
        pass

    def memory(self):
        """Anonymous memory in MiB, where that is asked for."""

    def command(self, work):
        """The program that measures a work; None where the system has no such work."""
        what = self.what(work) if work.kind in self.kinds else None
        return what and [tool("client"), "-t", str(work.threads), *work.pace, *what]

    def what(self, work):
        apps, count = f"{self.root}/apps", str(self.apps)
        return {
            "open": ["open", apps, count, "1"],
            "open many": ["open", apps, count, str(min(MANY, self.apps))],
            "open any": ["open", apps, count, count],
            "change": ["change", apps, count],
            "cat": ["run", "cat", f"{apps}/{app(1)}/secret"],
            "ls": ["run", "ls", apps],
            "ls -l": ["run", "ls", "-l", apps],
            "first ls -l": ["run", "ls", "-l", apps],
        }[work.kind]


class Credfs(System):
    kinds = ("first ls -l", "open", "open many", "open any", "cat", "ls", "ls -l", "change")

    def __init__(self, apps, store, config):
        super().__init__("credfs", apps)
        self.root, self.store, self.config = mountpoint(f"credfs-{apps}"), store, config
        spare = "open any" if apps <= MANY else "cat"  # what says nothing new with so many Apps
        self.kinds = tuple(kind for kind in self.kinds if kind != spare)

    def start(self, pin):
        began = time.monotonic()
        run(*prefix_of(pin), CREDFS, "mount", "--store", self.store, "--config", self.config, self.root)
        self.took = time.monotonic() - began

    def stop(self):
        """Whoever else walks through all mounts just now may have it in use for a moment."""
        for attempt in range(PATIENCE):
            if not os.path.ismount(self.root):
                return
            try:
                run(CREDFS, "umount", self.root)
            except Failure:
                if attempt + 1 == PATIENCE:
                    raise
                time.sleep(1)

    def memory(self):
        """Of all processes of the daemon: those of its session."""
        status = dict(line.split(" = ", 1) for line in (self.root / "status").read_text().splitlines())
        session = os.getsid(int(status["pid"]))
        return sum(anonymous(pid) for pid in all_processes() if session_of(pid) == session) / 1024


def all_processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def anonymous(pid):
    """RssAnon of a process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


class Trivial(System):
    """Our own least FUSE server (trivial.c)."""

    def __init__(self, name, *options):
        super().__init__(name, MANY)
        self.kinds = ("open",) if options else ("open", "open many")
        self.options, self.root, self.server = options, mountpoint(name), None

    def start(self, pin):
        self.server = subprocess.Popen([*prefix_of(pin), tool("trivial"), *self.options, self.root])
        while not os.path.ismount(self.root):
            if self.server.poll() is not None:
                raise Failure(f"{self.name}: ended at once")
            time.sleep(0.01)

    def stop(self):
        if self.server:
            if self.server.poll() is None:
                run("fusermount3", "-u", "-z", self.root)
            self.server.wait()
            self.server = None


class Tmpfs(System):
    """Directories in memory; with secrets in them as far as they are opened."""

    def __init__(self, apps):
        super().__init__("tmpfs", apps)
        self.kinds = ("open", "cat", "ls", "ls -l") if apps <= MANY else ("ls", "ls -l")
        self.root = tempfile.mkdtemp(prefix="credfs-bench-", dir=SHM)
        atexit.register(run, "rm", "-rf", self.root)
        make_tree(self.root, apps, apps <= MANY)


def make_tree(root, apps, has_secrets):
    os.mkdir(f"{root}/apps")
    for number in range(1, apps + 1):
        os.mkdir(f"{root}/apps/{app(number)}")
        if has_secrets:
            Path(f"{root}/apps/{app(number)}/secret").write_text("cfs_" + "0" * 43 + "\n")


class Gocryptfs(System):
    kinds = ("open", "cat", "ls", "ls -l")

    def __init__(self):
        super().__init__("gocryptfs", MANY)
        self.root, self.cipher, self.word = mountpoint("gocryptfs"), OUT / "gocryptfs", OUT / "gocryptfs.word"
        shutil.rmtree(self.cipher, ignore_errors=True)
        self.cipher.mkdir()
        self.word.write_text("bench\n")
        run("gocryptfs", "-init", "-q", "-scryptn", "10", "-passfile", self.word, self.cipher)
        self.start(False)
        make_tree(self.root, MANY, True)
        self.stop()
        self.took = None

    def start(self, pin):
        began = time.monotonic()
        run(*prefix_of(pin), "gocryptfs", "-q", "-passfile", self.word, self.cipher, self.root)
        self.took = time.monotonic() - began

    def stop(self):
        if os.path.ismount(self.root):
            run("fusermount3", "-u", "-z", self.root)


class Pass(System):
    """A program for each secret, which asks gpg."""

    kinds = ("cat",)

    def __init__(self):
        super().__init__("pass", PASS_APPS)
        self.home = tempfile.mkdtemp(prefix="credfs-bench-")  # a short path: gpg-agent has a socket in it
        atexit.register(self.release)
        os.environ.update(GNUPGHOME=self.home, PASSWORD_STORE_DIR=f"{self.home}/store")
        run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "bench", "future-default", "default", "never")
        run("pass", "init", "bench")
        for number in range(1, PASS_APPS + 1):
            run("pass", "insert", "-m", f"apps/{app(number)}/secret", input=b"cfs_" + b"0" * 43 + b"\n")

    def what(self, work):
        return ["run", "pass", "show", f"apps/{app(1)}/secret"]

    def release(self):
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)


class Sqlite(System):
    """SQLite alone on a copy of the store's rows (raw.c)."""

    kinds = ("open", "open many", "change")

    def __init__(self, apps, database):
        super().__init__("SQLite", apps)
        self.database = database

    def command(self, work):
        what = {"open": ["read", "1"], "open many": ["read", str(MANY)], "change": ["change"]}.get(work.kind)
        if what is None or (what[0] == "read" and work.threads > 1):
            return None
        paced = [tool("raw"), "-t", str(work.threads), *work.pace]
        return [*paced, what[0], self.database, str(self.apps), *what[1:]]


def filled(apps):
    """A store of so many Apps, made when there is none yet of the present form."""
    parts = ["core/schema.c", "core/app.c", "core/credential.c", "core/assignment.c", "core/grant.c", "core/crypto.c"]
    form = hashlib.sha256(b"".join((ROOT / part).read_bytes() for part in [*parts, "tests/bench/fill.c"]))
    store = OUT / "stores" / f"{apps}-{form.hexdigest()[:12]}"
    if store.exists():
        return store
    for old in store.parent.glob(f"{apps}-*"):
        shutil.rmtree(old)
    store.parent.mkdir(parents=True, exist_ok=True)
    say(f"making a store of {apps:,} Apps, to be kept in {store}")
    began = time.monotonic()
    making = store.with_suffix(".new")
    if subprocess.run([tool("fill"), making, str(apps)], check=False).returncode != 0:
        raise Failure(f"no store of {apps:,} Apps")
    making.rename(store)
    say(f"made it in {time.monotonic() - began:.0f} s")
    return store


def with_store(apps, config):
    """credfs and SQLite, each on a copy of its own."""
    store, work = filled(apps), OUT / "work"
    copy = work / str(apps)
    run("cp", "-a", "--reflink=auto", store, copy)
    run("cp", "-a", "--reflink=auto", store / "credfs.db", work / f"{apps}.db")
    return [Credfs(apps, copy, config), Sqlite(apps, work / f"{apps}.db")]


def is_memory(path):
    """Is it a tmpfs?"""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return any(fields[1] == str(path) and fields[2] == "tmpfs" for fields in mounts)


def others(sizes):
    up = [
        Trivial("trivial"),
        Trivial("trivial, page cached", "-p"),
        Trivial("trivial, libfuse's loop", "-m"),
        Trivial("trivial, libfuse's loop, idle 0", "-i", "0"),
    ]
    if is_memory(SHM):
        up += [Tmpfs(apps) for apps in sizes]
    for program, kind in (("gocryptfs", Gocryptfs), ("pass", Pass)):
        if shutil.which(program):
            up.append(kind())
        else:
            say(f"{program} is not installed: left out")
    return up


def lock_run():
    """One run at a time; the lock goes with the process."""
    lock = os.open(OUT / "lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failure(f"another run is under way in {OUT}") from None


def prepare(sizes):
    """All systems, ready to be started. What they leave outside of OUT, and copies, go when the program ends."""
    OUT.mkdir(parents=True, exist_ok=True)
    lock_run()
    (OUT / "log").write_bytes(b"")
    shutil.rmtree(OUT / "work", ignore_errors=True)
    (OUT / "work").mkdir()
    atexit.register(shutil.rmtree, OUT / "work", ignore_errors=True)
    config = OUT / "credfs.ini"
    config.write_text("; the owner of the store is the only principal\n")
    config.chmod(0o600)
    up = []
    for apps in sizes:
        up += with_store(apps, config)
    return up + others(sizes)
