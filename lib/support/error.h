// Errors for people: which file, which op (by its name in the source model), what was wrong, what to do.
#pragma once

#include <string>
#include <tl/expected.hpp> // std::expected needs C++23, which MLIR 22 headers do not compile in
#include <utility>

namespace burin {

// The values are the tool's exit codes (see docs/cli.md).
enum class ErrorCode {
  Failed = 1,      // a comparison or a floor failed
  Usage = 2,       // wrong flag or combination of flags
  Input = 3,       // unreadable or invalid input
  Unsupported = 4, // operator or precision that is not supported
  Output = 5,      // cannot write
  Internal = 70,   // our own bug
};

struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string file;    // path as the user gave it; may be empty
  std::string op;      // source name of the op or tensor; may be empty
  std::string message; // what is wrong, no trailing period
  std::string remedy;  // what to do; may be empty

  // "FILE: OP: what is wrong; what to do" (empty parts left out).
  std::string text() const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string remedy = {}) {
  return tl::unexpected(Error{code, {}, {}, std::move(message), std::move(remedy)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected(std::move(error)); }

// Adds the file (or op) to an error that does not name one yet.
Error inFile(Error error, const std::string& file);
Error atOp(Error error, const std::string& op);

} // namespace burin

// BURIN_TRY(x = f()) style helpers: return early with the callee's error.
#define BURIN_CONCAT_(a, b) a##b
#define BURIN_CONCAT(a, b) BURIN_CONCAT_(a, b)
#define BURIN_CHECK(expression)                                                                              \
  if (auto BURIN_CONCAT(status_, __LINE__) = (expression); !BURIN_CONCAT(status_, __LINE__))                 \
  return tl::unexpected(std::move(BURIN_CONCAT(status_, __LINE__)).error())
#define BURIN_ASSIGN(declaration, expression)                                                                \
  auto BURIN_CONCAT(result_, __LINE__) = (expression);                                                       \
  if (!BURIN_CONCAT(result_, __LINE__))                                                                      \
    return tl::unexpected(std::move(BURIN_CONCAT(result_, __LINE__)).error());                               \
  declaration = std::move(*BURIN_CONCAT(result_, __LINE__))
