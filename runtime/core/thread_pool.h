// A fixed pool. Work is split by index; every output element is computed by exactly one index, so results do
// not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace burin::rt {

class ThreadPool {
public:
  explicit ThreadPool(int threads); // >= 1; the calling thread is one of them
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls body(begin, end, thread) over a partition of [0, count) in chunks that are multiples of `grain`
  // (last may be short). thread < threads() identifies per-thread scratch. Blocks until all is done. Does not
  // allocate.
  template <class Body>
  void parallelFor(int64_t count, int64_t grain, const Body& body) {
    run(
        count, grain,
        [](const void* b, int64_t begin, int64_t end, int thread) {
          (*static_cast<const Body*>(b))(begin, end, thread);
        },
        &body);
  }

private:
  using Function = void (*)(const void* body, int64_t begin, int64_t end, int thread);
  void run(int64_t count, int64_t grain, Function function, const void* body);

  struct State;
  std::unique_ptr<State> state_;
  int threads_;
};

} // namespace burin::rt
