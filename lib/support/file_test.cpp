// Files appear whole or not at all, together where they belong together, and devices stay devices.
#include "lib/support/file.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace burin {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
protected:
  Files() {
    std::string name = (fs::temp_directory_path() / "burin_file_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Files() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t count() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

std::string content(const std::string& path) {
  auto text = readTextFile(path);
  return text ? *text : text.error().message;
}

TEST_F(Files, ReplacedWhole) {
  ASSERT_TRUE(writeFile(path("a"), std::string("long old content")));
  ASSERT_TRUE(writeFile(path("a"), std::string("new")));
  EXPECT_EQ(content(path("a")), "new");
  EXPECT_EQ(count(), 1u);
}

TEST_F(Files, NoneAppearsWhereOneCannotBeWritten) {
  ASSERT_TRUE(writeFile(path("a"), std::string("old")));
  const std::string text = "new";
  const FileContent files[] = {{path("a"), text}, {path("no folder/b"), text}};
  Status status = writeFiles(files);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Output);
  EXPECT_EQ(status.error().file, path("no folder/b"));
  EXPECT_EQ(content(path("a")), "old");
  EXPECT_EQ(count(), 1u);
}

TEST_F(Files, FolderIsNotReplaced) {
  ASSERT_TRUE(fs::create_directory(path("a")));
  Status status = writeFile(path("a"), std::string("new"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Output);
  EXPECT_TRUE(fs::is_directory(path("a")));
  EXPECT_EQ(count(), 1u);
}

TEST_F(Files, LinkStaysALink) {
  ASSERT_TRUE(writeFile(path("a"), std::string("old")));
  fs::create_symlink(path("a"), path("link"));
  ASSERT_TRUE(writeFile(path("link"), std::string("new")));
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(content(path("a")), "new");
}

// Through links, so that a mistake would replace the link and not the machine's device.
TEST_F(Files, DevicesAreWrittenInPlace) {
  fs::create_symlink("/dev/null", path("null"));
  fs::create_symlink("/dev/full", path("full"));
  EXPECT_TRUE(writeFile(path("null"), std::string("gone")));
  Status status = writeFile(path("full"), std::string("too much"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Output);
  EXPECT_NE(status.error().message.find("No space left"), std::string::npos) << status.error().text();
  EXPECT_TRUE(fs::is_symlink(path("null")) && fs::is_symlink(path("full")));
  EXPECT_EQ(count(), 2u);
}

TEST_F(Files, PipeIsRefusedWithoutWaiting) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  auto file = MappedFile::open(path("pipe"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::Input);
}

} // namespace
} // namespace burin
