#include "log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "json_views.hpp"
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

}  // namespace

Log::Log(LogLevel least, LogFormat format)
    : format_(format),
      logger_(std::make_shared<spdlog::logger>("memberlist",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_level(spdlog_level(least));
  logger_->flush_on(spdlog::level::trace);
  const char* pattern = format == LogFormat::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l: %v";
  logger_->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  // A log that cannot be written (a closed stderr) must not end up in a log about that.
  logger_->set_error_handler([](const std::string&) {});
}

void Log::write(const LogRecord& record) {
  const auto level = spdlog_level(record.level);
  if (!logger_->should_log(level)) {
    return;
  }
  if (format_ == LogFormat::json) {
    Json line{{"time", rfc3339(std::chrono::system_clock::now())},
              {"level", to_string(record.level)},
              {"text", record.text}};
    if (!record.peer.empty()) {
      line["peer"] = record.peer;
    }
    for (const LogField& field : record.fields) {
      line[std::string(field.name)] = field.value;
    }
    logger_->log(level, spdlog::string_view_t(to_line(line)));
    return;
  }
  std::string text = escape_controls(record.text);
  if (!record.peer.empty()) {
    text += " (" + escape_controls(record.peer) + ")";
  }
  logger_->log(level, spdlog::string_view_t(text));
}

}  // namespace memberlist::cli
