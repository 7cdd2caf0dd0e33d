// The kinds of datasets behind Dataset.
#pragma once

#include "lib/data/array.h"
#include "lib/data/input_spec.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace burin {

class SampleSource {
public:
  virtual ~SampleSource() = default;
  virtual size_t size() const = 0;
  // What makes every sample of this kind fail is found here, before the first is loaded.
  virtual Status check(std::span<const InputSpec>) const { return {}; }
  virtual Result<std::vector<Array>> load(size_t index, std::span<const InputSpec> inputs,
                                          int view) const = 0;
  virtual std::vector<std::string> files(size_t index) const = 0;
};

struct OpenedSource {
  std::shared_ptr<const SampleSource> source;
  std::vector<std::string> warnings;
};

struct NamedFile {
  std::string path; // to open it
  std::string name; // to speak of it
};

// One sample: an npz with every input, or the files of each input.
struct SampleFiles {
  std::optional<NamedFile> archive;
  std::vector<std::vector<NamedFile>> inputs; // one file each; as many pictures as the input has batches
};
std::shared_ptr<const SampleSource> makeFileSource(std::vector<SampleFiles> samples);

Result<OpenedSource> openDirectory(const std::string& path, std::span<const InputSpec> inputs);
Result<OpenedSource> openList(const std::string& path, std::span<const InputSpec> inputs);
Result<OpenedSource> openNpySamples(const std::string& path, std::span<const InputSpec> inputs);

// ErrorCode::Input, naming the dataset.
tl::unexpected<Error> datasetError(const std::string& path, const std::string& message,
                                   const std::string& remedy = {});
std::string inputNames(std::span<const InputSpec> inputs); // "a, b"

} // namespace burin
