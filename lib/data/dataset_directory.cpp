// Directories and lists of files as datasets.
#include "lib/data/feed.h"
#include "lib/data/sample_source.h"
#include "lib/support/file.h"

#include <algorithm>
#include <filesystem>

namespace burin {
namespace {

namespace fs = std::filesystem;

struct Listing {
  std::vector<std::string> images, archives, arrays, others, folders; // names, sorted by bytes
};

Result<Listing> listDirectory(const std::string& path) {
  Listing out;
  std::error_code error;
  fs::directory_iterator entries(path, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    std::string name = entries->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.')) continue;
    if (entries->is_directory(ignored)) {
      out.folders.push_back(name);
      continue;
    }
    switch (dataFileKind(name)) {
    case DataFileKind::Image:
      out.images.push_back(name);
      break;
    case DataFileKind::Npz:
      out.archives.push_back(name);
      break;
    case DataFileKind::Npy:
      out.arrays.push_back(name);
      break;
    default:
      out.others.push_back(name);
      break;
    }
  }
  if (error) return datasetError(path, "cannot be listed: " + error.message());
  for (auto* names : {&out.images, &out.archives, &out.arrays, &out.others, &out.folders})
    std::ranges::sort(*names);
  return out;
}

NamedFile inFolder(const std::string& folder, const std::string& name) {
  return {(fs::path(folder) / name).string(), name};
}

Result<OpenedSource> openPictures(const std::string& path, const std::vector<std::string>& names,
                                  std::span<const InputSpec> inputs) {
  if (inputs.size() != 1)
    return datasetError(
        path,
        "a directory of pictures feeds one input, but the model has " + std::to_string(inputs.size()) + ": " +
            inputNames(inputs),
        "give npz files with these names, sub-directories with a file for each, or a txt list");
  const InputSpec& input = inputs[0];
  BURIN_ASSIGN(PictureShape shape, pictureInput(input));
  auto batch = static_cast<size_t>(shape.batch);
  OpenedSource opened;
  std::vector<SampleFiles> samples;
  for (size_t first = 0; first + batch <= names.size(); first += batch) {
    SampleFiles sample;
    sample.inputs.emplace_back();
    for (size_t i = 0; i < batch; ++i) sample.inputs[0].push_back(inFolder(path, names[first + i]));
    samples.push_back(std::move(sample));
  }
  std::string counted = std::to_string(names.size()) + " pictures for batches of " + std::to_string(batch);
  if (samples.empty())
    return datasetError(path, "has " + counted, "add pictures, or import with a batch of 1");
  if (size_t rest = names.size() % batch)
    opened.warnings.push_back(path + ": has " + counted + "; the last " + std::to_string(rest) +
                              " are left out");
  opened.source = makeFileSource(std::move(samples));
  return opened;
}

std::string fileStem(const std::string& name) { return fs::path(name).stem().string(); }

// A file name for an input's name: what a folder or a Windows machine would not take becomes '_'.
std::string asFileName(std::string name) {
  std::ranges::replace_if(name, [](char c) { return c == '/' || c == ':' || c == '\\'; }, '_');
  return name;
}

// The file of one input among the files of a sample's folder.
Result<NamedFile> findInputFile(const std::string& folder, const std::vector<std::string>& names,
                                const InputSpec& input, bool only) {
  std::vector<std::string> found;
  for (const std::string& name : names)
    if (std::string stem = fileStem(name); stem == input.name || stem == asFileName(input.name))
      found.push_back(name);
  if (found.empty() && only && names.size() == 1) found = names;
  if (found.size() == 1) return inFolder(folder, found[0]);
  if (found.empty())
    return datasetError(folder, "has no file for the input '" + input.name + "'",
                        "name one " + asFileName(input.name) +
                            ".npy (or jpg, png, bmp, bin), or, for pictures of "
                            "one input, point --data at the directory that holds them");
  return datasetError(folder, "has more than one file for the input '" + input.name + "': " + found[0] +
                                  ", " + found[1]);
}

Result<OpenedSource> openFolders(const std::string& path, const std::vector<std::string>& folders,
                                 std::span<const InputSpec> inputs) {
  std::vector<SampleFiles> samples;
  for (const std::string& folder : folders) {
    std::string whole = (fs::path(path) / folder).string();
    BURIN_ASSIGN(Listing listing, listDirectory(whole));
    std::vector<std::string> names;
    for (auto* some : {&listing.images, &listing.arrays, &listing.others})
      for (const std::string& name : *some)
        if (dataFileKind(name) != DataFileKind::Other) names.push_back(name);
    SampleFiles sample;
    for (const InputSpec& input : inputs) {
      BURIN_ASSIGN(NamedFile file, findInputFile(whole, names, input, inputs.size() == 1));
      sample.inputs.push_back({{file.path, folder + "/" + file.name}});
    }
    samples.push_back(std::move(sample));
  }
  return OpenedSource{makeFileSource(std::move(samples)), {}};
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

std::vector<std::string> splitAt(const std::string& text, char separator) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(separator, at), text.size());
    out.push_back(trimmed(std::string_view(text).substr(at, end - at)));
    at = end + 1;
  }
  return out;
}

