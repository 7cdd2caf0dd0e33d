// The C API over Program and Session.
#include "burin/runtime.h"

#include "runtime/core/session.h"

#include <cstring>

using namespace burin::rt;

struct burin_program {
  std::unique_ptr<Program> program;
};
struct burin_session {
  std::unique_ptr<Session> session;
  burin_observer observer = nullptr;
  void* user = nullptr;
};
struct burin_observed {
  const Tensor* tensor;
};

namespace {
// A fixed buffer per thread: setting an error must not allocate while running.
thread_local char lastError[512] = "";

burin_status failed(burin_status status, const std::string& message) {
  size_t n = message.size() < sizeof lastError - 1 ? message.size() : sizeof lastError - 1;
  memcpy(lastError, message.data(), n);
  lastError[n] = 0;
  return status;
}
burin_status invalid(const char* message) { return failed(BURIN_INVALID_ARGUMENT, message); }

void fillInfo(const Tensor& t, burin_tensor_info* info) {
  info->name = t.name.c_str();
  info->dtype = static_cast<burin_dtype>(t.type.dtype);
  info->rank = t.type.shape.rank;
  for (int i = 0; i < kMaxRank; ++i) info->shape[i] = i < t.type.shape.rank ? t.type.shape[i] : 1;
  info->elements = t.type.shape.elements();
  info->scale_count = static_cast<int32_t>(t.quant.scale.size());
  info->scale = t.quant.scale.empty() ? nullptr : t.quant.scale.data();
  info->zero_point = t.quant.zeroPoint.empty() ? nullptr : t.quant.zeroPoint.data();
  info->scale_axis = t.quant.axis;
}
size_t bytesOf(const Tensor& t) {
  return static_cast<size_t>(t.type.shape.elements()) * dtypeBytes(t.type.dtype);
}
bool inRange(int32_t index, const std::vector<int>& list) {
  return index >= 0 && static_cast<size_t>(index) < list.size();
}
} // namespace

extern "C" {

const char* burin_last_error(void) { return lastError; }

burin_status burin_program_open(const char* path, burin_program** program) {
  if (!path || !program) return invalid("path or program is null");
  std::string error;
  bool readFailed = false;
  auto loaded = Program::open(path, error, readFailed);
  if (!loaded)
    return failed(readFailed ? BURIN_CANNOT_READ : BURIN_INVALID_PROGRAM, std::string(path) + ": " + error);
  *program = new burin_program{std::move(loaded)};
  return BURIN_OK;
}

burin_status burin_program_open_memory(const void* data, size_t size, burin_program** program) {
  if (!data || !program) return invalid("data or program is null");
  std::string error;
  auto loaded = Program::openMemory(data, size, error);
  if (!loaded) return failed(BURIN_INVALID_PROGRAM, error);
  *program = new burin_program{std::move(loaded)};
  return BURIN_OK;
}

void burin_program_close(burin_program* program) { delete program; }
int32_t burin_program_net_count(const burin_program* program) {
  return program ? program->program->netCount() : 0;
}

burin_status burin_session_create(const burin_program* program, int32_t net, const burin_options* options,
                                  burin_session** session) {
  if (!program || !session) return invalid("program or session is null");
  if (net < 0 || net >= program->program->netCount()) return invalid("no such network");
  KernelConfig config;
  bool reference = options && options->kernels == BURIN_KERNELS_REFERENCE;
  config.isa = reference ? Isa::Reference : detectIsa();
  config.threads = options && options->threads > 0 ? options->threads : 1;
  if (config.threads > 256) return invalid("more than 256 threads");
  std::string error;
  bool outOfMemory = false;
  auto made = Session::create(program->program->net(net), config, error, outOfMemory);
  if (!made) return failed(outOfMemory ? BURIN_OUT_OF_MEMORY : BURIN_INVALID_PROGRAM, error);
  *session = new burin_session{std::move(made)};
  return BURIN_OK;
}

void burin_session_destroy(burin_session* session) { delete session; }

int32_t burin_session_input_count(const burin_session* s) {
  return s ? static_cast<int32_t>(s->session->graph().inputs.size()) : 0;
}
int32_t burin_session_output_count(const burin_session* s) {
  return s ? static_cast<int32_t>(s->session->graph().outputs.size()) : 0;
}

burin_status burin_session_input_info(const burin_session* s, int32_t index, burin_tensor_info* info) {
  if (!s || !info || !inRange(index, s->session->graph().inputs)) return invalid("no such input");
  fillInfo(s->session->input(index), info);
  return BURIN_OK;
}

burin_status burin_session_output_info(const burin_session* s, int32_t index, burin_tensor_info* info) {
  if (!s || !info || !inRange(index, s->session->graph().outputs)) return invalid("no such output");
  fillInfo(s->session->output(index), info);
  return BURIN_OK;
}

burin_status burin_session_set_input(burin_session* s, int32_t index, const void* data, size_t bytes) {
  if (!s || !data || !inRange(index, s->session->graph().inputs))
    return invalid("no such input or data is null");
  Tensor& t = s->session->input(index);
  if (bytes != bytesOf(t)) return invalid("the buffer's size is not the input's");
  writeRowMajor(data, t);
  return BURIN_OK;
}

burin_status burin_session_get_output(const burin_session* s, int32_t index, void* data, size_t bytes) {
  if (!s || !data || !inRange(index, s->session->graph().outputs))
    return invalid("no such output or data is null");
  const Tensor& t = s->session->output(index);
  if (bytes != bytesOf(t)) return invalid("the buffer's size is not the output's");
  readRowMajor(t, data);
  return BURIN_OK;
}

burin_status burin_session_run(burin_session* session) {
  if (!session) return invalid("session is null");
  std::string error;
  return session->session->run(error) ? BURIN_OK : failed(BURIN_INVALID_DATA, error);
}

burin_status burin_session_set_observer(burin_session* session, burin_observer observer, void* user) {
  if (!session) return invalid("session is null");
  session->observer = observer;
  session->user = user;
  auto forward = [](void* self, const Tensor& tensor) {
    auto* s = static_cast<burin_session*>(self);
    burin_observed observed{&tensor};
    s->observer(s->user, &observed);
  };
  session->session->setObserver(observer ? +forward : nullptr, session);
  return BURIN_OK;
}

burin_status burin_observed_info(const burin_observed* observed, burin_tensor_info* info) {
  if (!observed || !info) return invalid("observed or info is null");
  fillInfo(*observed->tensor, info);
  return BURIN_OK;
}

burin_status burin_observed_read(const burin_observed* observed, void* data, size_t bytes) {
  if (!observed || !data || bytes != bytesOf(*observed->tensor))
    return invalid("the buffer's size is not the tensor's");
  readRowMajor(*observed->tensor, data);
  return BURIN_OK;
}

burin_status burin_session_memory(const burin_session* s, uint64_t* arena, uint64_t* scratch,
                                  uint64_t* packed) {
  if (!s) return invalid("session is null");
  if (arena) *arena = s->session->arenaBytes();
  if (scratch) *scratch = s->session->scratchBytes();
  if (packed) *packed = s->session->packedBytes();
  return BURIN_OK;
}

} // extern "C"
