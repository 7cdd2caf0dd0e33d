// The text form of protocol buffers.
#include "lib/import/prototxt.h"

#include <gtest/gtest.h>

using namespace burin;

namespace {
TextMessage parsed(const std::string& text) {
  auto message = parsePrototxt(text, "save it as binary");
  EXPECT_TRUE(message.has_value()) << message.error().text();
  return message ? std::move(*message) : TextMessage();
}
std::string errorOf(const std::string& text) {
  auto message = parsePrototxt(text, "save it as binary");
  return message ? std::string() : message.error().text();
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
} // namespace

TEST(Prototxt, ReadsTheWaysToWriteFields) {
  TextMessage m = parsed("# a comment\nname: 'it\\'s' \"two\"; n: -3, list: [1, 2,3]\n"
                         "a { b: 1.5e-3f } a: < b: .5 > [some.extension] { on: true } empty: [] a <b:2>");
  EXPECT_EQ(m.text("name"), "it'stwo");
  EXPECT_EQ(m.text("n"), "-3");
  EXPECT_EQ(m.texts("list"), (std::vector<std::string>{"1", "2", "3"}));
  ASSERT_EQ(m.messages("a").size(), 3u);
  EXPECT_EQ(m.messages("a")[0]->text("b"), "1.5e-3f");
  EXPECT_EQ(m.message("a").text("b"), "2"); // the last one
  EXPECT_EQ(m.message("some.extension").text("on"), "true");
  EXPECT_FALSE(m.has("empty"));
}

TEST(Prototxt, ReadsEscapes) { EXPECT_EQ(parsed("s: '\\n\\x41\\102\\\\'").text("s"), "\nAB\\"); }

TEST(Prototxt, NamesTheLineOfAnError) {
  EXPECT_TRUE(has(errorOf("a: 1\nb 2"), "line 2: ':' or '{' is missing after 'b'"));
  EXPECT_TRUE(has(errorOf("a {\n b: 1\n"), "'}' is missing"));
  EXPECT_TRUE(has(errorOf("a: 'open\n'"), "line 1: a string is not closed"));
  EXPECT_TRUE(has(errorOf("a: }"), "field 'a' has no value"));
  EXPECT_TRUE(has(errorOf(std::string("a: 1\0", 5)), "byte 0"));
  EXPECT_TRUE(has(errorOf("}"), "a field name is expected"));
}

TEST(Prototxt, BoundsNestingAndSize) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a{";
  EXPECT_TRUE(has(errorOf(deep), "nested deeper than 32"));
  EXPECT_TRUE(has(errorOf(std::string(kMaxPrototxtBytes + 1, ' ')),
                  "larger than 8 MB, too much for a network description; save it as binary"));
}
