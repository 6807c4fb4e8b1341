#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>
#include <string_view>

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

// A simulation keeps them: its thousands of members would request them from the system again and
// again.
bool simulates(int argc, char** argv) { return argc > 1 && std::string_view(argv[1]) == "sim"; }

// A socket must not get the number of a standard stream that came closed: log lines would go to
// it. What takes the place refuses what is done with such a stream, as a closed one does.
void keep_standard_streams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) {
      // The lowest free number is this one.
      static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away, or a file at its largest size, is an error of that write, not the end
  // of a member.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  keep_standard_streams();
  if (!simulates(argc, argv)) give_large_blocks_back();
  try {
    return memberlist::cli::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    return memberlist::cli::report(std::string("cannot go on: ") + error.what());
  }
}
