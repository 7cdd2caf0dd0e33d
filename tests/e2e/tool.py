"""What every end-to-end test shares: the tool's path, the zoo, commands with their answers, and a list of findings."""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CLASSIFIERS = {
    "resnet18_pqf_fp32": {
        "flags": "--mean 123.675,116.28,103.53 --scale 0.01712475,0.017507,0.01742919 --pixel rgb --fit crop "
                 "--resize 256".split(), "label_offset": 0},
    "mobilenet_v2_1.0_224_deq_fp32": {
        "flags": "--mean 128 --scale 0.0078125 --pixel rgb --fit crop --resize 256".split(), "label_offset": 1},
    "squeezenet_v1.1_ncnn_fp32": {
        "flags": "--mean 104,117,123 --scale 1 --pixel bgr --fit crop --resize 256 "
                 "--input-shapes data:1x3x224x224".split(), "label_offset": 0},
}
DETECTORS = {
    "yolox_nano": "--pixel bgr --fit letterbox --pad-value 114 --pad-align corner".split(),
    "nanodet_m_320": "--mean 103.53,116.28,123.675 --scale 0.017429,0.017507,0.017125 --pixel bgr --fit stretch".split(),
    "yolov5n-fp16": "--mean 0 --scale 0.00392156862745098 --pixel rgb --fit letterbox --pad-value 114".split(),
    "version-RFB-320": "--mean 127 --scale 0.0078125 --pixel rgb --fit stretch".split(),
}


def zoo_folder():
    return os.path.abspath(os.environ.get("BURIN_ZOO", os.path.join(ROOT, "..", "shared", "zoo")))


def preprocess_only(flags):
    """The flags without those that change the graph: what is given again where a module is read."""
    return [flag for i, flag in enumerate(flags) if flag != "--input-shapes" and flags[i - 1] != "--input-shapes"]


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Tool:
    """The tool and where its tests find their data. Failures are collected, so that one run shows all of them."""

    def __init__(self, needs_zoo=True):
        if len(sys.argv) < 2:
            sys.exit("usage: %s BURIN [NAME...]" % sys.argv[0])
        self.path = os.path.abspath(sys.argv[1])
        self.only = sys.argv[2:]
        self.failures = []
        self.zoo = zoo_folder()
        self.has_zoo = os.path.isdir(os.path.join(self.zoo, "models"))
        if needs_zoo and not self.has_zoo:
            self.without_zoo()
        self.scratch = tempfile.TemporaryDirectory(prefix="burin_e2e_")
        self.folder = self.scratch.name

    def without_zoo(self):
        if os.environ.get("BURIN_REQUIRE_ZOO") == "1":
            sys.exit("no model zoo at %s, and BURIN_REQUIRE_ZOO=1" % self.zoo)
        print("no model zoo at %s; set BURIN_ZOO" % self.zoo)
        sys.exit(SKIPPED)

    def wants(self, name):
        return not self.only or name in self.only

    def out(self, name):
        return os.path.join(self.folder, name)

    def data(self, *parts):
        return os.path.join(self.zoo, *parts)

    def model(self, name):
        """Path of an ONNX model of the zoo; the packed ones are unpacked once."""
        plain = self.data("models", "onnx", name + ".onnx")
        if os.path.exists(plain):
            return plain
        unpacked = os.environ.get("BURIN_ZOO_UNPACKED", os.path.join(ROOT, "build", "zoo"))
        path = os.path.join(unpacked, name + ".onnx")
        if not os.path.exists(path):
            subprocess.run(["sh", self.data("unpack.sh"), unpacked], check=True, capture_output=True)
        return path

    def run(self, *arguments, timeout=600, stdout=subprocess.PIPE, preexec_fn=None):
        return subprocess.run([self.path, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, text=True,
                              errors="replace", check=False, timeout=timeout, preexec_fn=preexec_fn)

    def must(self, *arguments):
        """Runs and returns the process; an exit code other than 0 is a failure, and None is returned."""
        done = self.run(*arguments)
        if done.returncode == 0:
            return done
        self.fail("burin %s: exit %d: %s" % (" ".join(map(str, arguments)), done.returncode,
                                              done.stderr.strip()[-600:]))
        return None

    def answer(self, *arguments):
        """The JSON object of a command, or None after a failure."""
        done = self.must(*arguments, "--json", "--quiet")
        if done is None:
            return None
        try:
            return json.loads(done.stdout)
        except ValueError:
            self.fail("burin %s: no JSON: %s" % (" ".join(map(str, arguments)), done.stdout[:200]))
            return None

    def timed(self, *arguments, rounds=3):
        """Least processor seconds of some rounds, that round's wall seconds, and the last process."""
        best, done = None, None
        for _ in range(rounds):
            before, start = children_seconds(), time.monotonic()
            done = self.run(*arguments)
            taken = (children_seconds() - before, time.monotonic() - start)
            best = taken if best is None else min(best, taken)
        if done.returncode:
            self.fail("burin %s: exit %d: %s" % (" ".join(map(str, arguments)), done.returncode, done.stderr[-400:]))
        return *best, done

    def peak_bytes(self, *arguments):
        """Peak resident memory of one run."""
        child = os.fork()
        if child == 0:
            with open(os.devnull, "w", encoding="utf-8") as sink:
                subprocess.run([self.path, *map(str, arguments)], stdout=sink, stderr=sink, check=False)
            kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            with open(self.out("peak"), "w", encoding="utf-8") as file:
                file.write(str(kilobytes))
            os._exit(0)
        os.waitpid(child, 0)
        with open(self.out("peak"), encoding="utf-8") as file:
            return int(file.read()) * 1024

    def fail(self, text):
        print("FAILED: " + text, flush=True)
        self.failures.append(text)

    def floor(self, what, value, at_least=None, at_most=None, gates=True, form="%.4g"):
        """Prints a measured number with its floor; a miss is a failure unless it is only reported."""
        bound = ">= " + form % at_least if at_least is not None else "<= " + form % at_most
        missed = value < at_least if at_least is not None else value > at_most
        print("%s: %s (floor %s)%s" % (what, form % value, bound, "" if not missed else " MISSED"), flush=True)
        if missed and gates:
            self.failures.append("%s is %s, the floor is %s" % (what, form % value, bound))

    def finish(self):
        self.scratch.cleanup()
        for text in self.failures:
            print("failed: " + text)
        print("%d failures" % len(self.failures))
        sys.exit(1 if self.failures else 0)
