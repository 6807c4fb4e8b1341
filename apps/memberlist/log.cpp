#include "log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>

#include "json_views.hpp"
#include "line_writer.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string lost_line(LogFormat format, std::uint64_t count) {
  const auto now = std::chrono::system_clock::now();
  const std::string text = fmt::format("log lines lost before this one: {}", count);
  if (format == LogFormat::json) {
    return to_line({{"time", rfc3339(now)},
                    {"level", to_string(LogLevel::warning)},
                    {"text", text},
                    {"lost", std::to_string(count)}}) +
           "\n";
  }
  return fmt::format("{} {}: {}\n", rfc3339(now), to_string(LogLevel::warning), text);
}

}  // namespace

// spdlog's own sinks write on the caller's thread, and its thread pool waits for them at the end.
class Log::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(LogFormat format)
      : writer_(STDERR_FILENO, [format](std::uint64_t count) { return lost_line(format, count); }) {
  }

  void close() { writer_.close(LineWriter::kLastLinesTimeout); }
  [[nodiscard]] std::uint64_t lost() const { return writer_.lost(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    writer_.push({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  LineWriter writer_;
};

Log::Log(LogLevel least, LogFormat format)
    : format_(format),
      sink_(std::make_shared<Sink>(format)),
      logger_(std::make_shared<spdlog::logger>("memberlist", sink_)) {
  logger_->set_level(spdlog_level(least));
  const char* pattern = format == LogFormat::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l: %v";
  logger_->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  // A line that cannot be formatted must not end up in a log about that.
  logger_->set_error_handler([](const std::string&) {});
}

void Log::write(const LogRecord& record) {
  const auto level = spdlog_level(record.level);
  if (!logger_->should_log(level)) return;
  if (format_ == LogFormat::json) {
    Json line{{"time", rfc3339(std::chrono::system_clock::now())},
              {"level", to_string(record.level)},
              {"text", record.text}};
    if (!record.peer.empty()) line["peer"] = record.peer;
    for (const LogField& field : record.fields) line[std::string(field.name)] = field.value;
    logger_->log(level, spdlog::string_view_t(to_line(line)));
    return;
  }
  std::string text = escape_controls(record.text);
  if (!record.peer.empty()) text += " (" + escape_controls(record.peer) + ")";
  logger_->log(level, spdlog::string_view_t(text));
}

void Log::close() { sink_->close(); }
std::uint64_t Log::lost() const { return sink_->lost(); }

}  // namespace memberlist::cli
