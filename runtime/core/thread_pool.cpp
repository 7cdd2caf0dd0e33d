#include "runtime/core/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace burin::rt {

namespace {
// One turn of a short wait. Not the scheduler's yield: on a busy machine each of those hands a whole time
// slice to somebody else.
void waitBriefly() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
  __asm__ volatile("yield" ::: "memory");
#else
  __asm__ volatile("" ::: "memory");
#endif
}
} // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;
  std::atomic<uint32_t> generation{0}; // counts jobs; workers spin on it a little before sleeping
  std::atomic<int> pending{0};         // workers that have not finished the current job
  bool stop = false;

  Function function = nullptr;
  const void* body = nullptr;
  int64_t chunks = 0, grain = 1, count = 0;
  int threads = 1;

  // Thread t takes chunks [t*chunks/threads, (t+1)*chunks/threads): a static split, no shared counter.
  void work(int thread) const {
    int64_t begin = chunks * thread / threads * grain, end = chunks * (thread + 1) / threads * grain;
    if (end > count) end = count;
    if (begin < end) function(body, begin, end, thread);
  }

  void loop(int thread) {
    uint32_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < 4000 && generation.load(std::memory_order_acquire) == seen; ++spin)
        waitBriefly();
      {
        std::unique_lock<std::mutex> lock(mutex);
        wake.wait(lock, [&] { return stop || generation.load(std::memory_order_acquire) != seen; });
        if (stop) return;
      }
      seen = generation.load(std::memory_order_acquire);
      work(thread);
      pending.fetch_sub(1, std::memory_order_acq_rel);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(new State), threads_(threads < 1 ? 1 : threads) {
  state_->threads = threads_;
  for (int t = 1; t < threads_; ++t) state_->workers.emplace_back([this, t] { state_->loop(t); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

void ThreadPool::run(int64_t count, int64_t grain, Function function, const void* body) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  int64_t chunks = (count + grain - 1) / grain;
  if (threads_ == 1 || chunks == 1) {
    function(body, 0, count, 0);
    return;
  }
  State& s = *state_;
  {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.function = function;
    s.body = body;
    s.count = count;
    s.grain = grain;
    s.chunks = chunks;
    s.pending.store(threads_ - 1, std::memory_order_relaxed);
    s.generation.fetch_add(1, std::memory_order_release);
  }
  s.wake.notify_all();
  s.work(0);
  for (int spin = 0; s.pending.load(std::memory_order_acquire) != 0; ++spin)
    spin < 20000 ? waitBriefly() : std::this_thread::yield();
}

} // namespace burin::rt
