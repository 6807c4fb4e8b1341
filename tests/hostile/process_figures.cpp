#include "process_figures.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace memberlist::hostile {
namespace {

std::filesystem::path folder_of(pid_t pid) {
  return std::filesystem::path("/proc") / std::to_string(pid);
}

}  // namespace

ProcessFigures ProcessFigures::of(pid_t pid) {
  ProcessFigures figures;
  std::ifstream status(folder_of(pid) / "status");
  for (std::string name; status >> name;) {
    std::size_t kib = 0;
    if (name == "VmHWM:" && status >> kib) figures.peak_resident_bytes = kib * 1024;
    if (name == "VmRSS:" && status >> kib) figures.resident_bytes = kib * 1024;
    status.ignore(1'000, '\n');
  }
  if (figures.resident_bytes == 0) throw std::runtime_error("the process has ended");
  using Iterator = std::filesystem::directory_iterator;
  figures.descriptors =
      static_cast<std::size_t>(std::distance(Iterator(folder_of(pid) / "fd"), Iterator()));
  return figures;
}

void forget_peak(pid_t pid) {
  std::ofstream clear(folder_of(pid) / "clear_refs");
  if (!(clear << "5" << std::flush)) throw std::runtime_error("cannot reset the peak of memory");
}

}  // namespace memberlist::hostile
