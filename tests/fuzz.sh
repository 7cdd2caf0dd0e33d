#!/usr/bin/env bash
# Builds the libFuzzer targets (ASan + UBSan) and runs each for SECONDS: tests/fuzz.sh [SECONDS] [NAME...]
# Seeds: fuzz/corpus/NAME, if there. New inputs are kept in build/fuzz/corpus/NAME, findings in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true
jobs=${BURIN_JOBS:-$(nproc)}
export ASAN_OPTIONS=${ASAN_OPTIONS:-allow_user_poisoning=0:detect_container_overflow=0}

[[ -f build/fuzz/build.ninja ]] || cmake --preset fuzz >/dev/null
cmake --build build/fuzz -j "$jobs" --target burin_fuzzers

mapfile -t programs < <(find build/fuzz/fuzz -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x | sort)
((${#programs[@]})) || { echo "fuzz: error: build/fuzz/fuzz has no fuzz_* program" >&2; exit 1; }

fuzz_one() {
  local program=$1 name=${1##*/fuzz_} log corpus findings=build/fuzz/findings
  corpus=build/fuzz/corpus/$name log=build/fuzz/$name.log
  mkdir -p "$corpus" "$findings"
  local folders=("$corpus")
  [[ ! -d fuzz/corpus/$name ]] || folders+=("fuzz/corpus/$name")
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="$findings/$name-" "${folders[@]}" >"$log" 2>&1; then
    echo "fuzz $name: clean, $(sed -n 's/stat::number_of_executed_units: *//p' "$log") runs in ${seconds} s"
  else
    tail -n 40 "$log"
    echo "fuzz $name: FAILED; the input is in $findings"
    return 1
  fi
}
export -f fuzz_one
export seconds

wanted=()
for program in "${programs[@]}"; do
  name=${program##*/fuzz_}
  if (($# == 0)) || [[ " $* " == *" $name "* ]]; then wanted+=("$program"); fi
done
((${#wanted[@]})) || { echo "fuzz: error: no target of $*; there are: ${programs[*]##*/fuzz_}" >&2; exit 2; }
printf '%s\0' "${wanted[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'fuzz_one "$0"'
