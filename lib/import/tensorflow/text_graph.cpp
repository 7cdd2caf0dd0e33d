// Text is turned into the wire format by a table of fields, so that everything behind it sees one kind of
// file.
#include "lib/import/tensorflow/text_graph.h"

#include "lib/import/prototxt.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <optional>

namespace burin::tensorflow {

namespace {
enum class Kind { Integer, Bool, Float, Double, Bytes, ElementType, Message };

struct FieldRow {
  const char* message;
  const char* name;
  uint32_t number;
  Kind kind;
  const char* type = ""; // of a message
};

// As schema/tensorflow.proto declares them; entries of maps are messages of a key and a value.
constexpr FieldRow kFields[] = {
    {"Graph", "node", 1, Kind::Message, "Node"},
    {"Graph", "library", 2, Kind::Message, "Library"},
    {"Graph", "versions", 4, Kind::Message, "Versions"},
    {"Versions", "producer", 1, Kind::Integer},
    {"Versions", "min_consumer", 2, Kind::Integer},
    {"Node", "name", 1, Kind::Bytes},
    {"Node", "op", 2, Kind::Bytes},
    {"Node", "input", 3, Kind::Bytes},
    {"Node", "attr", 5, Kind::Message, "Attribute"},
    {"Attribute", "key", 1, Kind::Bytes},
    {"Attribute", "value", 2, Kind::Message, "Value"},
    {"Value", "list", 1, Kind::Message, "List"},
    {"Value", "s", 2, Kind::Bytes},
    {"Value", "i", 3, Kind::Integer},
    {"Value", "f", 4, Kind::Float},
    {"Value", "b", 5, Kind::Bool},
    {"Value", "type", 6, Kind::ElementType},
    {"Value", "shape", 7, Kind::Message, "Shape"},
    {"Value", "tensor", 8, Kind::Message, "Tensor"},
    {"Value", "placeholder", 9, Kind::Bytes},
    {"Value", "func", 10, Kind::Message, "Call"},
    {"List", "s", 2, Kind::Bytes},
    {"List", "i", 3, Kind::Integer},
    {"List", "f", 4, Kind::Float},
    {"List", "b", 5, Kind::Bool},
    {"List", "type", 6, Kind::ElementType},
    {"List", "shape", 7, Kind::Message, "Shape"},
    {"Call", "name", 1, Kind::Bytes},
    {"Call", "attr", 2, Kind::Message, "Attribute"},
    {"Shape", "dim", 2, Kind::Message, "Dimension"},
    {"Shape", "unknown_rank", 3, Kind::Bool},
    {"Dimension", "size", 1, Kind::Integer},
    {"Tensor", "dtype", 1, Kind::ElementType},
    {"Tensor", "tensor_shape", 2, Kind::Message, "Shape"},
    {"Tensor", "tensor_content", 4, Kind::Bytes},
    {"Tensor", "float_val", 5, Kind::Float},
    {"Tensor", "double_val", 6, Kind::Double},
    {"Tensor", "int_val", 7, Kind::Integer},
    {"Tensor", "string_val", 8, Kind::Bytes},
    {"Tensor", "int64_val", 10, Kind::Integer},
    {"Tensor", "bool_val", 11, Kind::Bool},
    {"Tensor", "half_val", 13, Kind::Integer},
    {"Tensor", "uint32_val", 16, Kind::Integer},
    {"Tensor", "uint64_val", 17, Kind::Integer},
    {"Library", "function", 1, Kind::Message, "Function"},
    {"Function", "signature", 1, Kind::Message, "Operator"},
    {"Function", "node_def", 3, Kind::Message, "Node"},
    {"Function", "ret", 4, Kind::Message, "Result"},
    {"Result", "key", 1, Kind::Bytes},
    {"Result", "value", 2, Kind::Bytes},
    {"Operator", "name", 1, Kind::Bytes},
    {"Operator", "input_arg", 2, Kind::Message, "Argument"},
    {"Operator", "output_arg", 3, Kind::Message, "Argument"},
    {"Argument", "name", 1, Kind::Bytes},
    {"Argument", "type", 3, Kind::ElementType},
    {"Argument", "type_attr", 4, Kind::Bytes},
    {"Argument", "number_attr", 5, Kind::Bytes},
    {"Argument", "type_list_attr", 6, Kind::Bytes},
    {"SavedModel", "saved_model_schema_version", 1, Kind::Integer},
    {"SavedModel", "meta_graphs", 2, Kind::Message, "MetaGraph"},
    {"MetaGraph", "meta_info_def", 1, Kind::Message, "MetaInfo"},
    {"MetaGraph", "graph_def", 2, Kind::Message, "Graph"},
    {"MetaGraph", "signature_def", 5, Kind::Message, "NamedSignature"},
    {"MetaInfo", "tags", 4, Kind::Bytes},
    {"MetaInfo", "tensorflow_version", 5, Kind::Bytes},
    {"NamedSignature", "key", 1, Kind::Bytes},
    {"NamedSignature", "value", 2, Kind::Message, "Signature"},
    {"Signature", "inputs", 1, Kind::Message, "NamedTensor"},
    {"Signature", "outputs", 2, Kind::Message, "NamedTensor"},
    {"Signature", "method_name", 3, Kind::Bytes},
    {"NamedTensor", "key", 1, Kind::Bytes},
    {"NamedTensor", "value", 2, Kind::Message, "TensorInfo"},
    {"TensorInfo", "name", 1, Kind::Bytes},
    {"TensorInfo", "dtype", 2, Kind::ElementType},
    {"TensorInfo", "tensor_shape", 3, Kind::Message, "Shape"},
};

// By number, as in the public definition of DataType; a reference to one counts 100 more.
constexpr const char* kElementTypes[] = {"INVALID",    "FLOAT",  "DOUBLE",    "INT32",   "UINT8",   "INT16",
                                         "INT8",       "STRING", "COMPLEX64", "INT64",   "BOOL",    "QINT8",
                                         "QUINT8",     "QINT32", "BFLOAT16",  "QINT16",  "QUINT16", "UINT16",
                                         "COMPLEX128", "HALF",   "RESOURCE",  "VARIANT", "UINT32",  "UINT64"};

class Encoder {
public:
  Status message(const TextMessage& text, std::string_view type, std::string& out) {
    for (const TextField& field : text.fields())
      if (const FieldRow* row = find(type, field.name)) BURIN_CHECK(encode(field, *row, out));
    return {};
  }

private:
  static const FieldRow* find(std::string_view message, std::string_view name) {
    auto it = std::find_if(std::begin(kFields), std::end(kFields),
                           [&](const FieldRow& row) { return message == row.message && name == row.name; });
    return it == std::end(kFields) ? nullptr : it;
  }

