"""cluster: a real Slurm of one node, on this machine, for as long as a test needs it.

munged, slurmctld and slurmd run in the foreground below the test, with a key, ports, state
and logs of their own in a folder that goes with them: nothing of a Slurm that this machine
may have is read or written.  No systemd, no cgroups, no accounting, no root needed.
"""

import ctypes
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

MUNGED = ("/usr/sbin/munged", "/usr/local/sbin/munged")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "scancel", "squeue", "scontrol", "sinfo")
N_CPUS = 4  # more than there may be: jobs of one thread, each its own
START_S = 20
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)
PORTS = range(20000, 32000)
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)

CONFIGURATION = """\
ClusterName=servesim
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=20
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=10000
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cpus} State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


# Nothing here needs control groups, but slurmd asks its plugin for them whether it may write
# there or not.  That of version 1 does nothing until it is asked for something.
CONTROL_GROUPS = "CgroupPlugin={plugin}\n"
WITHOUT_CONTROL_GROUPS_SINCE = (24, 5)


class CannotStart(Exception):
    """What this machine lacks, or what a daemon said when it ended."""


def find(program):
    """Its path; daemons are in folders that are not on everybody's path."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"
    found = shutil.which(program, path=path)
    if found is None:
        raise CannotStart(f"no {program}: bash tests/support/packages.sh test installs it")
    return found


def user_name():
    """Who runs the test; everything of the Slurm runs as the same user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise CannotStart(f"no user has the number {os.geteuid()}") from error


def free_ports(n):
    """Ports that nobody listens at, below those that the system gives to any connection."""
    found = []
    while len(found) < n:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def tidy_up_whatever_happens():
    """To be called first: what follows runs in a process of its own, in which a signal is an
    exception, also the death of the one that was started, by whatever.  No process below can
    leave it: what daemons start, and jobs, whose parents have ended, count as below.
    """
    child = os.fork()
    if child != 0:
        for number in SIGNALS:
            signal.signal(number, lambda number, _: os.kill(child, number))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(code if code >= 0 else 1)

    def stop(number, _):
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(f"stopped by {signal.Signals(number).name}")

    for number in SIGNALS:
        signal.signal(number, stop)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def offspring():
    """The numbers of all processes below this one."""
    children = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(int(after_name[1]), []).append(int(entry.name))
    found = []
    rest = [os.getpid()]
    while rest:
        rest += (below := children.get(rest.pop(), []))
        found += below
    return found


def end_offspring():
    """Kills all of it and waits for it, for up to some seconds."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for pid in offspring():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


class Cluster:
    """`with Cluster() as cluster:` has a Slurm with an idle node, or raises CannotStart."""

    def __enter__(self):
        self.programs = {name: find(name) for name in PROGRAMS + ("munged",)}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="servesim-slurm-"))
        self.daemons = []
        try:
            self.start()
        except subprocess.TimeoutExpired as error:
            self.__exit__()
            raise CannotStart(f"{error.cmd[0]} does not answer") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end_offspring()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        for name in ("state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        self.folder.chmod(0o755)  # munged wants its socket where everybody may go
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        host = socket.gethostname().partition(".")[0]
        controller_port, node_port = free_ports(2)
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            folder=self.folder, host=host, controller_port=controller_port,
            node_port=node_port, user=user_name(), n_cpus=N_CPUS))
        version = tuple(map(int, re.findall(r"\d+", self.say("slurmd", "-V"))[:2]))
        plugin = "disabled" if version >= WITHOUT_CONTROL_GROUPS_SINCE else "cgroup/v1"
        (self.folder / "cgroup.conf").write_text(CONTROL_GROUPS.format(plugin=plugin))
        self.daemon("munged", "--foreground", "--num-threads=2",
                    *(f"--{what}={self.folder}/munge.{end}" for what, end in (
                        ("socket", "socket"), ("key-file", "key"), ("pid-file", "pid"),
                        ("log-file", "log"), ("seed-file", "seed"))))
        self.wait("munged", lambda: (self.folder / "munge.socket").exists())
        self.daemon("slurmctld", "-D")
        self.wait("slurmctld", lambda: "UP" in self.say("scontrol", "ping"))
        self.daemon("slurmd", "-D")
        self.wait("slurmd", lambda: self.say("sinfo", "-h", "-o", "%T").strip() == "idle")

    def daemon(self, name, *arguments):
        with open(self.folder / f"{name}.out", "wb") as out:
            self.daemons.append((name, subprocess.Popen(
                [self.programs[name], *arguments], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=self.environment, cwd=self.folder,
                preexec_fn=die_with_parent)))

    def wait(self, what, holds):
        end = time.monotonic() + START_S
        while not holds():
            for name, process in self.daemons:
                if process.poll() is not None:
                    raise CannotStart(f"{name} ended with {process.returncode}: "
                                      f"{self.last_words(name)}")
            if time.monotonic() > end:
                raise CannotStart(f"{what} is not ready after {START_S} s: "
                                  f"{self.last_words(what)}")
            time.sleep(0.05)

    def last_words(self, name):
        text = (self.folder / f"{name}.out").read_text(errors="replace").strip()
        return " / ".join(text.splitlines()[-3:]) or "it said nothing"

    def call(self, program, *arguments, **options):
        """A command of Slurm's, with its exit code and what it said."""
        options.setdefault("env", self.environment)
        return subprocess.run([self.programs[program], *map(str, arguments)], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=15, check=False, **options)

    def say(self, program, *arguments):
        return self.call(program, *arguments).stdout
