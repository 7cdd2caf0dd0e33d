#!/usr/bin/env bash
# The runtime alone on other processors: builds it for each, runs INT8 and float programs under qemu with the observer
# on, and compares the hash of every tensor with this machine's. Its unit tests run too where a pointer has 32 bits,
# which no other build of them has. `./dev boards` calls it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=${BURIN_JOBS:-$(nproc)}
zoo=${BURIN_ZOO:-../shared/zoo}
burin=build/release/bin/burin
out=build/boards
unit_tests="runtime_test image_test" # numerics_test needs 128-bit integers

# name, compiler prefix, CMake's name of the processor, unit tests to run, how to run its programs
boards=(
  "host||||"
  "aarch64|aarch64-linux-gnu-|aarch64||qemu-aarch64 -cpu max"
  "armhf|arm-linux-gnueabihf-|armv7l|$unit_tests|qemu-arm -cpu max"
  "riscv64|riscv64-linux-gnu-|riscv64||qemu-riscv64"
  "mipsel|mipsel-linux-gnu-|mipsel|$unit_tests|qemu-mipsel -cpu 74Kf"
)

build_board() { # NAME PREFIX PROCESSOR UNIT_TESTS
  local folder=$out/$1 cross=() tests=OFF
  [[ -z $2 ]] || cross=(-DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=$3")
  [[ -z $4 ]] || tests=ON
  [[ -f $folder/build.ninja ]] || cmake -G Ninja -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DBURIN_HOST=OFF \
    "-DBURIN_TESTS=$tests" -DBURIN_GTEST_SOURCE=/usr/src/googletest "-DCMAKE_C_COMPILER=${2}gcc" \
    "-DCMAKE_CXX_COMPILER=${2}g++" "${cross[@]}" -DCMAKE_EXE_LINKER_FLAGS=-static -DCMAKE_CXX_STANDARD_LIBRARIES=-latomic \
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${BURIN_CCACHE-}" "-DBURIN_FLATBUFFERS_INCLUDE=$PWD/$out/include" >/dev/null
  # Words of the list of unit tests are split on purpose.
  cmake --build "$folder" -j "$jobs" --target burin_runtime $4
  "${2}gcc" -std=c11 -O2 -Wall -Wextra -Werror -Iruntime/include -c tests/boards/run_program.c \
    -o "$folder/run_program.o"
  "${2}g++" -static "$folder/run_program.o" -Wl,--start-group "$folder"/runtime/*.a "$folder"/runtime/*/*.a \
    -Wl,--end-group -pthread -latomic -o "$folder/run_program"
}

quantize() { # NAME MODEL FLAG...
  local name=$1 model=$2
  shift 2
  [[ $out/$name.burin -nt $burin ]] || "$burin" quantize "$model" "$@" --quiet -o "$out/$name.burin"
  programs+=("$name")
}

# What TensorFlow Lite's files bring: 16-bit layers, and layers with a state.
keep_integers() { # NAME SCRIPT ARGUMENT...
  local name=$1 script=$2
  shift 2
  programs+=("$name")
  [[ ! $out/$name.burin -nt $burin ]] || return 0
  /usr/bin/python3 "tests/e2e/$script" "$@" "$out/$name.tflite"
  "$burin" compile "$out/$name.tflite" --precision as-is --target tflite --quiet -o "$out/$name.burin"
}

# Small networks: an emulated processor does about a hundred million multiplications a second.
make_programs() {
  local digits=(--pixel gray --mean 127.5 --scale 0.00784313725490196)
  quantize digits examples/digits/digits.onnx --data examples/digits/calib "${digits[@]}"
  [[ $out/digits_f32.burin -nt $burin ]] || {
    "$burin" import examples/digits/digits.onnx "${digits[@]}" -o "$out/digits.mlir"
    "$burin" compile "$out/digits.mlir" --precision f32 -o "$out/digits_f32.burin"
  }
  programs+=(digits_f32)
  keep_integers lstm tflite_cases.py lstm_int8
  keep_integers svdf tflite_cases.py svdf_int8
  if [[ ! -d $zoo/models ]]; then
    echo "boards: no model zoo at $zoo: only the digits programs are run"
    return
  fi
  sh "$zoo/unpack.sh" build/zoo
  quantize mobilenet_v2 build/zoo/mobilenet_v2_1.0_224_deq_fp32.onnx --data "$zoo/images/imagenet200" --samples 8 \
    --pixel rgb --mean 128 --scale 0.0078125 --fit crop --resize 256
  quantize ultraface "$zoo/models/onnx/version-RFB-320.onnx" --data "$zoo/images/wider40" --samples 8 \
    --pixel rgb --mean 127 --scale 0.0078125
  quantize cifar_resnet20 "$zoo/models/onnx/cifar_resnet20_fp32.onnx" --data "$zoo/images/coco100" --samples 8 \
    --pixel rgb --mean 123.675,116.28,103.53 --scale 0.01712475,0.017507,0.01742919
  keep_integers keywords16 tflite_cases16.py "$zoo/models/tflite/kws_ref_model.tflite"
}

compare_board() { # NAME EMULATOR
  local name=$1 program result=0 seconds
  for program in "${programs[@]}"; do
    seconds=$SECONDS
    # Words of the emulator's command are split on purpose.
    $2 "$out/$name/run_program" "$out/$program.burin" >"$out/$name/$program.txt" || { result=1; continue; }
    if cmp -s "$out/host/$program.txt" "$out/$name/$program.txt"; then
      echo "boards: $name $program: $(wc -l <"$out/$name/$program.txt") tensors equal, $((SECONDS - seconds)) s"
    else
      echo "boards: $name $program: DIFFERS, first at"
      diff "$out/host/$program.txt" "$out/$name/$program.txt" | head -n 4
      result=1
    fi
  done
  return $result
}

test_board() { # NAME EMULATOR UNIT_TEST...
  local name=$1 emulator=$2 test result=0 seconds
  shift 2
  for test in "$@"; do
    seconds=$SECONDS
    if $emulator "$(find "$out/$name" -name "$test" -type f)" --gtest_brief=1 >"$out/$name/$test.txt" 2>&1; then
      echo "boards: $name $test: $(sed -n "s|.*PASSED *. \(.*\)\.|\1|p" "$out/$name/$test.txt") passed, $((SECONDS - seconds)) s"
    else
      tail -n 20 "$out/$name/$test.txt"
      echo "boards: $name $test: FAILED"
      result=1
    fi
  done
  return $result
}

# Cross compilers do not search /usr/include; a folder with FlatBuffers' headers alone keeps the host's libc out.
mkdir -p "$out/include"
ln -sfn /usr/include/flatbuffers "$out/include/flatbuffers"
for board in "${boards[@]}"; do
  IFS='|' read -r name prefix processor tests _ <<<"$board"
  build_board "$name" "$prefix" "$processor" "$tests"
done
programs=()
make_programs
failed=0
for board in "${boards[@]}"; do
  IFS='|' read -r name _ _ tests emulator <<<"$board"
  compare_board "$name" "$emulator" || failed=1
  # As above.
  test_board "$name" "$emulator" $tests || failed=1
done
exit $failed
