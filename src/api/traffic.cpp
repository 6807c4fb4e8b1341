// Memberlist::Impl: the work of the loop's thread, between the transport and the engine.

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "api/memberlist_impl.hpp"

namespace memberlist {

// --- from the transport -------------------------------------------------------------------------

template <class Input>
void Memberlist::Impl::feed(Input&& input) {
  if (stopping()) return;
  in_turn_ = true;
  run_commands();
  input(*engine_, net::Loop::now());
  // Before anything is sent: a peer may act on it, and the application then read a view here.
  const std::uint64_t dropped = transport_->packets_dropped();
  publish();
  carry_out_all();
  in_turn_ = false;
  if (transport_->packets_dropped() != dropped) publish();
  taken_.clear();
  deliver();
}

// Before every input: whatever arrives after a call has returned finds it carried out.
void Memberlist::Impl::run_commands() {
  commands_.take(taken_);
  for (const api::Command& command : taken_) command.run(*engine_, net::Loop::now());
}

void Memberlist::Impl::publish() {
  published_.publish(*engine_, transport_ ? transport_->packets_dropped() : 0);
}

void Memberlist::Impl::on_packets(std::span<const ReceivedPacket> packets) {
  feed([packets](Engine& engine, TimePoint now) {
    for (const auto& packet : packets) {
      engine.handle_packet(now, packet.from, packet.bytes, packet.asked);
    }
  });
}

void Memberlist::Impl::on_send_error(const Address& to, const Error& error) {
  feed([&](Engine& engine, TimePoint now) { engine.handle_send_error(now, to, error); });
}

std::optional<StreamId> Memberlist::Impl::on_accept(const Address& from) {
  if (stopping()) return std::nullopt;
  in_turn_ = true;
  const std::optional<StreamId> id = engine_->handle_accept(net::Loop::now(), from);
  in_turn_ = false;
  // Outputs have to wait: the transport does not know the stream yet.
  post([](Impl& self) { self.flush(); });
  return id;
}

void Memberlist::Impl::on_stream(StreamId id, const StreamEvent& event) {
  feed([&](Engine& engine, TimePoint now) { engine.handle_stream(now, id, event); });
}

void Memberlist::Impl::on_accept_error(const Error& error) {
  log({LogLevel::warning, error.message, {}, {{"error", std::string(to_string(error.code))}}});
  Event event = Failure{error};
  if (events_->has_handler()) events_->push({&event, 1});
}

void Memberlist::Impl::on_deadline() {
  feed([](Engine& engine, TimePoint now) { engine.handle_deadline(now); });
}

void Memberlist::Impl::flush() {
  feed([](Engine&, TimePoint) {});
}

// --- from the application ------------------------------------------------------------------------

void Memberlist::Impl::cancel(const CallPointer& call) {
  flush();  // what was called before is under way by now
  std::optional<OperationId> abort;
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::find(calls_, call, [](const auto& entry) { return entry.second; });
    if (at != calls_.end() && call->on_cancel() == api::Call::OnCancel::abort) {
      abort = at->first;
    } else if (at != calls_.end()) {
      calls_.erase(at);
    } else if (waiting_.erase(call) == 0) {
      return;  // it has ended
    }
  }
  pauses_.erase(call);
  if (!abort) return call->complete(std::unexpected(api::cancelled_error()));
  feed([abort](Engine& engine, TimePoint now) {
    engine.cancel(now, *abort, api::cancelled_error());
  });
}

// --- to the transport ---------------------------------------------------------------------------

void Memberlist::Impl::carry_out_all() {
  for (Output& output : engine_->outputs()) carry_out(output);
  transport_->flush();
  engine_->clear_outputs();
  deadline_->set(engine_->next_deadline());
}

void Memberlist::Impl::carry_out(Output& output) {
  std::visit(
      [this](auto& what) {
        using What = std::remove_reference_t<decltype(what)>;
        if constexpr (std::is_same_v<What, SendPacket>) {
          transport_->send_from(what.from, what.to, what.bytes);
        } else if constexpr (std::is_same_v<What, DialStream>) {
          transport_->dial_from(what.from, what.id, what.to);
        } else if constexpr (std::is_same_v<What, WriteStream>) {
          transport_->write(what.id, std::move(what.bytes));
        } else if constexpr (std::is_same_v<What, CloseStream>) {
          transport_->close(what.id);
        } else if constexpr (std::is_same_v<What, AbortStream>) {
          transport_->abort(what.id);
        } else if constexpr (std::is_same_v<What, Event>) {
          if (events_->has_handler()) new_events_.push_back(std::move(what));
        } else if constexpr (std::is_same_v<What, LogRecord>) {
          if (handlers_.on_log) new_logs_.push_back(std::move(what));
        } else if constexpr (std::is_same_v<What, MetricRecord>) {
          metrics_.collect(what);
        } else if constexpr (std::is_same_v<What, TraceRecord>) {
          // EngineEnvironment::trace is off.
        } else {
          static_assert(std::is_same_v<What, Completion>);
          // Several calls may wait for one operation (leave).
          const std::lock_guard lock(mutex_);
          const auto [begin, end] = calls_.equal_range(what.id);
          for (auto at = begin; at != end; ++at) {
            new_outcomes_.emplace_back(at->second, what.result);
          }
          calls_.erase(begin, end);
        }
      },
      output);
}

// --- to the application -------------------------------------------------------------------------

void Memberlist::Impl::deliver() {
  for (const LogRecord& record : new_logs_) log(record);
  new_logs_.clear();
  metrics_.deliver();
  if (events_->push(new_events_)) {
    log({LogLevel::warning,
         fmt::format("the event handler is slow: user messages are dropped, the oldest first (at "
                     "most {} wait); {} so far",
                     config_.handoff_queue_depth, events_->dropped()),
         {},
         {{"dropped", std::to_string(events_->dropped())}}});
  }
  new_events_.clear();
  // A callback may start something that brings further outcomes.
  for (auto& [call, outcome] : std::exchange(new_outcomes_, {})) call->complete(std::move(outcome));
}

void Memberlist::Impl::log(const LogRecord& record) const {
  if (handlers_.on_log) handlers_.on_log(record);
}

}  // namespace memberlist
