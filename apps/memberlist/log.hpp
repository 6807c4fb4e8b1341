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

/// The agent's log, on standard error. Any thread; a slow reader blocks no caller (LineWriter).
class Log {
 public:
  Log(LogLevel least, LogFormat format);

  void write(const LogRecord& record);
  void write(LogLevel level, std::string_view text) { write({level, std::string(text), {}, {}}); }

  /// Writes the queued lines as far as possible without blocking; the last lines follow earlier
  /// ones.
  void close();
  /// Lines that could not be written.
  [[nodiscard]] std::uint64_t lost() const;

 private:
  class Sink;

  LogFormat format_;
  std::shared_ptr<Sink> sink_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace memberlist::cli
