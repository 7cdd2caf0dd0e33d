/* Burin's runtime: opens a .burin program, verifies it completely, runs it.
 *
 * Plain C, no exceptions, no global state. A program is immutable and may be shared by threads; a session is
 * used by one thread at a time (it has its own worker threads). Nothing is allocated while a session runs.
 *
 * Every function that can fail returns a burin_status; burin_last_error() then tells what was wrong (per
 * thread).
 */
#ifndef BURIN_RUNTIME_H
#define BURIN_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum burin_status {
  BURIN_OK = 0,
  BURIN_INVALID_ARGUMENT = 1, /* a null pointer, an index out of range, a wrong buffer size */
  BURIN_CANNOT_READ = 2,      /* the file does not exist or cannot be mapped */
  BURIN_INVALID_PROGRAM = 3,  /* not a program, damaged, or made for a newer runtime */
  BURIN_OUT_OF_MEMORY = 4,
  BURIN_INVALID_DATA = 5 /* an op met data it cannot work on (an index out of range) */
} burin_status;

typedef enum burin_dtype {
  BURIN_F32 = 0,
  BURIN_F16,
  BURIN_BF16,
  BURIN_I8,
  BURIN_U8,
  BURIN_I16,
  BURIN_U16,
  BURIN_I32,
  BURIN_U32,
  BURIN_I64,
  BURIN_U64,
  BURIN_BOOL
} burin_dtype;

typedef enum burin_kernels {
  BURIN_KERNELS_AUTO = 0,     /* the fastest of this machine; same bits as the reference */
  BURIN_KERNELS_REFERENCE = 1 /* the readable definition of every op */
} burin_kernels;

typedef struct burin_program burin_program;
typedef struct burin_session burin_session;

/* A tensor as the source model knows it: name, shape (NCHW order), element type. Pointers live as long as the
 * session. */
typedef struct burin_tensor_info {
  const char* name;
  burin_dtype dtype;
  int32_t rank;
  int64_t shape[8];
  int64_t elements;
  const float*
      scale; /* scale_count values, null if the tensor is not quantized: real = (q - zero_point) * scale */
  const int32_t* zero_point;
  int32_t scale_count;
  int32_t scale_axis; /* axis of the scales, -1 for one scale */
} burin_tensor_info;

typedef struct burin_options {
  int32_t threads; /* >= 1; 0 = 1 */
  burin_kernels kernels;
} burin_options;

/* Text of the last error of this thread; never null. */
const char* burin_last_error(void);

/* Maps and verifies a file. */
burin_status burin_program_open(const char* path, burin_program** program);
/* The same on memory that stays valid and unchanged while the program lives (64-byte aligned, else it is
 * copied). */
burin_status burin_program_open_memory(const void* data, size_t size, burin_program** program);
void burin_program_close(burin_program* program);
int32_t burin_program_net_count(const burin_program* program);

/* Prepares a network: picks kernels, packs weights, allocates its arena. The program must outlive the
 * session. */
burin_status burin_session_create(const burin_program* program, int32_t net, const burin_options* options,
                                  burin_session** session);
void burin_session_destroy(burin_session* session);

int32_t burin_session_input_count(const burin_session* session);
int32_t burin_session_output_count(const burin_session* session);
burin_status burin_session_input_info(const burin_session* session, int32_t index, burin_tensor_info* info);
burin_status burin_session_output_info(const burin_session* session, int32_t index, burin_tensor_info* info);

/* Copies elements in row-major order of the logical shape; `bytes` must be exactly the tensor's. */
burin_status burin_session_set_input(burin_session* session, int32_t index, const void* data, size_t bytes);
burin_status burin_session_get_output(const burin_session* session, int32_t index, void* data, size_t bytes);

burin_status burin_session_run(burin_session* session);

/* Called after each op for each tensor it made, and for inputs before the first op. The observer may call
 * burin_observed_read during the call only (arena memory is reused later). */
typedef struct burin_observed burin_observed;
typedef void (*burin_observer)(void* user, const burin_observed* tensor);
burin_status burin_session_set_observer(burin_session* session, burin_observer observer, void* user);
burin_status burin_observed_info(const burin_observed* tensor, burin_tensor_info* info);
/* Row-major elements of the observed tensor. */
burin_status burin_observed_read(const burin_observed* tensor, void* data, size_t bytes);

/* Memory in bytes: activations, kernel scratch, packed weights. */
burin_status burin_session_memory(const burin_session* session, uint64_t* arena, uint64_t* scratch,
                                  uint64_t* packed);

#ifdef __cplusplus
}
#endif
#endif
