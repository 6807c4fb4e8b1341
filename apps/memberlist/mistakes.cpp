#include "mistakes.hpp"

#include <algorithm>
#include <utility>

namespace memberlist::cli {

void Mistakes::add(CommandError error, std::size_t line) {
  mistakes_.push_back({line, std::move(error)});
}

void Mistakes::add(const Mistakes& others) {
  mistakes_.insert(mistakes_.end(), others.mistakes_.begin(), others.mistakes_.end());
}

std::optional<CommandError> Mistakes::error() const {
  std::vector<Mistake> sorted = mistakes_;
  std::ranges::stable_sort(sorted, {}, &Mistake::line);
  std::optional<CommandError> all;
  for (const auto& [line, error] : sorted) {
    if (!all) {
      all = error;
      continue;
    }
    if (error.exit_code == kExitUsage) all->exit_code = kExitUsage;
    all->more.push_back(error.text);
    all->more.insert(all->more.end(), error.more.begin(), error.more.end());
  }
  return all;
}

}  // namespace memberlist::cli
