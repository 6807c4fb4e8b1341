#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>

namespace memberlist::cli {

/// Tells all connections that the server ends.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  void raise() noexcept;
  [[nodiscard]] bool raised() const noexcept { return raised_; }
  /// Becomes readable, and stays so, when the signal is raised.
  [[nodiscard]] int fd() const noexcept { return fds_[0]; }

 private:
  std::array<int, 2> fds_{-1, -1};  // of a pipe: read, write
  std::atomic<bool> raised_ = false;
};

/// One accepted connection, which serves one request. The HTTP library limits a header line, but
/// neither how many there are nor how long they take; so the head is read here, whole and bounded,
/// before the library sees a byte. Once the signal is raised nothing waits any more: what can be
/// written at once still is. Closes the socket in the end.
class Connection final : public httplib::Stream {
 public:
  Connection(int fd, const StopSignal& stop);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  enum class Head { complete, too_large, none };
  [[nodiscard]] Head read_head();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_; }

 private:
  using Clock = std::chrono::steady_clock;

  // Waits for `events` of poll(2) until `deadline`.
  bool wait_for(short events, Clock::time_point deadline) const;

  int fd_;
  const StopSignal& stop_;
  const Clock::time_point read_deadline_;
  std::string head_;  // with what came of the body in the same reads
  std::size_t served_ = 0;
};

}  // namespace memberlist::cli
