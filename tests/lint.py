#!/usr/bin/python3
"""House rules that no compiler checks: tests/lint.py (from the repository root; exit 1 and one line per finding).

- A source file has at most 800 lines (500 is the aim); a line of a script at most 120 characters (C++ is formatted).
- No unfinished work in source: the markers listed below, and those that a merge leaves at a conflict.
- The runtime includes nothing but C++17 headers old board compilers have, its own headers, FlatBuffers, and the
  intrinsics of the processor a kernel folder is for. It calls no libm function whose last bit is up to the C library.
- MLIR and LLVM headers stay in the folders that own a dialect or translate into or out of one.
- Includes follow the flow of the data: a folder includes only what stands before it.
- Scripts are executable and say what they are run by.
"""
import os
import re
import subprocess
import sys

HARD_LINE_LIMIT = 800
WIDTH_LIMIT = 150
WIDTH_SUFFIXES = (".py", ".mjs", ".sh", "dev")
SOURCE_SUFFIXES = (".cpp", ".h", ".c", ".py", ".mjs", ".sh", ".td", ".fbs", ".proto", ".cmake")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
CONFLICT = re.compile(r"(<{7}|>{7}) |={7}$")

RUNTIME_HEADERS = set("""algorithm array atomic cassert cerrno cfloat chrono cinttypes climits cmath condition_variable
cstdarg cstddef cstdint cstdio cstdlib cstring functional initializer_list iterator limits map memory mutex new numeric
optional set string string_view thread tuple type_traits unordered_map
unordered_set utility vector
fcntl.h sched.h stddef.h stdint.h stdbool.h sys/mman.h sys/stat.h sys/syscall.h unistd.h sys/auxv.h asm/hwcap.h
windows.h errno.h time.h""".split())
INTRINSIC_HEADERS = set("immintrin.h cpuid.h arm_neon.h arm_acle.h msa.h riscv_vector.h".split())
# Results must not depend on the C library: these round differently from one to the next.
INEXACT_CALLS = re.compile(r"\bstd::(exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|tanh|sinh|cosh|asin|acos|atan|"
                           r"atan2|erf|erfc|cbrt|hypot|tgamma|lgamma)f?\(")
MLIR_FOLDERS = ("lib/nn/", "lib/qnn/", "lib/import/", "lib/prepare/", "lib/quantize/", "lib/compile/", "lib/export/")
TEST_FILE = re.compile(r"(_test\.cpp|test_support\.h|test_array\.h|op_case\.h)$")
# Each folder may include itself and what stands before it here. The program's own flow, see docs/.
FLOW = ["runtime", "lib/support", "lib/target", "lib/data", "lib/program", "lib/execute", "lib/nn", "lib/qnn", "lib/import",
        "lib/prepare", "lib/calibrate", "lib/quantize", "lib/compile", "lib/pipeline", "lib/export", "lib/analyze", "cli",
        "fuzz", "benchmarks", "tests"]
INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")')


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], check=True,
                             capture_output=True, text=True).stdout
    return [path for path in listing.splitlines() if os.path.isfile(path)]


def folder_rank(path):
    for rank, folder in enumerate(FLOW):
        if path.startswith(folder + "/"):
            return rank
    return None


def check_include(path, header):
    quoted, name = header[0] == '"', header[1:-1]
    is_test = TEST_FILE.search(path) is not None
    if re.match(r"(mlir|llvm)(-c)?/", name) and not path.startswith(MLIR_FOLDERS):
        yield "includes %s: MLIR stays in %s" % (name, " ".join(MLIR_FOLDERS))
    if path.startswith("runtime/") and not is_test:
        allowed = (quoted or name in RUNTIME_HEADERS or name.startswith(("flatbuffers/", "burin/"))
                   or (name in INTRINSIC_HEADERS and ("/kernels/" in path or "/core/" in path)))
        if not allowed:
            yield "includes <%s>: not on the runtime's list of headers that every board compiler has" % name
    rank, other = folder_rank(path), folder_rank(name)
    if quoted and not is_test and rank is not None and other is not None and other > rank:
        yield "includes %s: %s comes later in the flow" % (name, FLOW[other])


def check_source(path, lines):
    if len(lines) > HARD_LINE_LIMIT:
        yield 0, "%d lines, the limit is %d" % (len(lines), HARD_LINE_LIMIT)
    for number, line in enumerate(lines, 1):
        if path.endswith(WIDTH_SUFFIXES) and len(line) > WIDTH_LIMIT:
            yield number, "%d characters, the limit is %d" % (len(line), WIDTH_LIMIT)
        if UNFINISHED.search(line) or CONFLICT.match(line):
            yield number, "unfinished: " + line.strip()
        match = INCLUDE.match(line)
        if match:
            for problem in check_include(path, match.group(1)):
                yield number, problem
        if path.startswith("runtime/") and not path.endswith("_test.cpp") and not line.lstrip().startswith("//") \
                and INEXACT_CALLS.search(line):
            yield number, "calls %s..): its last bit is up to the C library; runtime/math has ours" % (
                INEXACT_CALLS.search(line).group(0))


def check_script(path, lines):
    starts_alone = bool(lines) and lines[0].startswith("#!")
    if starts_alone != os.access(path, os.X_OK):
        yield 1, "a first line with #! and the executable bit go together"


def main():
    findings = 0
    sources = 0
    for path in tracked_files():
        if not path.endswith(SOURCE_SUFFIXES) and path not in ("dev", ".ci/run"):
            continue
        sources += 1
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        problems = list(check_source(path, lines))
        if not path.endswith((".cpp", ".h", ".c")):
            problems += check_script(path, lines)
        for number, problem in problems:
            print("%s:%d: %s" % (path, number, problem))
        findings += len(problems)
    print("lint: %d files, %d findings" % (sources, findings))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
