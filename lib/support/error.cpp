#include "lib/support/error.h"

namespace burin {

std::string Error::text() const {
  std::string out;
  for (const std::string* part : {&file, &op})
    if (!part->empty()) out += *part + ": ";
  out += message;
  if (!remedy.empty()) out += "; " + remedy;
  return out;
}

Error inFile(Error error, const std::string& file) {
  if (error.file.empty()) error.file = file;
  return error;
}

Error atOp(Error error, const std::string& op) {
  if (error.op.empty()) error.op = op;
  return error;
}

} // namespace burin
