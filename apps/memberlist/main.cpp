#include <csignal>
#include <exception>
#include <string>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "commands.hpp"
#include "output.hpp"

namespace {

// A push/pull of a large cluster takes megabytes for a moment: they go back to the system at once.
// (The default of glibc keeps more and more of them the more often they are wanted.)
void give_large_blocks_back() {
#if defined(__GLIBC__)
  constexpr int kLargeBytes = 256 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away is an error of that write, not the end of a member.
  std::signal(SIGPIPE, SIG_IGN);
  give_large_blocks_back();
  try {
    return memberlist::cli::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    return memberlist::cli::report(std::string("cannot go on: ") + error.what());
  }
}
