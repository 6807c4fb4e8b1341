#include "layer_rules.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cpp_text.hpp"

namespace memberlist::layers {
namespace {

using Names = std::set<std::string, std::less<>>;

// --- the table ----------------------------------------------------------------------------------

struct Room {
  Names rooms;                // that its sources may include, beside itself
  Names public_headers;       // of include/memberlist/; "*" is all
  Names single_headers = {};  // of other rooms
};

/// Public headers that are values and errors: what every room may speak in.
const Names kValueHeaders = {"address.hpp", "bytes.hpp",   "config.hpp",    "error.hpp",
                             "event.hpp",   "export.hpp",  "key.hpp",       "language.hpp",
                             "member.hpp",  "metrics.hpp", "name_text.hpp", "record_store.hpp",
                             "time.hpp",    "version.hpp"};
Names with(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

/// The rooms that make the engine, or feed it, also see its contract.
const Names kEngineHeaders = with(
    kValueHeaders, {"behaviour.hpp", "counter_table.hpp", "counters.hpp", "engine.hpp", "input.hpp",
                    "input_names.hpp", "output.hpp", "policy.hpp", "stream.hpp", "trace.hpp"});

/// The simulator also makes headers of its own.
const Names kSimulatorHeaders =
    with(kEngineHeaders,
         {"sim/check.hpp", "sim/link.hpp", "sim/scenario.hpp", "sim/swarm.hpp", "sim/world.hpp"});

/// The room that brings the transports sees what they are, and not the engine.
const Names kTransportHeaders =
    with(kValueHeaders, {"memory_network.hpp", "stream.hpp", "transport.hpp"});

const std::map<std::string, Room, std::less<>> kTable = {
    {"public", {{}, {"*"}}},
    {"base", {{}, kValueHeaders}},
    {"crypto", {{"base"}, kValueHeaders}},
    {"wire", {{"crypto", "base"}, kValueHeaders}},
    {"swim", {{"wire", "base"}, kEngineHeaders}},
    {"net", {{"wire", "base"}, kTransportHeaders}},
    {"api", {{"swim", "net", "base"}, {"*"}}},
    {"capi", {{"api"}, {"*"}}},
    // Its keyring reads what engines send.
    {"sim", {{"swim", "wire", "base"}, kSimulatorHeaders, {"crypto/keyring.hpp"}}},
    {"apps", {{"sim"}, {"*"}, {"base/edit_distance.hpp", "base/field_count.hpp", "base/text.hpp"}}},
};

/// Rooms whose every run must be the same for the same seed, on every compiler.
const Names kDeterministicRooms = {"swim", "wire", "sim"};

const Names kStandardHeaders = {"algorithm",
                                "any",
                                "array",
                                "atomic",
                                "barrier",
                                "bit",
                                "bitset",
                                "cassert",
                                "cctype",
                                "cerrno",
                                "cfloat",
                                "charconv",
                                "chrono",
                                "cinttypes",
                                "climits",
                                "cmath",
                                "compare",
                                "complex",
                                "concepts",
                                "condition_variable",
                                "coroutine",
                                "csignal",
                                "cstdarg",
                                "cstddef",
                                "cstdint",
                                "cstdio",
                                "cstdlib",
                                "cstring",
                                "ctime",
                                "deque",
                                "exception",
                                "execution",
                                "expected",
                                "filesystem",
                                "forward_list",
                                "fstream",
                                "functional",
                                "future",
                                "initializer_list",
                                "iomanip",
                                "ios",
                                "iosfwd",
                                "iostream",
                                "istream",
                                "iterator",
                                "latch",
                                "limits",
                                "list",
                                "locale",
                                "map",
                                "memory",
                                "memory_resource",
                                "mutex",
                                "new",
                                "numbers",
                                "numeric",
                                "optional",
                                "ostream",
                                "queue",
                                "random",
                                "ranges",
                                "ratio",
                                "regex",
                                "semaphore",
                                "set",
                                "shared_mutex",
                                "source_location",
                                "span",
                                "sstream",
                                "stack",
                                "stdexcept",
                                "stop_token",
                                "streambuf",
                                "string",
                                "string_view",
                                "syncstream",
                                "system_error",
                                "thread",
                                "tuple",
                                "type_traits",
                                "typeindex",
                                "typeinfo",
                                "unordered_map",
                                "unordered_set",
                                "utility",
                                "valarray",
                                "variant",
                                "vector",
                                "version"};

/// Those that bring threads, locks, clocks, files, or randomness that differs between compilers.
const Names kNotDeterministicHeaders = {"barrier",      "condition_variable",
                                        "csignal",      "ctime",
                                        "execution",    "filesystem",
                                        "fstream",      "future",
                                        "iostream",     "latch",
                                        "locale",       "mutex",
                                        "random",       "semaphore",
                                        "shared_mutex", "stop_token",
                                        "syncstream",   "thread"};

/// Words that are forbidden, by how they are spelled.
struct BannedWords {
  const char* rule;
  Names anywhere = {};
  Names called = {};       // only as a free function: `time(`, not `deadline.time(`
  Names qualified = {};    // only as std::x or ::x: alone it may be somebody's own
  Names asked_now = {};    // only as x(nullptr) and the like
  Names with_prefix = {};  // anything that starts so
  Names with_suffix = {};  // anything that ends so
};

const std::vector<BannedWords> kBannedWhereDeterministic = {
    {.rule = "no sockets in swim, wire and sim",
     .anywhere = {"AF_INET", "AF_INET6", "AF_UNIX", "SOCK_DGRAM", "SOCK_STREAM", "addrinfo"},
     .called = {"socket", "socketpair", "setsockopt", "getsockopt", "sendto", "recvfrom", "sendmsg",
                "recvmsg", "sendmmsg", "recvmmsg", "getaddrinfo", "gethostbyname", "gethostname",
                "getifaddrs"},
     .with_prefix = {"epoll_", "sockaddr", "io_uring"}},
    {.rule = "no threads in swim, wire and sim",
     .anywhere = {"jthread", "thread_local", "this_thread", "packaged_task"},
     .qualified = {"thread", "async", "future", "shared_future", "promise", "stop_token",
                   "stop_source", "latch", "barrier", "counting_semaphore", "binary_semaphore"},
     .with_prefix = {"pthread_"}},
    {.rule = "no mutexes in swim, wire and sim",
     .anywhere = {"mutex", "condition_variable", "condition_variable_any", "lock_guard",
                  "unique_lock", "scoped_lock", "shared_lock", "call_once", "once_flag"},
     .with_suffix = {"_mutex"}},
    {.rule = "no clocks in swim, wire and sim: time is an argument",
     .anywhere = {"system_clock", "steady_clock", "high_resolution_clock", "utc_clock", "tai_clock",
                  "gps_clock", "file_clock", "sleep_for", "sleep_until"},
     .called = {"clock_gettime", "gettimeofday", "timespec_get", "localtime", "localtime_r",
                "gmtime", "gmtime_r", "nanosleep", "usleep"},
     .qualified = {"time", "clock", "sleep"},
     .asked_now = {"time"}},
    {.rule = "no randomness but base/random.hpp in swim, wire and sim",
     .anywhere = {"random_device", "mt19937", "mt19937_64", "minstd_rand", "minstd_rand0",
                  "default_random_engine", "knuth_b", "seed_seq", "generate_canonical"},
     .called = {"rand", "srand", "rand_r", "srandom", "drand48", "erand48", "getrandom",
                "getentropy"},
     // These differ between standard libraries even with equal generators.
     .qualified = {"random", "shuffle", "sample", "random_shuffle"},
     .with_prefix = {"ranlux", "arc4random"},
     .with_suffix = {"_distribution", "_congruential_engine", "_twister_engine", "_carry_engine"}},
};

const std::vector<BannedWords> kBannedInLibrary = {
    {.rule = "the library reads no environment",
     .called = {"getenv", "secure_getenv", "setenv", "putenv"}},
};

// --- where a file lies, and what an include means -----------------------------------------------

std::string first_part(std::string_view path) {
  return std::string(path.substr(0, path.find('/')));
}

/// The room of a path relative to the root; empty where there are no rules.
std::string room_of(std::string_view path) {
  if (path.starts_with("include/")) return "public";
  if (path.starts_with("sim/")) return "sim";
  if (path.starts_with("apps/")) return "apps";
  if (!path.starts_with("src/")) return "";
  const std::string_view below = path.substr(4);
  return below.find('/') == std::string_view::npos ? "" : first_part(below);
}

/// What an include of the project's own points to; nothing, for other people's.
struct Target {
  std::string room;
  std::string header;
};

std::optional<Target> own_target(std::string_view path, const Include& include) {
  const std::string& name = include.name;
  const std::string first = first_part(name);
  const bool in_folder = first.size() < name.size();
  if (in_folder && first == "memberlist") return Target{"public", name.substr(first.size() + 1)};
  // <net/if.h> is the system's, "net/loop.hpp" and <net/loop.hpp> are ours.
  const bool ours = include.quoted || name.ends_with(".hpp");
  if (in_folder && ours && kTable.contains(first)) {
    return Target{first, name.substr(first.size() + 1)};
  }
  if (!include.quoted) return std::nullopt;
  const auto resolved = (std::filesystem::path(path).parent_path() / name).lexically_normal();
  const std::string room = room_of(resolved.generic_string());
  if (room.empty()) return std::nullopt;
  return Target{room, resolved.filename().generic_string()};
}

bool is_openssl(std::string_view name) { return name.starts_with("openssl/"); }

bool is_asio(std::string_view name) { return name == "asio.hpp" || name.starts_with("asio/"); }

// The processor's own instructions, which give the same everywhere.
constexpr std::string_view kInstructions = "immintrin.h";

bool is_c_ares(std::string_view name) { return name.starts_with("ares"); }

// --- the checks ---------------------------------------------------------------------------------

bool matches(const BannedWords& banned, const Word& word) {
  const std::string_view name = word.name;
  if (banned.anywhere.contains(name)) return true;
  if (banned.qualified.contains(name) && (word.std_qualified || word.root_qualified)) return true;
  if (banned.asked_now.contains(name) && word.null_argument && !word.member) return true;
  if (banned.called.contains(name) && word.called && !word.member) return true;
  const auto starts = [&](const std::string& prefix) { return name.starts_with(prefix); };
  const auto ends = [&](const std::string& suffix) { return name.ends_with(suffix); };
  return std::ranges::any_of(banned.with_prefix, starts) ||
         std::ranges::any_of(banned.with_suffix, ends);
}

class Checker {
 public:
  Checker(std::string_view path, std::string_view source)
      : path_(path),
        room_(room_of(path)),
        is_test_(path.ends_with("_test.cpp")),
        code_(without_comments_and_literals(source)) {}

  std::vector<Violation> check() {
    if (room_.empty()) return {};
    const auto found = kTable.find(room_);
    if (found == kTable.end()) {
      add(1, path_, "this room is not in the table of docs/architecture.md");
      return std::move(violations_);
    }
    for (const Include& include : includes_of(code_)) check_include(found->second, include);
    if (!is_test_) check_words();
    return std::move(violations_);
  }

 private:
  void add(std::size_t line, std::string_view text, std::string rule) {
    violations_.push_back({line, std::string(text), std::move(rule)});
  }

  void check_include(const Room& rules, const Include& include) {
    if (!include.readable) {
      add(include.line, include.name, "an include by macro cannot be checked");
    } else if (const auto target = own_target(path_, include)) {
      check_own(rules, include, *target);
    } else if (!is_test_) {
      check_foreign(include);
    }
  }

  void check_own(const Room& rules, const Include& include, const Target& target) {
    if (target.room == "public") {
      const bool allowed = is_test_ || rules.public_headers.contains("*") ||
                           rules.public_headers.contains(target.header);
      if (!allowed) add(include.line, include.name, room_ + " may not see this public header");
    } else if (target.room != room_ && !rules.rooms.contains(target.room) &&
               !rules.single_headers.contains(target.room + "/" + target.header) &&
               !(is_test_ && reaches(room_, target.room))) {
      add(include.line, include.name, room_ + " may not include " + target.room);
    }
  }

  /// Whether there is a way of arrows: a test may use all that its room stands on.
  static bool reaches(const std::string& from, std::string_view to) {
    return std::ranges::any_of(kTable.at(from).rooms, [&](const std::string& room) {
      return room == to || reaches(room, to);
    });
  }

  void check_foreign(const Include& include) {
    const std::string& name = include.name;
    if (room_ == "public" && !kStandardHeaders.contains(name)) {
      add(include.line, name, "public headers include std and memberlist/ only");
    }
    if (is_openssl(name) && room_ != "crypto") {
      add(include.line, name, "OpenSSL is for crypto alone");
    }
    if (is_c_ares(name) && room_ != "net") {
      add(include.line, name, "c-ares is for net alone");
    }
    if (is_asio(name)) {
      add(include.line, name, "the loop is net's own: Asio is for examples alone");
    }
    if (name.starts_with("boost/") && room_ != "apps") {
      add(include.line, name, "Boost is for the program's admin server alone");
    }
    if (kDeterministicRooms.contains(room_)) check_deterministic(include);
  }

  void check_deterministic(const Include& include) {
    const std::string& name = include.name;
    if (kNotDeterministicHeaders.contains(name)) {
      add(include.line, name, "threads, locks, clocks, files and <random> stay out of " + room_);
    } else if (!kStandardHeaders.contains(name) && !name.starts_with("fmt/") &&
               name != kInstructions) {
      add(include.line, name, room_ + " includes std, fmt and the rooms below it only");
    }
  }

  void check_words() {
    const std::vector<Word> words = words_of(code_);
    if (kDeterministicRooms.contains(room_)) check_words(words, kBannedWhereDeterministic);
    if (room_ != "apps") check_words(words, kBannedInLibrary);
  }

  void check_words(const std::vector<Word>& words, const std::vector<BannedWords>& rules) {
    for (const BannedWords& banned : rules) {
      for (const Word& word : words) {
        if (matches(banned, word)) add(word.line, word.name, banned.rule);
      }
    }
  }

  std::string path_;
  std::string room_;
  bool is_test_;
  std::string code_;
  std::vector<Violation> violations_;
};

}  // namespace

std::vector<Violation> check_file(std::string_view path, std::string_view source) {
  return Checker(path, source).check();
}

std::vector<std::string> rooms() {
  std::vector<std::string> names;
  names.reserve(kTable.size());
  for (const auto& [name, room] : kTable) names.push_back(name);
  return names;
}

std::set<std::string, std::less<>> seen_by(std::string_view room) {
  const auto found = kTable.find(room);
  if (found == kTable.end()) return {};
  Names seen = found->second.rooms;
  seen.insert(found->second.single_headers.begin(), found->second.single_headers.end());
  return seen;
}

std::set<std::string, std::less<>> public_headers_seen_by(std::string_view room) {
  const auto found = kTable.find(room);
  return found == kTable.end() ? Names{} : found->second.public_headers;
}

}  // namespace memberlist::layers
