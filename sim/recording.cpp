#include "sim/recording.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/overloaded.hpp"
#include "sim/digest.hpp"

namespace memberlist::sim {
namespace {

[[noreturn]] void diverged(const char* what) {
  throw std::logic_error(std::string("the replay asks for what was not recorded: ") + what);
}

}  // namespace

// --- an input that keeps its bytes

KeptInput::KeptInput(Input input) : input_(std::move(input)) {
  const auto keep_choice = [this](input::KeyChoice& key) {
    std::visit([this](auto& view) { keep(view); }, key);
  };
  std::visit(Overloaded{
                 [&](input::Packet& packet) { keep(packet.bytes); },
                 [&](input::Stream& stream) {
                   if (auto* data = std::get_if<StreamData>(&stream.event)) keep(data->bytes);
                 },
                 [&](input::UpdateMeta& update) { keep(update.meta); },
                 [&](input::SendBestEffort& message) { keep(message.payload); },
                 [&](input::SendReliable& message) { keep(message.payload); },
                 [&](input::Broadcast& message) {
                   keep(message.payload);
                   keep(message.name);
                 },
                 [&](input::Ping& ping) { keep(ping.member); },
                 [&](input::AddKey& key) { keep(key.key); },
                 [&](input::UseKey& choice) { keep_choice(choice.key); },
                 [&](input::RemoveKey& choice) { keep_choice(choice.key); },
                 [](input::SendError&) {},
                 [](input::Accept&) {},
                 [](input::Deadline&) {},
                 [](input::Join&) {},
                 [](input::Leave&) {},
                 [](input::Advertise&) {},
                 [](input::Cancel&) {},
                 [](input::SetGossipVerify&) {},
             },
             input_);
}

void KeptInput::keep(BytesView& view) {
  bytes_.push_back(to_bytes(view));
  view = bytes_.back();
}

void KeptInput::keep(std::string_view& view) {
  bytes_.push_back(to_bytes(view));
  view = as_text(bytes_.back());
}

// --- recording

/// Asks another policy, and records what it returns.
class Recorder::ListeningPolicy final : public Policy {
 public:
  ListeningPolicy(Policy& asked, std::vector<PolicyAnswer>& answers)
      : asked_(asked), answers_(answers) {}

  Result<void> notify_alive(const MemberRecord& peer) override {
    return noted(asked_.notify_alive(peer));
  }
  Result<void> notify_merge(std::span<const MemberRecord> peers) override {
    return noted(asked_.notify_merge(peers));
  }
  void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                       std::vector<Bytes>& messages) override {
    const auto before = static_cast<std::ptrdiff_t>(messages.size());
    asked_.fill_broadcasts(overhead_bytes, limit_bytes, messages);
    answers_.emplace_back(std::vector<Bytes>(messages.begin() + before, messages.end()));
  }
  Bytes local_state(bool join) override { return noted(asked_.local_state(join)); }
  Bytes ack_payload() override { return noted(asked_.ack_payload()); }
  void notify_ping(const MemberRecord& peer, Duration round_trip, BytesView payload) override {
    asked_.notify_ping(peer, round_trip, payload);
  }
  bool allow_tcp_ping(const MemberRecord& peer) override {
    return noted(asked_.allow_tcp_ping(peer));
  }

 private:
  template <class Answer>
  Answer noted(Answer answer) {
    answers_.emplace_back(answer);
    return answer;
  }

  Policy& asked_;
  std::vector<PolicyAnswer>& answers_;
};

Recorder::Recorder() = default;
Recorder::~Recorder() = default;

EngineEnvironment Recorder::attach(const Config& config, EngineEnvironment environment) {
  recording_.config = config;
  recording_.environment.advertise = environment.advertise;
  recording_.environment.now = environment.now;
  recording_.environment.seed = environment.seed;
  recording_.environment.secret = environment.secret;
  recording_.environment.metrics = environment.metrics;
  recording_.with_policy = environment.policy != nullptr;

  environment.on_input = [this, also = std::move(environment.on_input)](TimePoint now,
                                                                        const Input& input) {
    recording_.steps.push_back({now, KeptInput(input)});
    if (also) also(now, input);
  };
  if (environment.nonce_source) {
    environment.nonce_source =
        [this, source = std::move(environment.nonce_source)](std::span<std::byte> out) {
          source(out);
          recording_.nonces.insert(recording_.nonces.end(), out.begin(), out.end());
        };
  }
  if (environment.policy != nullptr) {
    policy_ = std::make_unique<ListeningPolicy>(*environment.policy, recording_.answers);
    environment.policy = policy_.get();
  }
  return environment;
}

// --- replaying

/// Returns the recorded answers, one after the other.
class Replay::RecordedPolicy final : public Policy {
 public:
  explicit RecordedPolicy(Replay& replay) : replay_(replay) {}

  Result<void> notify_alive(const MemberRecord&) override { return next<Result<void>>(); }
  Result<void> notify_merge(std::span<const MemberRecord>) override { return next<Result<void>>(); }
  void fill_broadcasts(std::size_t, std::size_t, std::vector<Bytes>& messages) override {
    const auto& more = next<std::vector<Bytes>>();
    messages.insert(messages.end(), more.begin(), more.end());
  }
  Bytes local_state(bool) override { return next<Bytes>(); }
  Bytes ack_payload() override { return next<Bytes>(); }
  void notify_ping(const MemberRecord&, Duration, BytesView) override {}
  bool allow_tcp_ping(const MemberRecord&) override { return next<bool>(); }

 private:
  template <class Answer>
  const Answer& next() {
    const auto& answers = replay_.recording_.answers;
    if (replay_.at_.answers == answers.size()) diverged("a decision");
    const auto* answer = std::get_if<Answer>(&answers[replay_.at_.answers++]);
    if (answer == nullptr) diverged("another decision");
    return *answer;
  }

  Replay& replay_;
};

Replay::Replay(const Recording& recording, Recording::Position from)
    : recording_(recording), at_(from), policy_(std::make_unique<RecordedPolicy>(*this)) {}
Replay::~Replay() = default;

EngineEnvironment Replay::environment() {
  EngineEnvironment environment = recording_.environment;
  environment.nonce_source = [this](std::span<std::byte> out) { fill_nonce(out); };
  if (recording_.with_policy) environment.policy = policy_.get();
  return environment;
}

void Replay::fill_nonce(std::span<std::byte> out) {
  const BytesView left = BytesView(recording_.nonces).subspan(at_.nonce_bytes);
  if (left.size() < out.size()) diverged("a nonce");
  std::ranges::copy(left.first(out.size()), out.begin());
  at_.nonce_bytes += out.size();
}

void Replay::run(Engine& engine, const std::function<void(std::span<Output>)>& see) {
  for (; at_.steps < recording_.steps.size(); ++at_.steps) {
    const Recording::Step& step = recording_.steps[at_.steps];
    engine.apply(step.now, step.input.input());
    see(engine.outputs());
    engine.clear_outputs();
  }
}

std::uint64_t digest_of_replay(const Recording& recording) {
  std::uint64_t digest = 0;
  const auto add = [&digest](std::span<Output> outputs) {
    for (const Output& output : outputs) digest = add_to_digest(digest, output);
  };
  Replay replay(recording);
  Result<Engine> engine = Engine::create(recording.config, replay.environment());
  if (!engine) diverged("an engine");
  add(engine->outputs());
  engine->clear_outputs();
  replay.run(*engine, add);
  return digest;
}

}  // namespace memberlist::sim
