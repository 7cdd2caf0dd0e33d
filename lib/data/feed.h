// One file into one input of a model.
#pragma once

#include "lib/data/array.h"
#include "lib/data/input_spec.h"

#include <span>
#include <string>

namespace burin {

// Element type and shape of the input. The shape must be equal, or equal up to a leading batch of one that
// one side lacks; the values must survive the conversion (convertTo()). Errors name the input.
Result<Array> fitToInput(Array array, const InputSpec& input);

// The shape of an input that takes pictures. Errors (ErrorCode::Usage): no preprocessing, or one that does
// not fit.
Result<PictureShape> pictureInput(const InputSpec& input);

// What a file is, by its extension.
enum class DataFileKind { Image, Npy, Npz, Raw, Other };
DataFileKind dataFileKind(const std::string& path);
constexpr const char* kDataFileKinds = "jpg, jpeg, jfif, png, bmp, npy, npz and bin";

// A picture (through input.preprocess), an npy, the array of an npz that bears the input's name, or raw bytes
// (bin, raw) of the input's own type and shape. `view` (0 to 4) selects the cut of a picture. Errors name
// file and input.
Result<Array> loadInput(const std::string& path, const InputSpec& input, int view = 0);

// As many pictures as the input has batches, one after the other.
Result<Array> loadPictures(std::span<const std::string> paths, const InputSpec& input, int view = 0);

// All inputs from one npz, by name. An archive with one array feeds a model with one input whatever the name
// is.
Result<std::vector<Array>> loadInputsFromNpz(const std::string& path, std::span<const InputSpec> inputs);

} // namespace burin
