#include "net/quiet_thread.hpp"

#include <csignal>
#include <initializer_list>
#include <utility>

namespace memberlist::net {
namespace {

// The mask of the calling thread, for as long as it makes another, which inherits it.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all{};  // (these are macros in places, so they go without ::)
    sigfillset(&all);
    // Faults of the thread's own are not to be blocked: that would be undefined.
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