  static tl::unexpected<Error> wrong(const TextField& field) {
    return fail(
        ErrorCode::Input,
        fmt::format("line {}: '{}' is no value for '{}'", field.line, field.value.substr(0, 40), field.name),
        "the file is damaged; export it again");
  }

  static void varint(uint64_t value, std::string& out) {
    for (; value > 127; value >>= 7) out.push_back(static_cast<char>((value & 127) | 128));
    out.push_back(static_cast<char>(value));
  }
  static void tag(const FieldRow& row, uint32_t wireType, std::string& out) {
    varint(row.number << 3 | wireType, out);
  }
  static void bytes(const FieldRow& row, const std::string& value, std::string& out) {
    tag(row, 2, out);
    varint(value.size(), out);
    out += value;
  }
  template <class T>
  static void fixed(const FieldRow& row, T value, std::string& out) {
    tag(row, sizeof(T) == 4 ? 5 : 1, out);
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof raw);
    out.append(raw, sizeof raw);
  }

  static std::optional<uint64_t> integer(const std::string& text) {
    const char* end = text.data() + text.size();
    int64_t number = 0;
    if (auto parsed = std::from_chars(text.data(), end, number);
        parsed.ptr == end && parsed.ec == std::errc())
      return static_cast<uint64_t>(number);
    uint64_t large = 0;
    auto parsed = std::from_chars(text.data(), end, large);
    return parsed.ptr == end && parsed.ec == std::errc() ? std::optional(large) : std::nullopt;
  }
  static std::optional<uint64_t> boolean(const std::string& text) {
    if (text == "true" || text == "True" || text == "t" || text == "1") return 1;
    if (text == "false" || text == "False" || text == "f" || text == "0") return 0;
    return std::nullopt;
  }
  // "DT_FLOAT", "DT_FLOAT_REF" or a number.
  static std::optional<uint64_t> elementType(std::string text) {
    if (!text.starts_with("DT_")) return integer(text);
    const bool isReference = text.ends_with("_REF");
    text = text.substr(3, text.size() - (isReference ? 7 : 3));
    for (size_t i = 0; i < std::size(kElementTypes); ++i)
      if (text == kElementTypes[i]) return i + (isReference ? 100 : 0);
    return 0; // a type that nothing here computes with
  }
  static std::optional<double> real(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (*end == 'f' && end != text.c_str()) ++end;
    return end == text.c_str() || *end ? std::nullopt : std::optional(value);
  }

  Status encode(const TextField& field, const FieldRow& row, std::string& out) {
    if ((row.kind == Kind::Message) != (field.message != nullptr)) return wrong(field);
    if (row.kind == Kind::Message) {
      std::string inner;
      BURIN_CHECK(message(*field.message, row.type, inner));
      bytes(row, inner, out);
      return {};
    }
    if (row.kind == Kind::Bytes) return bytes(row, field.value, out), Status();
    if (row.kind == Kind::Float || row.kind == Kind::Double) {
      auto value = real(field.value);
      if (!value) return wrong(field);
      row.kind == Kind::Float ? fixed(row, static_cast<float>(*value), out) : fixed(row, *value, out);
      return {};
    }
    auto number = row.kind == Kind::Bool          ? boolean(field.value)
                  : row.kind == Kind::ElementType ? elementType(field.value)
                                                  : integer(field.value);
    if (!number) return wrong(field);
    tag(row, 0, out);
    varint(*number, out);
    return {};
  }
};
} // namespace

TextKind textKind(std::string_view text) {
  size_t at = 0;
  for (;;) { // white space and comments
    at = text.find_first_not_of(" \t\r\n", at);
    if (at == std::string_view::npos) return TextKind::None;
    if (text[at] != '#') break;
    at = std::min(text.find('\n', at), text.size());
  }
  size_t end = text.find_first_of(" \t\r\n:{", at);
  if (end == std::string_view::npos) return TextKind::None;
  const std::string_view word = text.substr(at, end - at);
  const size_t next = text.find_first_not_of(" \t\r\n", end);
  if (next == std::string_view::npos || (text[next] != '{' && text[next] != ':')) return TextKind::None;
  if (word == "node" || word == "library" || word == "versions") return TextKind::Graph;
  return word == "saved_model_schema_version" || word == "meta_graphs" ? TextKind::SavedModel
                                                                       : TextKind::None;
}

Result<std::string> binaryGraph(std::string_view text, TextKind kind) {
  BURIN_ASSIGN(TextMessage message,
               parsePrototxt(text, "save it as binary (tf.io.write_graph(..., as_text=False))"));
  std::string binary;
  BURIN_CHECK(Encoder().message(message, kind == TextKind::Graph ? "Graph" : "SavedModel", binary));
  return binary;
}

} // namespace burin::tensorflow
