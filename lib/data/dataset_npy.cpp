// One .npy whose first dimension counts samples.
#include "lib/data/feed.h"
#include "lib/data/file_io.h"
#include "lib/data/npy.h"
#include "lib/data/sample_source.h"

#include <algorithm>
#include <filesystem>

namespace burin {
namespace {

class NpySource : public SampleSource {
public:
  NpySource(std::string path, NpyHeader header, size_t samples, Dims sampleShape)
      : path_(std::move(path)), header_(std::move(header)), samples_(samples),
        sampleShape_(std::move(sampleShape)) {}

  // For arrays whose samples do not lie together in the file.
  void keepInMemory(Array array) { whole_ = std::move(array); }

  size_t size() const override { return samples_; }

  Result<std::vector<Array>> load(size_t index, std::span<const InputSpec> inputs, int) const override {
    Array sample;
    sample.type = header_.type;
    sample.shape = sampleShape_;
    uint64_t bytes = header_.dataBytes / samples_, offset = bytes * index;
    if (whole_) {
      auto start = whole_->bytes.begin() + static_cast<ptrdiff_t>(offset);
      sample.bytes.assign(start, start + static_cast<ptrdiff_t>(bytes));
    } else {
      BURIN_ASSIGN(sample.bytes, readFilePart(path_, header_.dataOffset + offset, bytes));
    }
    Result<Array> fitted = fitToInput(std::move(sample), inputs[0]);
    if (!fitted) return fail(inFile(std::move(fitted).error(), files(index)[0]));
    std::vector<Array> out;
    out.push_back(std::move(*fitted));
    return out;
  }

  std::vector<std::string> files(size_t index) const override {
    return {std::filesystem::path(path_).filename().string() + "[" + std::to_string(index) + "]"};
  }

private:
  std::string path_;
  NpyHeader header_;
  size_t samples_;
  Dims sampleShape_;
  std::optional<Array> whole_;
};

Dims tail(const Dims& dims) { return dims.empty() ? dims : Dims(dims.begin() + 1, dims.end()); }

// How many samples of the input's shape an array holds, if any: whole batches along its first dimension, or
// inputs stacked along a new one, or a single sample.
std::optional<int64_t> countSamples(const Dims& stored, const Dims& wanted) {
  if (stored == wanted) return 1;
  if (!wanted.empty() && wanted[0] == 1 && stored == tail(wanted)) return 1;
  if (stored.empty()) return std::nullopt;
  if (tail(stored) == wanted) return stored[0];
  bool sameTail = !wanted.empty() && stored.size() == wanted.size() && tail(stored) == tail(wanted);
  if (sameTail && wanted[0] > 0 && stored[0] % wanted[0] == 0) return stored[0] / wanted[0];
  return std::nullopt;
}

Status checkLength(const std::string& path, const NpyHeader& header) {
  std::error_code error;
  uint64_t bytes = std::filesystem::file_size(path, error);
  if (!error && header.dataOffset + header.dataBytes <= bytes) return {};
  return datasetError(path,
                      "is cut short: shape " + dimsText(header.shape) + " needs " +
                          std::to_string(header.dataBytes) + " bytes of data",
                      "copy or create it again");
}

Result<NpyHeader> headerOfFile(const std::string& path) {
  std::error_code error;
  uint64_t bytes = std::filesystem::file_size(path, error);
  if (error) return datasetError(path, "cannot be read: " + error.message());
  BURIN_ASSIGN(std::vector<uint8_t> start,
               readFilePart(path, 0, std::min<uint64_t>(bytes, kMaxNpyHeaderBytes)));
  Result<NpyHeader> header = readNpyHeader(start);
  if (!header) return fail(inFile(std::move(header).error(), path));
  return header;
}

} // namespace

Result<OpenedSource> openNpySamples(const std::string& path, std::span<const InputSpec> inputs) {
  if (inputs.size() != 1)
    return datasetError(path,
                        "one npy cannot feed the " + std::to_string(inputs.size()) +
                            " inputs of the model: " + inputNames(inputs),
                        "give npz files with these names");
  const InputSpec& input = inputs[0];
  BURIN_ASSIGN(NpyHeader header, headerOfFile(path));
  BURIN_CHECK(checkLength(path, header));
  std::optional<int64_t> samples = countSamples(header.shape, input.shape);
  if (!samples) {
    Array found;
    found.shape = header.shape;
    Result<Array> misfit = fitToInput(std::move(found), input);
    return fail(inFile(std::move(misfit).error(), path));
  }
  if (*samples == 0) return datasetError(path, "holds no samples: shape " + dimsText(header.shape));
  auto source = std::make_shared<NpySource>(path, header, static_cast<size_t>(*samples), input.shape);
  if (header.fortranOrder) {
    BURIN_ASSIGN(Array whole, loadNpy(path));
    source->keepInMemory(std::move(whole));
  }
  return OpenedSource{std::move(source), {}};
}

} // namespace burin
