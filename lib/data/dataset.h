// --data of every command: what the samples are, and the inputs of sample i.
//
// A dataset is one of
//   - a directory of pictures, found by extension in any case, sorted by name (bytes); anything else is
//   ignored;
//     an input with a batch of B takes B pictures per sample, and pictures that fill no batch are left out
//   - a directory of .npz, one sample each, keys = input names; or of .npy for a model with one input
//   - a directory of sub-directories, one sample each, with one file per input named after it (without the
//     extension; '/' and ':' of an input's name are '_' in the file's)
//   - one .npy for a model with one input; its first dimension is samples x batch
//   - one .npz, picture or .bin: a single sample
//   - a .txt list, one sample per line: comma-separated files in the order of the inputs, or one .npz; paths
//   are
//     relative to the list's folder, or else to the working directory; empty lines and lines that begin with
//     '#' are skipped
// Names that begin with a dot are ignored in directories.
#pragma once

#include "lib/data/array.h"
#include "lib/data/input_spec.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace burin {

struct DatasetOptions {
  std::optional<int64_t> samples;      // the first N, after the shuffle; all if absent
  std::optional<uint64_t> shuffleSeed; // see shuffle.h
};

class SampleSource; // one kind of dataset; see sample_source.h

// Immutable once open: any number of threads may load different samples, or the same one, at once.
class Dataset {
public:
  // Looks at names and headers only. Errors say what was found and what was looked for.
  static Result<Dataset> open(const std::string& path, std::vector<InputSpec> inputs,
                              const DatasetOptions& options = {});

  size_t size() const { return order_.size(); }
  const std::vector<InputSpec>& inputs() const { return inputs_; }

  // Of sample `index` (below size()), in the order of the inputs, each of the input's type and shape. `view`
  // selects the cut of pictures (0 centre, 1 to 4 corners). An error, naming the file, for a file that is
  // damaged or does not fit; the caller decides whether to go on without it.
  Result<std::vector<Array>> load(size_t index, int view = 0) const;

  // The sample's files: names relative to the directory, or as the list has them; "data.npy[3]" for part of a
  // file.
  std::vector<std::string> files(size_t index) const;

  // What a person should know although it is no error (pictures left out, fewer samples than asked for).
  const std::vector<std::string>& warnings() const { return warnings_; }

private:
  std::vector<InputSpec> inputs_;
  std::shared_ptr<const SampleSource> source_;
  std::vector<size_t> order_;
  std::vector<std::string> warnings_;
};

} // namespace burin
