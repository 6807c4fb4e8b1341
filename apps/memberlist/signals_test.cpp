#include "signals.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace memberlist::cli {
namespace {

TEST(Signals, NoneThatCanBeHandledEndsAMemberWithoutALeave) {
  // Crashes, and what stops a process, lets it go on or is passed over by default.
  const std::initializer_list<int> others{SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,   SIGILL,  SIGTRAP,
                                          SIGSYS,  SIGKILL, SIGSTOP, SIGTSTP,  SIGTTIN, SIGTTOU,
                                          SIGCONT, SIGCHLD, SIGURG,  SIGWINCH, SIGPIPE, SIGXFSZ};
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    const bool other = std::find(others.begin(), others.end(), signal) != others.end() ||
                       (signal > 31 && signal < SIGRTMIN);  // the C library's own
    EXPECT_EQ(meaning_of(signal, false).has_value(), !other) << signal_name(signal);
  }
}

TEST(Signals, AClosedTerminalIsAnEndAndAReloadIsNot) {
  EXPECT_EQ(meaning_of(SIGHUP, false), SignalMeaning::nothing);
  EXPECT_EQ(meaning_of(SIGHUP, true), SignalMeaning::leave);
  EXPECT_EQ(meaning_of(SIGUSR1, true), SignalMeaning::nothing);
}

TEST(Signals, HaveNames) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
}

}  // namespace
}  // namespace memberlist::cli
