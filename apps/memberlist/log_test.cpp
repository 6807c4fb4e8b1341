#include "log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "json_views.hpp"

namespace memberlist::cli {
namespace {

std::string written(LogFormat format, const LogRecord& record) {
  testing::internal::CaptureStderr();
  Log(LogLevel::info, format).write(record);
  return testing::internal::GetCapturedStderr();
}

TEST(Log, NamesThePeerIfThereIsOne) {
  const LogRecord known{LogLevel::warning, "packet dropped", "10.0.0.2:7946"};
  const LogRecord unknown{LogLevel::warning, "this node stood still", {}};
  EXPECT_TRUE(
      written(LogFormat::text, known).ends_with(" warning: packet dropped (10.0.0.2:7946)\n"));
  EXPECT_TRUE(written(LogFormat::text, unknown).ends_with(" warning: this node stood still\n"));
  EXPECT_EQ(Json::parse(written(LogFormat::json, known))["peer"], "10.0.0.2:7946");
  EXPECT_FALSE(Json::parse(written(LogFormat::json, unknown)).contains("peer"));
}

TEST(Log, IsSafeToShowWhateverAPeerHasChosen) {
  const std::string line =
      written(LogFormat::text, {LogLevel::warning, "a\x1b[31m\nb", "c\r\x1b]0;d"});
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace memberlist::cli