Result<NamedFile> findListed(const std::string& list, size_t line, const std::string& name) {
  std::error_code ignored;
  fs::path beside = fs::path(list).parent_path() / name;
  if (fs::exists(beside, ignored)) return NamedFile{beside.string(), name};
  if (fs::exists(name, ignored)) return NamedFile{name, name};
  return datasetError(list, "line " + std::to_string(line) + ": no such file '" + name + "'",
                      "paths are relative to the list or to the working directory");
}

Result<SampleFiles> sampleOfLine(const std::string& list, size_t line, const std::string& text,
                                 std::span<const InputSpec> inputs) {
  std::vector<std::string> names = splitAt(text, ',');
  SampleFiles sample;
  if (names.size() == 1 && dataFileKind(names[0]) == DataFileKind::Npz) {
    BURIN_ASSIGN(sample.archive, findListed(list, line, names[0]));
    return sample;
  }
  if (names.size() != inputs.size())
    return datasetError(list, "line " + std::to_string(line) + " has " + std::to_string(names.size()) +
                                  " files, but the model has " + std::to_string(inputs.size()) +
                                  " inputs: " + inputNames(inputs));
  for (const std::string& name : names) {
    BURIN_ASSIGN(NamedFile file, findListed(list, line, name));
    sample.inputs.push_back({std::move(file)});
  }
  return sample;
}

} // namespace

Result<OpenedSource> openDirectory(const std::string& path, std::span<const InputSpec> inputs) {
  BURIN_ASSIGN(Listing listing, listDirectory(path));
  if (!listing.images.empty()) return openPictures(path, listing.images, inputs);
  std::vector<SampleFiles> samples;
  if (!listing.archives.empty()) {
    for (const std::string& name : listing.archives) samples.push_back({inFolder(path, name), {}});
    return OpenedSource{makeFileSource(std::move(samples)), {}};
  }
  if (!listing.arrays.empty() && inputs.size() == 1) {
    for (const std::string& name : listing.arrays) samples.push_back({{}, {{inFolder(path, name)}}});
    return OpenedSource{makeFileSource(std::move(samples)), {}};
  }
  if (!listing.folders.empty()) return openFolders(path, listing.folders, inputs);
  size_t files = listing.arrays.size() + listing.others.size();
  return datasetError(
      path,
      files == 0 ? "the directory is empty"
                 : "none of the " + std::to_string(files) + " files here is a picture or an npz",
      "--data takes pictures (jpg, jpeg, jfif, png, bmp), npz files, or a sub-directory per sample");
}

Result<OpenedSource> openList(const std::string& path, std::span<const InputSpec> inputs) {
  BURIN_ASSIGN(std::string text, readTextFile(path));
  std::vector<SampleFiles> samples;
  std::vector<std::string> lines = splitAt(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i].starts_with('#')) continue;
    BURIN_ASSIGN(SampleFiles sample, sampleOfLine(path, i + 1, lines[i], inputs));
    samples.push_back(std::move(sample));
  }
  if (samples.empty()) return datasetError(path, "the list names no files", "write one sample per line");
  return OpenedSource{makeFileSource(std::move(samples)), {}};
}

} // namespace burin
