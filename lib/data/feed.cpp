#include "lib/data/feed.h"

#include "lib/data/file_io.h"
#include "lib/data/image_file.h"
#include "lib/data/npy.h"
#include "lib/data/npz.h"

#include <algorithm>
#include <limits>

namespace burin {
namespace {

// [3,224,224] and [1,3,224,224] hold the same.
Dims withoutBatchOfOne(const Dims& dims) {
  return !dims.empty() && dims[0] == 1 ? Dims(dims.begin() + 1, dims.end()) : dims;
}

// Whether the data have the channels on the other side: the commonest mistake, worth its own words.
bool looksTransposed(const Dims& found, const Dims& wanted) {
  Dims a = withoutBatchOfOne(found), b = withoutBatchOfOne(wanted);
  if (a.size() != 3 || b.size() != 3 || a == b) return false;
  return a == Dims{b[1], b[2], b[0]} || a == Dims{b[2], b[0], b[1]};
}

Status preprocessInto(rt::Preprocessor& preprocessor, const std::string& path,
                      const rt::Preprocess& preprocess, const PictureShape& shape, int view, float* out) {
  BURIN_ASSIGN(Image image, loadImage(path));
  auto error = preprocessor.tensor(image.view(), preprocess, static_cast<int32_t>(shape.height),
                                   static_cast<int32_t>(shape.width), view, out);
  if (error == rt::PreprocessError::None) return {};
  std::string remedy =
      error == rt::PreprocessError::ResizeTooSmall ? "use a larger --resize, or leave it out" : std::string();
  return fail(Error{ErrorCode::Input, path, {}, rt::describe(error), remedy});
}

Result<Array> loadNamedFromNpz(const std::string& path, const InputSpec& input) {
  BURIN_ASSIGN(std::vector<Array> arrays, loadInputsFromNpz(path, {&input, 1}));
  return std::move(arrays[0]);
}

Result<std::vector<Array>> readInputs(const NpzReader& reader, std::span<const InputSpec> inputs) {
  std::vector<Array> out;
  for (const InputSpec& input : inputs) {
    bool onlyOne = inputs.size() == 1 && reader.names().size() == 1;
    BURIN_ASSIGN(Array array, reader.read(onlyOne ? reader.names()[0] : input.name));
    BURIN_ASSIGN(Array fitted, fitToInput(std::move(array), input));
    out.push_back(std::move(fitted));
  }
  return out;
}

template <class Integer>
Array quantized(const Array& real, const InputSpec& input) {
  using Limits = std::numeric_limits<Integer>;
  Array out(input.type, real.shape);
  auto from = real.as<float>();
  auto to = out.as<Integer>();
  for (size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<Integer>(
        rt::quantizeDivide(from[i], *input.affine, Limits::min(), Limits::max(), rt::Rounding::HalfEven));
  return out;
}

// As the input stores it.
Result<Array> stored(Array array, const InputSpec& input) {
  const bool real =
      array.type == ElementType::F32 || array.type == ElementType::F64 || array.type == ElementType::F16;
  if (!input.affine || !real) return convertTo(std::move(array), input.type);
  BURIN_ASSIGN(Array floats, convertTo(std::move(array), ElementType::F32));
  if (input.type == ElementType::I16) return quantized<int16_t>(floats, input);
  return input.type == ElementType::I8 ? quantized<int8_t>(floats, input) : quantized<uint8_t>(floats, input);
}

} // namespace

Result<Array> fitToInput(Array array, const InputSpec& input) {
  bool same = array.shape == input.shape || withoutBatchOfOne(array.shape) == withoutBatchOfOne(input.shape);
  if (!same)
    return fail(Error{
        ErrorCode::Input,
        {},
        input.name,
        "the data have shape " + dimsText(array.shape) + ", the input wants " + dimsText(input.shape),
        looksTransposed(array.shape, input.shape) ? "the channels are on the other side: transpose the data"
                                                  : ""});
  array.shape = input.shape;
  Result<Array> converted = stored(std::move(array), input);
  if (!converted) return fail(atOp(std::move(converted).error(), input.name));
  return converted;
}

DataFileKind dataFileKind(const std::string& path) {
  if (isImagePath(path)) return DataFileKind::Image;
  std::string extension = lowerExtension(path);
  if (extension == "npy") return DataFileKind::Npy;
  if (extension == "npz") return DataFileKind::Npz;
  if (extension == "bin" || extension == "raw") return DataFileKind::Raw;
  return DataFileKind::Other;
}

Result<PictureShape> pictureInput(const InputSpec& input) {
  if (!input.preprocess)
    return fail(
        Error{ErrorCode::Usage,
              {},
              input.name,
              "pictures need preprocessing, and none is set for this input",
              "give --mean and --scale (and --pixel, --fit, --resize where they apply), or feed npy or npz"});
  return checkedPictureShape(input, *input.preprocess);
}

Result<Array> loadPictures(std::span<const std::string> paths, const InputSpec& input, int view) {
  BURIN_ASSIGN(PictureShape shape, pictureInput(input));
  if (static_cast<int64_t>(paths.size()) != shape.batch)
    return fail(Error{ErrorCode::Input, paths.empty() ? "" : paths[0], input.name,
                      "the input takes " + std::to_string(shape.batch) + " pictures at once, not " +
                          std::to_string(paths.size()),
                      "give a directory of pictures, or npy files with whole batches"});
  Array array(ElementType::F32, input.shape);
  rt::Preprocessor preprocessor;
  int64_t pictureValues = array.elementCount() / shape.batch;
  float* out = array.as<float>().data();
  for (size_t i = 0; i < paths.size(); ++i)
    BURIN_CHECK(preprocessInto(preprocessor, paths[i], *input.preprocess, shape, view,
                               out + static_cast<int64_t>(i) * pictureValues));
  Result<Array> converted = stored(std::move(array), input);
  if (!converted) return fail(inFile(atOp(std::move(converted).error(), input.name), paths[0]));
  return converted;
}

Result<std::vector<Array>> loadInputsFromNpz(const std::string& path, std::span<const InputSpec> inputs) {
  BURIN_ASSIGN(std::vector<uint8_t> bytes, readFile(path));
  Result<NpzReader> reader = NpzReader::open(bytes);
  if (!reader) return fail(inFile(std::move(reader).error(), path));
  Result<std::vector<Array>> arrays = readInputs(*reader, inputs);
  if (!arrays) return fail(inFile(std::move(arrays).error(), path));
  return arrays;
}

Result<Array> loadInput(const std::string& path, const InputSpec& input, int view) {
  switch (dataFileKind(path)) {
  case DataFileKind::Image:
    return loadPictures({&path, 1}, input, view);
  case DataFileKind::Npz:
    return loadNamedFromNpz(path, input);
  case DataFileKind::Raw: {
    Result<Array> raw = loadRaw(path, input.type, input.shape);
    if (!raw) return fail(atOp(std::move(raw).error(), input.name));
    return raw;
  }
  case DataFileKind::Npy: {
    BURIN_ASSIGN(Array array, loadNpy(path));
    Result<Array> fitted = fitToInput(std::move(array), input);
    if (!fitted) return fail(inFile(std::move(fitted).error(), path));
    return fitted;
  }
  case DataFileKind::Other:
    break;
  }
  return fail(Error{ErrorCode::Input, path, input.name, "this kind of file cannot feed an input",
                    std::string("known are ") + kDataFileKinds});
}

} // namespace burin
