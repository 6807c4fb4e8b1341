#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "output.hpp"

namespace memberlist::cli {

/// All mistakes in the command line and the configuration file.
class Mistakes {
 public:
  /// `line` is that of the file, which the error's text names; 0: the command line.
  void add(CommandError error, std::size_t line = 0);
  void add(const Mistakes& others);

  [[nodiscard]] std::size_t size() const noexcept { return mistakes_.size(); }

  /// One error that reports them all, those of the command line first, then the file's by line. It
  /// is wrong usage if one of them is. Empty if there are none.
  [[nodiscard]] std::optional<CommandError> error() const;

 private:
  struct Mistake {
    std::size_t line;
    CommandError error;
  };
  std::vector<Mistake> mistakes_;
};

}  // namespace memberlist::cli
