#pragma once

#include <unistd.h>

#include <string>

namespace memberlist::cli {

/// A line of progress on standard error that is drawn again and again, and gone at the end; nothing
/// if that is no terminal.
class TerminalLine {
 public:
  TerminalLine() = default;
  TerminalLine(const TerminalLine&) = delete;
  TerminalLine& operator=(const TerminalLine&) = delete;
  ~TerminalLine() { clear(); }

  void draw(const std::string& text) {
    if (!terminal_) return;
    write("\r\x1b[K" + text);
    drawn_ = true;
  }
  /// For other lines to be printed.
  void clear() {
    if (drawn_) write("\r\x1b[K");
    drawn_ = false;
  }

 private:
  static void write(const std::string& text) {
    // A line that cannot be drawn is no error.
    static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) > 0);
  }

  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
};

}  // namespace memberlist::cli
