#pragma once

#include <memory>

#include "memberlist/error.hpp"
#include "memberlist/export.hpp"

namespace memberlist {

class RecordStore;

/// A thread that runs the protocol of any number of Memberlists in one process: pass it to
/// `Memberlist::create` in `Hosting::runtime`. Without one, each Memberlist has its own thread.
///
/// A handle: copies refer to the same thread, which ends when the last handle and the last
/// Memberlist that uses it are gone. Code that runs on the thread (policies, log handlers, metrics
/// sinks, transports) delays all of its members, and must not block on any of them; event handlers
/// may, because each member with a handler has its own event thread. Handles may be used from all
/// threads, as values.
class MEMBERLIST_API Runtime {
 public:
  /// Starts the thread. Its members share a RecordStore, so that each record is in memory once:
  /// `records`, which may be shared with other runtimes, or its own if that is null. Error:
  /// `system` (no thread, no descriptor or no randomness is available).
  [[nodiscard]] static Result<Runtime> create(std::shared_ptr<RecordStore> records = nullptr);

  Runtime(const Runtime&) noexcept;             ///< the same thread
  Runtime(Runtime&&) noexcept;                  ///< a moved-from handle has no thread
  Runtime& operator=(const Runtime&) noexcept;  ///< the same thread
  Runtime& operator=(Runtime&&) noexcept;       ///< a moved-from handle has no thread
  /// The last handle waits for the thread to end, if no Memberlist uses it and unless it is
  /// destroyed on that thread.
  ~Runtime();

 private:
  friend class Memberlist;
  class Impl;
  explicit Runtime(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist
