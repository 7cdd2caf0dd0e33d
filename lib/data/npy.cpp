#include "lib/data/npy.h"

#include "lib/data/file_io.h"
#include "lib/support/file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace burin {
namespace {

constexpr uint8_t kMagic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr size_t kMaxRank = 32;

struct Descriptor {
  const char* text; // as numpy writes it
  ElementType type;
};
constexpr std::array<Descriptor, 12> kDescriptors = {{{"<f2", ElementType::F16},
                                                      {"<f4", ElementType::F32},
                                                      {"<f8", ElementType::F64},
                                                      {"|i1", ElementType::I8},
                                                      {"<i2", ElementType::I16},
                                                      {"<i4", ElementType::I32},
                                                      {"<i8", ElementType::I64},
                                                      {"|u1", ElementType::U8},
                                                      {"<u2", ElementType::U16},
                                                      {"<u4", ElementType::U32},
                                                      {"<u8", ElementType::U64},
                                                      {"|b1", ElementType::Bool}}};

tl::unexpected<Error> bad(const std::string& what, const std::string& remedy = {}) {
  return fail(ErrorCode::Input, "not a readable .npy: " + what, remedy);
}

// Reads the one kind of Python dictionary that a header holds.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  Result<NpyHeader> parse() {
    bool sawType = false, sawOrder = false, sawShape = false;
    if (!take('{')) return bad("its header is not a dictionary");
    while (!take('}')) {
      BURIN_ASSIGN(std::string_view key, quoted());
      if (!take(':')) return bad("its header lacks a ':'");
      if (key == "descr") {
        BURIN_CHECK(descriptor());
        sawType = true;
      } else if (key == "fortran_order") {
        BURIN_CHECK(order());
        sawOrder = true;
      } else if (key == "shape") {
        BURIN_CHECK(shape());
        sawShape = true;
      } else {
        return bad("its header has the unknown key '" + std::string(key) + "'");
      }
      take(',');
    }
    if (!sawType || !sawOrder || !sawShape) return bad("its header lacks descr, fortran_order or shape");
    return header_;
  }

private:
  void skipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t'))
      rest_.remove_prefix(1);
  }
  bool take(char c) {
    skipSpace();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool takeWord(std::string_view word) {
    skipSpace();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  Result<std::string_view> quoted() {
    skipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return bad("its header lacks a quoted name");
    size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return bad("its header has an open quote");
    std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  Status descriptor() {
    skipSpace();
    if (rest_.starts_with('[')) return bad("it holds records", "save one plain array per file, or use npz");
    BURIN_ASSIGN(std::string_view text, quoted());
    if (text.starts_with('>'))
      return bad("it is big-endian", "save it with .astype('<f4') or another '<' type");
    for (const Descriptor& known : kDescriptors) {
      std::string_view name = known.text;
      // '=' and '<' are the same here, and '<i1' appears in old files.
      bool sameOrder = text.size() == name.size() && (text[0] == '<' || text[0] == '=' || text[0] == '|');
      if (sameOrder && (text[0] != '|' || name[0] == '|') && text.substr(1) == name.substr(1)) {
        header_.type = known.type;
        return {};
      }
    }
    return bad("elements of type '" + std::string(text) + "' are not supported",
               "save floats, integers or booleans (numpy's astype)");
  }

  Status order() {
    if (takeWord("True"))
      header_.fortranOrder = true;
    else if (takeWord("False"))
      header_.fortranOrder = false;
    else
      return bad("fortran_order is neither True nor False");
    return {};
  }

  Status shape() {
    if (!take('(')) return bad("its shape is not a tuple");
    while (!take(')')) {
      skipSpace();
      int64_t dim = 0;
      auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (error != std::errc{} || dim < 0) return bad("its shape has a dimension that is no size");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      if (rest_.starts_with('L')) rest_.remove_prefix(1); // Python 2 wrote long integers so
      if (header_.shape.size() == kMaxRank) return bad("it has more than 32 dimensions");
      header_.shape.push_back(dim);
      if (take(',')) continue;
      if (!take(')')) return bad("its shape is not a tuple");
      break;
    }
    return {};
  }

  std::string_view rest_;
  NpyHeader header_;
};

size_t littleEndian(std::span<const uint8_t> bytes) {
  size_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

template <size_t Bytes>
void reorder(const NpyHeader& header, const uint8_t* in, uint8_t* out) {
  size_t rank = header.shape.size();
  std::vector<int64_t> stride(rank, 1), index(rank, 0);
  for (size_t axis = 1; axis < rank; ++axis) stride[axis] = stride[axis - 1] * header.shape[axis - 1];
  int64_t source = 0, count = static_cast<int64_t>(header.dataBytes / Bytes);
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out + static_cast<size_t>(i) * Bytes, in + static_cast<size_t>(source) * Bytes, Bytes);
    for (size_t axis = rank; axis-- > 0;) { // count up in C order
      source += stride[axis];
      if (++index[axis] < header.shape[axis]) break;
      source -= stride[axis] * header.shape[axis];
      index[axis] = 0;
    }
  }
}

} // namespace

