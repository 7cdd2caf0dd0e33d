#!/usr/bin/env bash
# Builds the libFuzzer targets (ASan + UBSan) and runs each for SECONDS: tests/fuzz.sh [SECONDS] [NAME...]
# Needs build/release/bin/burin, which makes the seeds that are not in fuzz/corpus. New inputs are kept in
# build/fuzz/corpus/NAME, findings in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
timeout=${FUZZ_TIMEOUT:-20} # of one input; more for a machine that is busy with something else
shift || true
jobs=${BURIN_JOBS:-$(nproc)}
export ASAN_OPTIONS=${ASAN_OPTIONS:-allow_user_poisoning=0:detect_container_overflow=0}

[[ build/asan/build.ninja -nt CMakePresets.json ]] || cmake --preset asan >/dev/null
cmake --build build/asan -j "$jobs" --target burin_fuzzers

mapfile -t programs < <(find build/asan/fuzz -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x | sort)
((${#programs[@]})) || { echo "fuzz: error: build/asan/fuzz has no fuzz_* program" >&2; exit 1; }
mkdir -p build/fuzz/findings
rm -rf build/fuzz/seeds
tests/fuzz_seeds.py build/release/bin/burin build/fuzz/seeds

fuzz_one() {
  local program=$1 name=${1##*/fuzz_} log=build/fuzz/${1##*/fuzz_}.log folder
  local folders=("build/fuzz/corpus/$name") # new inputs go to the first folder
  mkdir -p "${folders[0]}"
  for folder in "fuzz/corpus/$name" "build/fuzz/seeds/$name"; do
    [[ ! -d $folder ]] || folders+=("$folder")
  done
  if "$program" -max_total_time="$seconds" -timeout="$timeout" -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name-" "${folders[@]}" >"$log" 2>&1; then
    echo "fuzz $name: clean, $(sed -n 's/stat::number_of_executed_units: *//p' "$log") runs," \
      "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1) edges in ${seconds} s"
  else
    tail -n 40 "$log"
    echo "fuzz $name: FAILED; the input is in build/fuzz/findings"
    return 1
  fi
}
export -f fuzz_one
export seconds timeout

wanted=()
for program in "${programs[@]}"; do
  name=${program##*/fuzz_}
  if (($# == 0)) || [[ " $* " == *" $name "* ]]; then wanted+=("$program"); fi
done
((${#wanted[@]})) || { echo "fuzz: error: no target of $*; there are: ${programs[*]##*/fuzz_}" >&2; exit 2; }
printf '%s\0' "${wanted[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'fuzz_one "$0"'
