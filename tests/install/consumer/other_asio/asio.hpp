#pragma once

// Stands for Asio in a version that this program uses and the library does not: some of its names,
// with other sizes and other virtual functions.

#include <array>
#include <system_error>

namespace asio {

/// How often anybody has called what is below.
inline int calls = 0;

namespace detail {

struct Category {
  virtual ~Category() = default;
  virtual int none_of_these(int) const { return ++calls; }
  virtual int has_the_place(int) const { return ++calls; }
  virtual int of_another(int) const { return ++calls; }
  std::array<long, 8> space{};
};

class scheduler {
 public:
  virtual ~scheduler() { ++calls; }
  virtual void shutdown() { ++calls; }
  std::array<long, 64> space{};
};

class epoll_reactor {
 public:
  virtual ~epoll_reactor() { ++calls; }
  virtual void shutdown() { ++calls; }
  void interrupt() { ++calls; }
  std::array<long, 64> space{};
};

inline void do_throw_error(const std::error_code&) { ++calls; }
inline void do_throw_error(const std::error_code&, const char*) { ++calls; }

}  // namespace detail

inline const detail::Category& system_category() {
  static const detail::Category instance;
  ++calls;
  return instance;
}

class execution_context {
 public:
  ~execution_context() { ++calls; }
  std::array<long, 64> space{};
};

}  // namespace asio
