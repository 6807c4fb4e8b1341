#include "net/quiet_thread.hpp"

#include <csignal>
#include <initializer_list>
#include <utility>

namespace memberlist::net {
namespace {

// Blocks signals in the calling thread while it creates another, which inherits the mask.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all{};  // (these are macros in places, so they go without ::)
    sigfillset(&all);
    // Blocking the signals of a thread's own faults would be undefined behaviour.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) {
      sigdelset(&all, fault);
    }
    ::pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t old_{};
};

}  // namespace

std::thread start_quiet_thread(std::function<void()> body) {
  const BlockedSignals blocked;
  return std::thread(std::move(body));
}

}  // namespace memberlist::net
