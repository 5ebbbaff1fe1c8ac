"""Builds programs of the simulated world with a bug in them: what tests/power/run and
tests/regress/again share."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("OW_SOURCE") or os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("OW_BUILD") or os.path.join(SOURCE, "build", "dev")


def call(words, folder=None, wall_s=None):
    """Exit status, output, and the seconds of CPU time: the machine may have other things to do."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(words, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        timer = threading.Timer(wall_s or 3600, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return (process.returncode, out.read().decode(errors="replace"),
                usage.ru_utime + usage.ru_stime)


def must(words, folder=None):
    status, text, _ = call(words, folder)
    if status != 0:
        sys.exit("%s\nfailed:\n%s" % (shlex.join(words), text))
    return text


class Builder:
    """Compiles patched files and links a program again, as the build tree does it."""

    def __init__(self, name):
        self.name = name
        nt = "ow_nt_points" if name == "wsksim_points" else "ow_nt"
        commands = json.load(open(os.path.join(BUILD, "compile_commands.json")))
        self.compile = {}
        for c in commands:
            words = shlex.split(c["command"])
            out = words[words.index("-o") + 1]
            part = re.search(r"/(ow_\w+)\.dir/", "/" + out)
            if part and part.group(1) in (nt, "ow_low", "ow_sim"):
                self.compile[os.path.relpath(c["file"], SOURCE)] = (words, out)
        text = must(["ninja", "-C", BUILD, "-t", "commands", name])
        last = [line for line in text.splitlines() if " -o bin/%s " % name in line][-1]
        self.link = shlex.split(last.replace(": &&", "").replace("&& :", ""))

    def program(self, diff, folder):
        """The program with the bug of this file, in this folder."""
        text = open(diff).read()
        files = re.findall(r"^\+\+\+ b/(\S+)", text, re.M)
        link = list(self.link)
        for file in files:
            os.makedirs(os.path.join(folder, os.path.dirname(file)), exist_ok=True)
            shutil.copy(os.path.join(SOURCE, file), os.path.join(folder, file))
        must(["patch", "-p1", "-s", "-F0", "--no-backup-if-mismatch", "-d", folder, "-i", diff])
        for file in files:
            words, out = self.compile[file]
            words = list(words)
            changed = os.path.join(folder, os.path.basename(file) + ".o")
            words[words.index("-o") + 1] = changed
            words[words.index("-c") + 1] = os.path.join(folder, file)
            must(words + ["-Wno-error", "-I", os.path.dirname(os.path.join(SOURCE, file))], BUILD)
            if out in link:
                link[link.index(out)] = changed
            else:
                self.replace_in_library(link, out, changed, folder)
        program = os.path.join(folder, self.name)
        link[link.index("bin/" + self.name)] = program
        must(link, BUILD)
        return program

    def replace_in_library(self, link, out, changed, folder):
        """In a copy of the one that is linked, which holds the object file by its name only."""
        at = [os.path.basename(word) for word in link].index("libopenwsk_sim.a")
        copy = os.path.join(folder, "libopenwsk_sim.a")
        member = os.path.basename(out)
        if link[at] != copy:
            shutil.copy(os.path.join(BUILD, link[at]), copy)
        if must(["ar", "t", copy]).split().count(member) != 1:
            sys.exit("%s: not exactly one %s" % (copy, member))
        must(["ar", "d", copy, member])
        link[at] = copy
        link.insert(link.index("-o"), changed)
