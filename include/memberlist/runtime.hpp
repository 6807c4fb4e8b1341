#pragma once

#include <memory>

#include "memberlist/error.hpp"
#include "memberlist/export.hpp"

namespace memberlist {

/// A thread that runs the protocol of any number of Memberlists in one process: hand it to
/// `Memberlist::create` by `Hosting::runtime`. Without one, each Memberlist has a thread of its
/// own.
///
/// A handle: copies mean the same thread, which ends once no handle and no Memberlist is left that
/// uses it. What runs on the thread (policies, log handlers, metrics sinks, transports) holds up
/// all of its members, and must not wait for any of them; event handlers may, since each member has
/// its own event thread, if it has a handler at all. Handles may be used from all threads, as
/// values.
class MEMBERLIST_API Runtime {
 public:
  /// Starts the thread. Error: `system` (none is left).
  [[nodiscard]] static Result<Runtime> create();

  Runtime(const Runtime&) noexcept;             ///< the same thread
  Runtime(Runtime&&) noexcept;                  ///< what was moved from means no thread
  Runtime& operator=(const Runtime&) noexcept;  ///< the same thread
  Runtime& operator=(Runtime&&) noexcept;       ///< what was moved from means no thread
  /// The last handle, where no Memberlist is left either, waits for the thread to end, unless it is
  /// destroyed on it.
  ~Runtime();

 private:
  friend class Memberlist;
  class Impl;
  explicit Runtime(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist
