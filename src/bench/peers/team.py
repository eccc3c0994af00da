# The program that measures other engines on behalf of `halftone bench --peers`: the files of this folder, in the order
# that CMakeLists.txt gives, make one script. It is spoken to over its standard streams (serve.py).
import sys
sys.path[:] = [entry for entry in sys.path if entry]  # files in the folder the user stands in are not modules
import importlib
import json
import os
import threading
import time

try:
    import numpy
except ImportError:
    numpy = None


class Refused(Exception):
    """A job that an engine cannot do, in words for people."""


def physical_cores():
    """One logical CPU of each core this process may use, ascending."""
    cores, seen = [], set()
    for cpu in sorted(os.sched_getaffinity(0)):
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as file:
                siblings = file.read()
        except OSError:
            siblings = str(cpu)
        if siblings not in seen:
            seen.add(siblings)
            cores.append(cpu)
    return cores


def timed(run, runs):
    milliseconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        run()
        milliseconds.append(1e3 * (time.perf_counter() - begin))
    return milliseconds


class Single:
    """One session, in this thread."""

    def __init__(self, job, open_session):
        self.session = open_session(job)

    def outputs(self):
        return self.session()

    def measure(self, runs):
        return timed(self.session, runs)


class Team:
    """Sessions that run at once, each opened and run by a thread that is confined to its own cores. One that is done goes
    on, untimed, until the slowest is."""

    def __init__(self, job, open_session):
        self.sessions = [None] * job["sessions"]

        def work(index):
            self.confine(index)
            self.sessions[index] = open_session(job)
            self.sessions[index]()

        self.together(work)

    def confine(self, index):
        cores, parts = physical_cores(), len(self.sessions)
        os.sched_setaffinity(0, cores[len(cores) * index // parts:len(cores) * (index + 1) // parts])

    def together(self, work):
        errors = []

        def guarded(index):
            try:
                work(index)
            except Exception as error:  # handed on below
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(index,)) for index in range(len(self.sessions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def outputs(self):
        return self.sessions[0]()

    def measure(self, runs):
        milliseconds, timing = [], [len(self.sessions)]
        lock = threading.Lock()

        def work(index):
            self.confine(index)
            try:
                mine = timed(self.sessions[index], runs)
                with lock:
                    milliseconds.extend(mine)
            finally:
                with lock:
                    timing[0] -= 1
            while timing[0] > 0:
                self.sessions[index]()

        self.together(work)
        return milliseconds
