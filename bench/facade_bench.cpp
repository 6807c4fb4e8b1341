// What an application pays for calls of a running Memberlist, from a thread that is not the
// protocol's: a view of a quiet table, a view after one member has changed, and a message.

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/samples.hpp"
#include "memberlist/memberlist.hpp"

namespace memberlist::bench {
namespace {

/// Sends nothing, and receives what the benchmark hands in.
class Wire final : public Transport {
 public:
  explicit Wire(const TransportSetup& setup) : setup_(setup) {}

  void start() override {}
  [[nodiscard]] Address local_address() const override {
    return {IpAddress::v4(192, 168, 0, 1), 7946};
  }
  void send(const Address& /*to*/, BytesView bytes) override {
    benchmark::DoNotOptimize(bytes.data());
  }
  void flush() override {}
  void dial(StreamId /*id*/, const Address& /*to*/) override {}
  void write(StreamId /*id*/, Bytes /*bytes*/) override {}
  void close(StreamId /*id*/) override {}
  void abort(StreamId /*id*/) override {}
  void finish(Duration /*limit*/, std::function<void()> done) override {
    setup_.executor->post(std::move(done));
  }

  /// Returns when the member has taken the packet in.
  void receive(Bytes packet) {
    std::atomic<bool> taken = false;
    setup_.executor->post([&] {
      const std::vector<ReceivedPacket> packets{
          {.from = {IpAddress::v4(10, 0, 0, 0), 7946}, .bytes = packet}};
      setup_.handler->on_packets(packets);
      taken = true;
    });
    while (!taken) std::this_thread::yield();
  }
  /// The processor time that the protocol's thread has used, in seconds.
  [[nodiscard]] double used() {
    std::promise<double> used;
    setup_.executor->post([&] {
      timespec time{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      used.set_value(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9);
    });
    return used.get_future().get();
  }

 private:
  TransportSetup setup_;
};

class Facade {
 public:
  explicit Facade(std::size_t members)
      : members_(sample_members(static_cast<std::uint32_t>(members))) {
    Config config;
    config.name = "self";
    config.probe_interval = Duration::zero();
    config.gossip_interval = Duration::zero();
    config.push_pull_interval = Duration::zero();
    auto created = Memberlist::create(
        std::move(config), {},
        {.runtime = std::nullopt, .transport = [this](const TransportSetup& setup) {
           auto wire = std::make_unique<Wire>(setup);
           wire_ = wire.get();
           return Result<std::unique_ptr<Transport>>(std::move(wire));
         }});
    if (!created) std::abort();
    list_ = std::make_unique<Memberlist>(*std::move(created));
    for (std::size_t i = 0; i < members; ++i) change_one();
  }

  /// Another member has news.
  void change_one() {
    Bytes message;
    ByteWriter writer(message);
    wire::encode(writer,
                 members_[changes_ % members_.size()].alive(
                     kFirstIncarnation + static_cast<std::uint32_t>(changes_ / members_.size())));
    ++changes_;
    const std::vector<BytesView> parts{message};
    Bytes room(message.size() + wire::PacketSealer::kMaxOverheadBytes);
    wire_->receive(to_bytes(sealer_.seal(sealing_, parts, false, room)));
  }
  [[nodiscard]] Memberlist& list() noexcept { return *list_; }
  [[nodiscard]] std::string name(std::size_t member) const { return members_[member].name(); }
  [[nodiscard]] double used() { return wire_->used(); }
  [[nodiscard]] std::size_t known() const { return list_->members()->size(); }

 private:
  std::vector<SampleMember> members_;
  wire::Sealing sealing_;
  wire::PacketSealer sealer_;
  std::uint64_t changes_ = 0;
  Wire* wire_ = nullptr;
  std::unique_ptr<Memberlist> list_;
};

// A view while nothing changes.
void view_quiet(benchmark::State& state) {
  Facade facade(static_cast<std::size_t>(state.range(0)));
  if (facade.known() != static_cast<std::size_t>(state.range(0)) + 1) std::abort();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(facade.list().members());
}

// One member changes, and nobody looks.
void change_unseen(benchmark::State& state) {
  Facade facade(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) facade.change_one();
}

// One member changes, and somebody looks: the difference to `change_unseen` is the new view.
void change_seen(benchmark::State& state) {
  Facade facade(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    facade.change_one();
    benchmark::DoNotOptimize(facade.list().members());
  }
}

// A hundred changes a second, while ten threads each look a hundred times a second: how much of the
// protocol's thread that takes.
void churn_with_readers(benchmark::State& state) {
  constexpr int kReaders = 10;
  constexpr auto kPause = std::chrono::milliseconds(10);
  constexpr int kChanges = 200;
  Facade facade(static_cast<std::size_t>(state.range(0)));
  std::vector<std::jthread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&facade, kPause](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        benchmark::DoNotOptimize(facade.list().members());
        std::this_thread::sleep_for(kPause);
      }
    });
  }
  double share = 0;
  for ([[maybe_unused]] auto _ : state) {
    const double before = facade.used();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < kChanges; ++i) {
      facade.change_one();
      std::this_thread::sleep_until(began + (i + 1) * kPause);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    share = (facade.used() - before) / took.count();
  }
  state.counters["percent_of_the_thread"] = 100 * share;
}

// One member by its name, and the counters: what a program asks for often.
void look_up(benchmark::State& state) {
  Facade facade(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(facade.list().member(facade.name(500)));
    benchmark::DoNotOptimize(facade.list().counters());
  }
}

// A message of 100 bytes, best effort; the pace is that of the protocol's thread where it is
// slower.
void send_message(benchmark::State& state) {
  Facade facade(1000);
  const Bytes payload(100);
  for ([[maybe_unused]] auto _ : state) {
    if (!facade.list().send(facade.name(500), payload)) std::abort();
  }
}

// The same in bursts that fit the queue: what the caller pays.
void send_burst(benchmark::State& state) {
  constexpr int kBurst = 500;
  Facade facade(1000);
  const Bytes payload(100);
  for ([[maybe_unused]] auto _ : state) {
    for (int i = 0; i < kBurst; ++i) {
      if (!facade.list().send(facade.name(500), payload)) std::abort();
    }
    state.PauseTiming();
    facade.change_one();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kBurst);
}

BENCHMARK(view_quiet)->Arg(1000)->Arg(10'000)->UseRealTime();
BENCHMARK(change_unseen)->Arg(1000)->Arg(10'000)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(change_seen)->Arg(1000)->Arg(10'000)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(churn_with_readers)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->UseRealTime();
BENCHMARK(look_up)->Arg(10'000)->UseRealTime();
BENCHMARK(send_message)->UseRealTime();
BENCHMARK(send_burst)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace memberlist::bench
