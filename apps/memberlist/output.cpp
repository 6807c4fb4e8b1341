#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "line_writer.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

// A full pipe without a reader must not keep a command from ending.
constexpr std::chrono::milliseconds kErrorLinePatience{1000};

void write_err_line(std::string_view text) noexcept {
  try {
    const std::string line = "memberlist: " + escape_controls(text) + "\n";
    // If it cannot be written, the exit code still reports it.
    static_cast<void>(write_within(STDERR_FILENO, line, kErrorLinePatience));
  } catch (...) {
    static_cast<void>(
        write_within(STDERR_FILENO, "memberlist: out of memory\n", kErrorLinePatience));
  }
}

void write_rest(std::size_t lines) noexcept {
  if (lines == 0) return;
  try {
    write_err_line("and " + std::to_string(lines) + " more");
  } catch (...) {
    write_err_line("and more");
  }
}

std::string_view escape_code(Colour colour) {
  switch (colour) {
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::red:
      return "\x1b[31m";
    case Colour::grey:
      return "\x1b[90m";
    case Colour::bold:
      return "\x1b[1m";
  }
  return "";
}

}  // namespace

bool write_out(std::string_view text) noexcept {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return std::fflush(stdout) == 0 && written;
}

int print(std::string_view text) noexcept {
  return write_out(text) ? kExitDone
                         : report("standard output cannot be written: check where it goes");
}

int report(const CommandError& error) noexcept {
  write_err_line(error.text);
  const std::size_t more = std::min(error.more.size(), kMaxErrorLines - 1);
  for (const std::string& text : std::span(error.more).first(more)) write_err_line(text);
  write_rest(error.more.size() - more);
  return error.exit_code;
}

int report(std::string_view text) noexcept {
  write_err_line(text);
  return kExitFailed;
}

void warn(std::string_view text) noexcept { write_err_line(text); }

bool terminal_output() { return ::isatty(STDOUT_FILENO) == 1; }

bool colour_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return terminal_output();
}

std::string paint(std::string text, Colour colour, bool enabled) {
  if (!enabled) return text;
  return std::string(escape_code(colour)) + text + "\x1b[0m";
}

}  // namespace memberlist::cli
