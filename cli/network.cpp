#include "cli/network.h"

#include "lib/prepare/prepare.h"

#include <atomic>
#include <mutex>
#include <thread>

namespace burin::cli {

bool anyModelFlag(const ModelFlags& f) {
  return !f.inputShapes.empty() || !f.weights.empty() || !f.inputs.empty() || !f.outputs.empty() ||
         f.preprocess.any() || f.overridePreprocess;
}

namespace {
Status copyPreprocess(nn::GraphOp graph, const Executable& like) {
  BURIN_ASSIGN(std::vector<InputSpec> specs, inputSpecs(graph));
  for (size_t i = 0; i < specs.size() && i < like.inputs().size(); ++i)
    if (!specs[i].preprocess && like.inputs()[i].preprocess)
      storePreprocess(graph, specs[i].name, *like.inputs()[i].preprocess);
  return {};
}
} // namespace

Result<Executable> openExecutable(const std::string& path, const ModelFlags& flags, const CommonFlags& common,
                                  const Executable* like, bool readsPictures) {
  if (Executable::isProgramFile(path)) return Executable::open(path);
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(path, flags, common));
  if (like) BURIN_CHECK(copyPreprocess(module.graph(), *like));
  for (const std::string& note : assumePreprocess(module.graph()))
    if (readsPictures) common.warn(path + ": " + note);
  BURIN_CHECK(prepare(*module.op));
  auto compiled = compileNetwork(*module.op, {});
  if (!compiled) return tl::unexpected(inFile(compiled.error(), path));
  return Executable::fromProgram(compiled->program);
}

Status forEachSample(size_t samples, int threads, const Progress& progress,
                     const std::function<Status(size_t worker, size_t sample)>& body) {
  std::atomic<size_t> next{0}, failed{samples};
  std::mutex mutex;
  size_t done = 0;
  Error error;
  auto work = [&](size_t worker) {
    for (size_t sample; (sample = next++) < std::min(samples, failed.load());) {
      Status status = body(worker, sample);
      std::lock_guard lock(mutex);
      if (!status && sample < failed) failed = sample, error = status.error();
      ++done;
      if (progress && status) progress(done, samples);
    }
  };
  std::vector<std::thread> others;
  for (size_t worker = 1; worker < std::min(static_cast<size_t>(threads), samples); ++worker)
    others.emplace_back(work, worker);
  work(0);
  for (std::thread& t : others) t.join();
  if (failed < samples) return fail(error);
  return {};
}

} // namespace burin::cli
