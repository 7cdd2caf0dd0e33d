// numpy's .npy format, versions 1 to 3 (numpy.lib.format). Little endian only; structured, text, complex and
// object arrays are refused.
#pragma once

#include "lib/data/array.h"

#include <span>
#include <string>
#include <vector>

namespace burin {

struct NpyHeader {
  ElementType type = ElementType::F32;
  Dims shape;
  bool fortranOrder = false; // columns first, as stored
  uint64_t dataOffset = 0;   // bytes before the first element
  uint64_t dataBytes = 0;    // of all elements
};

// The longest header accepted, including the magic.
constexpr size_t kMaxNpyHeaderBytes = 64 * 1024;

// From the first bytes of a file; kMaxNpyHeaderBytes of them always suffice.
Result<NpyHeader> readNpyHeader(std::span<const uint8_t> start);

// A whole file. Fortran order is converted to C order. Bytes after the data are ignored, as numpy does.
Result<Array> readNpy(std::span<const uint8_t> file);
Result<Array> loadNpy(const std::string& path);

// C order from bytes in the order and type of the header.
Array arrayFromNpyData(const NpyHeader& header, std::vector<uint8_t> data);

// Version 1, byte for byte what numpy.save writes.
std::vector<uint8_t> writeNpy(const Array& array);
Status saveNpy(const std::string& path, const Array& array);

// Elements as they lie in memory, without any header: the file must have exactly their size.
Result<Array> loadRaw(const std::string& path, ElementType type, const Dims& shape);

} // namespace burin
