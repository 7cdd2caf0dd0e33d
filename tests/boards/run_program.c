/* Runs a program on the bare runtime and prints one line per tensor, in the order of computation:
 *
 *     run_program PROGRAM.burin [--reference] [--threads N] [INPUT.bin ...]
 *     <name> <dtype> <elements> <FNV-1a hash of the stored bytes, row-major>
 *
 * Two machines agree if the lines do. Inputs that are not given are filled with the same pattern everywhere.
 */
#include "burin/runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t dtypeBytes[] = {4, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8, 1};

static void check(burin_status status, const char* what) {
  if (status == BURIN_OK) return;
  fprintf(stderr, "run_program: error: %s: %s\n", what, burin_last_error());
  exit(1);
}

static void* allocate(size_t bytes) {
  void* memory = malloc(bytes ? bytes : 1);
  if (!memory) {
    fprintf(stderr, "run_program: error: no memory for %lu bytes\n", (unsigned long)bytes);
    exit(1);
  }
  return memory;
}

static size_t tensorBytes(const burin_tensor_info* info) {
  return (size_t)info->elements * dtypeBytes[info->dtype];
}

static uint64_t hashBytes(const unsigned char* bytes, size_t count) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < count; ++i) hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
  return hash;
}

static void printTensor(void* user, const burin_observed* tensor) {
  burin_tensor_info info;
  (void)user;
  check(burin_observed_info(tensor, &info), "observer");
  size_t bytes = tensorBytes(&info);
  unsigned char* data = allocate(bytes);
  check(burin_observed_read(tensor, data, bytes), info.name);
  printf("%s %d %" PRId64 " %016" PRIx64 "\n", info.name, (int)info.dtype, info.elements,
         hashBytes(data, bytes));
  free(data);
}

/* Floats become exact multiples of 1/128 in -1..1, integers any byte: no rounding, so equal on every machine.
 */
static void fillPattern(void* data, const burin_tensor_info* info) {
  uint32_t state = 1;
  for (int64_t i = 0; i < info->elements; ++i) {
    state = state * 1664525u + 1013904223u;
    if (info->dtype == BURIN_F32)
      ((float*)data)[i] = (float)((int)(state >> 24) - 128) / 128.0f;
    else
      memset((char*)data + (size_t)i * dtypeBytes[info->dtype],
             info->dtype < BURIN_I32 ? (int)(state >> 24) : 0, dtypeBytes[info->dtype]);
  }
}

static void readFile(const char* path, void* data, size_t bytes) {
  FILE* file = fopen(path, "rb");
  if (!file || fread(data, 1, bytes, file) != bytes || fgetc(file) != EOF) {
    fprintf(stderr, "run_program: error: %s: cannot be read, or is not of %lu bytes\n", path,
            (unsigned long)bytes);
    exit(1);
  }
  fclose(file);
}

static void setInput(burin_session* session, int32_t index, const char* path) {
  burin_tensor_info info;
  check(burin_session_input_info(session, index, &info), "input");
  size_t bytes = tensorBytes(&info);
  void* data = allocate(bytes);
  if (path)
    readFile(path, data, bytes);
  else
    fillPattern(data, &info);
  check(burin_session_set_input(session, index, data, bytes), info.name);
  free(data);
}

int main(int argc, char** argv) {
  burin_options options = {1, BURIN_KERNELS_AUTO};
  const char* programPath = NULL;
  const char** inputs = allocate(sizeof(char*) * (size_t)argc);
  int inputCount = 0;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--reference") == 0)
      options.kernels = BURIN_KERNELS_REFERENCE;
    else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
      options.threads = atoi(argv[++i]);
    else if (!programPath)
      programPath = argv[i];
    else
      inputs[inputCount++] = argv[i];
  }
  if (!programPath) {
    fprintf(stderr, "usage: run_program PROGRAM.burin [--reference] [--threads N] [INPUT.bin ...]\n");
    return 2;
  }
  burin_program* program = NULL;
  burin_session* session = NULL;
  check(burin_program_open(programPath, &program), programPath);
  check(burin_session_create(program, 0, &options, &session), programPath);
  for (int32_t i = 0; i < burin_session_input_count(session); ++i)
    setInput(session, i, i < inputCount ? inputs[i] : NULL);
  check(burin_session_set_observer(session, printTensor, NULL), "observer");
  check(burin_session_run(session), programPath);
  burin_session_destroy(session);
  burin_program_close(program);
  free(inputs);
  return 0;
}
