#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "memberlist/event.hpp"

namespace spdlog {
class logger;
}

namespace memberlist::cli {

enum class LogFormat : std::uint8_t { text, json };

/// The agent's log, on standard error. Any thread.
class Log {
 public:
  Log(LogLevel least, LogFormat format);

  void write(const LogRecord& record);
  void write(LogLevel level, std::string_view text) { write({level, std::string(text), {}, {}}); }

 private:
  LogFormat format_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace memberlist::cli
