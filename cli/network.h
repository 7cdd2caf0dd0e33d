// A network to execute, whatever file it comes in.
#pragma once

#include "cli/command.h"

namespace burin::cli {

// True if a flag that only makes sense for a model file is given.
bool anyModelFlag(const ModelFlags& flags);

// A program file, or a model or module compiled to f32 on the fly. `flags` hold for models and modules only;
// an input that has no preprocessing takes that of the same input of `like`, or the default one with a
// warning.
Result<Executable> openExecutable(const std::string& path, const ModelFlags& flags, const CommonFlags& common,
                                  const Executable* like = nullptr, bool readsPictures = true);

// Runs body(worker, sample) for every sample on several threads, samples handed out in order. Each worker is
// used by one thread. The error of the lowest sample that failed stops the rest.
Status forEachSample(size_t samples, int threads, const Progress& progress,
                     const std::function<Status(size_t worker, size_t sample)>& body);

} // namespace burin::cli
