#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/input.hpp"
#include "memberlist/output.hpp"
#include "memberlist/policy.hpp"

// Recordings of what engines are given. Another engine that is given the same must put out the
// same: a run can be examined again, and a test can show that nothing else influences an engine.
namespace memberlist::sim {

/// An input that owns the bytes of its views.
class KeptInput {
 public:
  explicit KeptInput(Input input);
  KeptInput(KeptInput&&) noexcept = default;             ///< the bytes stay where they are
  KeptInput& operator=(KeptInput&&) noexcept = default;  ///< the bytes stay where they are
  KeptInput(const KeptInput&) = delete;  // a copy's views would point to the original's bytes
  KeptInput& operator=(const KeptInput&) = delete;
  ~KeptInput() = default;

  [[nodiscard]] const Input& input() const noexcept { return input_; }

 private:
  void keep(BytesView& view);
  void keep(std::string_view& view);

  std::vector<Bytes> bytes_;
  Input input_;
};

/// What a function of a policy returned: a verdict, messages to add to a packet, a user state or a
/// payload, or whether to ping by TCP.
using PolicyAnswer = std::variant<Result<void>, std::vector<Bytes>, Bytes, bool>;

/// Everything that an engine was created with and given. Contains keys and messages in clear.
struct Recording {
  struct Step {
    TimePoint now;
    KeptInput input;
  };

  /// A place in the recording.
  struct Position {
    std::size_t steps = 0;
    std::size_t answers = 0;
    std::size_t nonce_bytes = 0;
  };
  /// The place after what is recorded so far.
  [[nodiscard]] Position end() const noexcept {
    return {steps.size(), answers.size(), nonces.size()};
  }

  Config config;
  EngineEnvironment environment;  ///< without its functions and its policy
  bool with_policy = false;
  std::vector<Step> steps;
  std::vector<PolicyAnswer> answers;
  Bytes nonces;
};

/// Records what one engine is given.
class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;  // the engine has references to it
  Recorder& operator=(const Recorder&) = delete;

  /// The environment for an engine of this configuration: the same as `environment`, with its
  /// functions and its policy wrapped. This object must outlive the engine. To be called once.
  [[nodiscard]] EngineEnvironment attach(const Config& config, EngineEnvironment environment);
  [[nodiscard]] const Recording& recording() const noexcept { return recording_; }

 private:
  class ListeningPolicy;

  Recording recording_;
  std::unique_ptr<ListeningPolicy> policy_;
};

/// Gives an engine what another one was given, starting at a place in the recording.
class Replay {
 public:
  /// The recording must outlive this, and may grow until `run`.
  explicit Replay(const Recording& recording, Recording::Position from = {});
  ~Replay();
  Replay(const Replay&) = delete;  // the engine has references to it
  Replay& operator=(const Replay&) = delete;

  /// The environment to create or clone the engine with. This object must outlive it.
  [[nodiscard]] EngineEnvironment environment();
  /// Applies each step that is left, and hands the outputs of each to `see`. Throws
  /// std::logic_error if the engine asks for more, or for something else, than the recorded one
  /// did.
  void run(Engine& engine, const std::function<void(std::span<Output>)>& see);

 private:
  class RecordedPolicy;

  void fill_nonce(std::span<std::byte> out);

  const Recording& recording_;
  Recording::Position at_;
  std::unique_ptr<RecordedPolicy> policy_;
};

/// The digest of all outputs of a new engine that is given the whole recording.
[[nodiscard]] std::uint64_t digest_of_replay(const Recording& recording);

}  // namespace memberlist::sim
