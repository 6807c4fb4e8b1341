#include <mutex>
#include <random>
#include <unordered_map>
#include <utility>

#include "base/hidden.hpp"
#include "base/limits.hpp"
#include "memberlist/transmit_limited_queue.hpp"
#include "swim/broadcast_queue.hpp"
#include "swim/scaling.hpp"

namespace memberlist {

/// The engine's queue behind a mutex, with the callbacks for the end of each message.
class MEMBERLIST_HIDDEN TransmitLimitedQueue::Impl {
 public:
  Impl(std::function<std::size_t()> count, std::uint32_t mult)
      : member_count(std::move(count)), retransmit_mult(mult) {}

  /// Runs `change` on the queue, and then, unlocked, the callbacks of the messages that it
  /// finished.
  template <class Change>
  void run(Change&& change) {
    std::vector<std::function<void()>> ended;
    {
      const std::scoped_lock lock(mutex);
      change(queue);
      finished_.clear();
      queue.drain_finished(finished_);
      for (const swim::BroadcastToken token : finished_) {
        ended.push_back(std::move(waiting_.extract(token).mapped()));
      }
    }
    for (const auto& finished : ended) finished();
  }

  /// A message without a callback needs no token.
  swim::BroadcastToken token_for(std::function<void()> finished) {
    if (!finished) return 0;
    waiting_.emplace(++last_token_, std::move(finished));
    return last_token_;
  }

  const std::function<std::size_t()> member_count;
  const std::uint32_t retransmit_mult;
  mutable std::mutex mutex;
  swim::BroadcastQueue queue{swim::BroadcastQueue::Order::largest_first, any_key()};

 private:
  /// Which key it is shows nowhere.
  static SipKey any_key() {
    std::random_device entropy;
    const auto word = [&] { return std::uint64_t{entropy()} << 32 | entropy(); };
    return {.low = word(), .high = word()};
  }

  std::unordered_map<swim::BroadcastToken, std::function<void()>> waiting_;
  std::vector<swim::BroadcastToken> finished_;
  swim::BroadcastToken last_token_ = 0;
};

TransmitLimitedQueue::TransmitLimitedQueue(std::function<std::size_t()> member_count,
                                           std::uint32_t retransmit_mult)
    : impl_(std::make_unique<Impl>(std::move(member_count), retransmit_mult)) {}

TransmitLimitedQueue::~TransmitLimitedQueue() = default;

void TransmitLimitedQueue::queue(Broadcast broadcast) {
  impl_->run([&](swim::BroadcastQueue& queue) {
    if (broadcast.invalidates) queue.drop_if(broadcast.invalidates);
    const swim::BroadcastToken token = impl_->token_for(std::move(broadcast.finished));
    if (broadcast.name.empty()) {
      queue.queue_unique(broadcast.message, token);
    } else {
      queue.queue_named(broadcast.name, broadcast.message, token);
    }
    queue.prune(limits::kQueuedUserBroadcasts, limits::kQueuedBroadcastBytes);
  });
}

void TransmitLimitedQueue::get_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                                          std::vector<Bytes>& messages) {
  const std::uint32_t limit = swim::retransmit_limit(impl_->retransmit_mult, impl_->member_count());
  impl_->run([&](swim::BroadcastQueue& queue) {
    std::vector<BytesView> views;
    queue.take(overhead_bytes, limit_bytes, limit, views);
    for (const BytesView view : views) messages.push_back(to_bytes(view));
  });
}

std::size_t TransmitLimitedQueue::num_queued() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->queue.size();
}

void TransmitLimitedQueue::prune(std::size_t max_retained) {
  impl_->run([&](swim::BroadcastQueue& queue) { queue.prune(max_retained); });
}

void TransmitLimitedQueue::reset() {
  impl_->run([](swim::BroadcastQueue& queue) { queue.reset(); });
}

}  // namespace memberlist