Result<NpyHeader> readNpyHeader(std::span<const uint8_t> start) {
  if (start.size() < 10 || !std::equal(std::begin(kMagic), std::end(kMagic), start.begin()))
    return bad("it does not start with the numpy magic");
  int version = start[6];
  if (version < 1 || version > 3) return bad("version " + std::to_string(version) + " is unknown");
  size_t lengthBytes = version == 1 ? 2 : 4;
  if (start.size() < 8 + lengthBytes) return bad("it ends within the header");
  size_t length = littleEndian(start.subspan(8, lengthBytes));
  if (length > kMaxNpyHeaderBytes - 12) return bad("its header is longer than 64 KiB");
  if (start.size() - 8 - lengthBytes < length) return bad("it ends within the header");
  auto text = start.subspan(8 + lengthBytes, length);
  BURIN_ASSIGN(NpyHeader header,
               HeaderParser({reinterpret_cast<const char*>(text.data()), text.size()}).parse());
  auto count = countElements(header.shape);
  if (!count || *count > std::numeric_limits<int64_t>::max() / 8) return bad("its shape is too large");
  header.dataOffset = 8 + lengthBytes + length;
  header.dataBytes = static_cast<uint64_t>(*count) * elementBytes(header.type);
  return header;
}

Array arrayFromNpyData(const NpyHeader& header, std::vector<uint8_t> data) {
  Array array;
  array.type = header.type;
  array.shape = header.shape;
  if (!header.fortranOrder || header.shape.size() < 2 || data.empty()) {
    array.bytes = std::move(data);
    return array;
  }
  array.bytes.resize(data.size());
  switch (elementBytes(header.type)) {
  case 1:
    reorder<1>(header, data.data(), array.bytes.data());
    break;
  case 2:
    reorder<2>(header, data.data(), array.bytes.data());
    break;
  case 4:
    reorder<4>(header, data.data(), array.bytes.data());
    break;
  default:
    reorder<8>(header, data.data(), array.bytes.data());
    break;
  }
  return array;
}

Result<Array> readNpy(std::span<const uint8_t> file) {
  BURIN_ASSIGN(NpyHeader header, readNpyHeader(file));
  auto data = file.subspan(header.dataOffset);
  if (data.size() < header.dataBytes)
    return bad("it is cut short: shape " + dimsText(header.shape) + " needs " +
                   std::to_string(header.dataBytes) + " bytes of data, the file has " +
                   std::to_string(data.size()),
               "copy or create it again");
  data = data.first(header.dataBytes);
  return arrayFromNpyData(header, {data.begin(), data.end()});
}

Result<Array> loadNpy(const std::string& path) {
  BURIN_ASSIGN(std::vector<uint8_t> bytes, readFile(path));
  Result<Array> array = readNpy(bytes);
  if (!array) return fail(inFile(std::move(array).error(), path));
  return array;
}

std::vector<uint8_t> writeNpy(const Array& array) {
  const char* descriptor = "";
  for (const Descriptor& known : kDescriptors)
    if (known.type == array.type) descriptor = known.text;
  std::string text = std::string("{'descr': '") + descriptor + "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < array.shape.size(); ++i)
    text += std::to_string(array.shape[i]) + (i + 1 < array.shape.size() ? ", " : "");
  text += array.shape.size() == 1 ? ",), }" : "), }";
  // numpy leaves room for the first dimension to grow to 20 digits, then pads the header to 64 bytes.
  if (!array.shape.empty()) text.append(21 - std::to_string(array.shape[0]).size(), ' ');
  size_t padding = 64 - (10 + text.size() + 1) % 64;
  text.append(padding, ' ');
  text += '\n';
  const uint8_t length[] = {1, 0, static_cast<uint8_t>(text.size() & 255),
                            static_cast<uint8_t>(text.size() >> 8)};
  std::vector<uint8_t> out(10 + text.size() + array.bytes.size());
  auto at = std::copy(std::begin(kMagic), std::end(kMagic), out.begin());
  at = std::copy(std::begin(length), std::end(length), at); // version 1.0 and the header's length
  at = std::copy(text.begin(), text.end(), at);
  std::copy(array.bytes.begin(), array.bytes.end(), at);
  return out;
}

Status saveNpy(const std::string& path, const Array& array) {
  std::vector<uint8_t> bytes = writeNpy(array);
  return writeFile(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<Array> loadRaw(const std::string& path, ElementType type, const Dims& shape) {
  auto count = countElements(shape);
  if (!count) return fail(ErrorCode::Internal, "shape " + dimsText(shape) + " cannot be counted");
  BURIN_ASSIGN(std::vector<uint8_t> bytes, readFile(path));
  uint64_t wanted = static_cast<uint64_t>(*count) * elementBytes(type);
  if (bytes.size() != wanted)
    return fail(inFile(Error{ErrorCode::Input,
                             {},
                             {},
                             "has " + std::to_string(bytes.size()) + " bytes, but " + dimsText(shape) +
                                 " of " + elementName(type) + " are " + std::to_string(wanted),
                             "check shape and element type of the data"},
                       path));
  Array array;
  array.type = type;
  array.shape = shape;
  array.bytes = std::move(bytes);
  return array;
}

} // namespace burin
