#include "lib/data/dataset.h"

#include "lib/data/feed.h"
#include "lib/data/file_io.h"
#include "lib/data/sample_source.h"
#include "lib/data/shuffle.h"

#include <filesystem>
#include <numeric>

namespace burin {
namespace {

namespace fs = std::filesystem;

class FileSource : public SampleSource {
public:
  explicit FileSource(std::vector<SampleFiles> samples) : samples_(std::move(samples)) {}

  size_t size() const override { return samples_.size(); }

  Status check(std::span<const InputSpec> inputs) const override {
    for (const SampleFiles& sample : samples_)
      for (size_t i = 0; i < sample.inputs.size(); ++i)
        if (dataFileKind(sample.inputs[i][0].path) == DataFileKind::Image)
          BURIN_CHECK(pictureInput(inputs[i]));
    return {};
  }

  Result<std::vector<Array>> load(size_t index, std::span<const InputSpec> inputs, int view) const override {
    const SampleFiles& sample = samples_[index];
    if (sample.archive) return loadInputsFromNpz(sample.archive->path, inputs);
    std::vector<Array> arrays;
    for (size_t i = 0; i < inputs.size(); ++i) {
      BURIN_ASSIGN(Array array, loadFiles(sample.inputs[i], inputs[i], view));
      arrays.push_back(std::move(array));
    }
    return arrays;
  }

  std::vector<std::string> files(size_t index) const override {
    const SampleFiles& sample = samples_[index];
    if (sample.archive) return {sample.archive->name};
    std::vector<std::string> names;
    for (const auto& files : sample.inputs)
      for (const NamedFile& file : files) names.push_back(file.name);
    return names;
  }

private:
  static Result<Array> loadFiles(const std::vector<NamedFile>& files, const InputSpec& input, int view) {
    if (files.size() == 1) return loadInput(files[0].path, input, view);
    std::vector<std::string> paths;
    paths.reserve(files.size());
    for (const NamedFile& file : files) paths.push_back(file.path);
    return loadPictures(paths, input, view);
  }

  std::vector<SampleFiles> samples_;
};

Result<OpenedSource> openSingleFile(const std::string& path, std::span<const InputSpec> inputs) {
  NamedFile file{path, fs::path(path).filename().string()};
  SampleFiles sample;
  switch (dataFileKind(path)) {
  case DataFileKind::Npy:
    return openNpySamples(path, inputs);
  case DataFileKind::Npz:
    sample.archive = file;
    break;
  case DataFileKind::Image:
  case DataFileKind::Raw:
    if (inputs.size() != 1)
      return datasetError(path,
                          "one file cannot feed the " + std::to_string(inputs.size()) +
                              " inputs of the model: " + inputNames(inputs),
                          "give an npz with these names");
    sample.inputs.push_back({file});
    break;
  case DataFileKind::Other:
    if (lowerExtension(path) == "txt") return openList(path, inputs);
    return datasetError(path, "is not a kind of file that holds samples",
                        std::string("give a directory, a txt list, or one of ") + kDataFileKinds);
  }
  return OpenedSource{makeFileSource({sample}), {}};
}

Result<OpenedSource> openSource(const std::string& path, std::span<const InputSpec> inputs) {
  if (inputs.empty()) return fail(ErrorCode::Input, "the model has no inputs to feed");
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return datasetError(path, "no such file or directory", "check --data");
  return fs::is_directory(status) ? openDirectory(path, inputs) : openSingleFile(path, inputs);
}

} // namespace

std::shared_ptr<const SampleSource> makeFileSource(std::vector<SampleFiles> samples) {
  return std::make_shared<FileSource>(std::move(samples));
}

tl::unexpected<Error> datasetError(const std::string& path, const std::string& message,
                                   const std::string& remedy) {
  return fail(Error{ErrorCode::Input, path, {}, message, remedy});
}

std::string inputNames(std::span<const InputSpec> inputs) {
  std::string out;
  for (const InputSpec& input : inputs) out += (out.empty() ? "" : ", ") + input.name;
  return out;
}

Result<Dataset> Dataset::open(const std::string& path, std::vector<InputSpec> inputs,
                              const DatasetOptions& options) {
  if (options.samples && *options.samples <= 0)
    return fail(ErrorCode::Usage,
                "--samples " + std::to_string(*options.samples) + " is not a positive number");
  BURIN_ASSIGN(OpenedSource opened, openSource(path, inputs));
  BURIN_CHECK(opened.source->check(inputs));
  Dataset dataset;
  dataset.inputs_ = std::move(inputs);
  dataset.source_ = std::move(opened.source);
  dataset.warnings_ = std::move(opened.warnings);
  dataset.order_.resize(dataset.source_->size());
  std::iota(dataset.order_.begin(), dataset.order_.end(), size_t{0});
  if (options.shuffleSeed) shuffle(dataset.order_, *options.shuffleSeed);
  if (options.samples) {
    auto wanted = static_cast<uint64_t>(*options.samples);
    if (wanted > dataset.order_.size())
      dataset.warnings_.push_back(path + ": has " + std::to_string(dataset.order_.size()) +
                                  " samples, not the " + std::to_string(wanted) + " asked for");
    else
      dataset.order_.resize(wanted);
  }
  return dataset;
}

Result<std::vector<Array>> Dataset::load(size_t index, int view) const {
  return source_->load(order_[index], inputs_, view);
}

std::vector<std::string> Dataset::files(size_t index) const { return source_->files(order_[index]); }

} // namespace burin
