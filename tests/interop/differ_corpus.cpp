#include "differ_corpus.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "../support/golden.hpp"
#include "base/byte_reader.hpp"
#include "base/random.hpp"
#include "wire/messages.hpp"

namespace memberlist::interop {
namespace {

using testing::from_hex;

// Longer ones are taken as they are, and cut and changed at some places only.
constexpr std::size_t kMaxBytesChangedEach = 64;
constexpr std::size_t kPlacesInLongOnes = 16;
// Decompressed; larger ones are taken as they are.
constexpr std::size_t kMaxPlainChanged = 1500;
constexpr std::size_t kMixedCases = 6000;

void append(Bytes& to, BytesView more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes joined(std::initializer_list<BytesView> parts) {
  Bytes all;
  for (const BytesView part : parts) append(all, part);
  return all;
}

// Tags of msgpack, so that a changed byte often becomes another type.
constexpr std::array<unsigned, 40> kBytesOfInterest = {
    0x00, 0x01, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf,
    0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd9, 0xda, 0xdb, 0xdc, 0xde, 0xe0, 0xff};

// Values of every type, and of every width and sign.
const std::vector<Bytes>& values() {
  static const std::vector<Bytes> kValues = [] {
    std::vector<Bytes> all;
    for (const char* hex :
         {// integers: fixint, unsigned, signed; small ones in wide forms; the edges of each width
          "00", "05", "7f", "ff", "e0", "cc00", "cc05", "ccff", "cd0005", "cdffff", "ce00000005",
          "ce00010000", "ceffffffff", "cf0000000000000005", "cf00000000ffffffff",
          "cf0000000100000000", "cf7fffffffffffffff", "cf8000000000000000", "cfffffffffffffffff",
          "d005", "d0ff", "d080", "d10005", "d17fff", "d1ffff", "d200000005", "d27fffffff",
          "d2ffffffff", "d280000000", "d30000000000000005", "d300000000ffffffff",
          "d30000000100000000", "d3ffffffffffffffff", "d38000000000000000",
          // strings and byte arrays: raw, str8, bin; announced lengths that are not there
          "a0", "a3616263", "d900", "d903616263", "da0003616263", "db00000003616263", "c400",
          "c403616263", "c50003616263", "c600000003616263", "a47f000001", "c4047f000001", "daffff",
          "dbffffffff", "db7fffffff", "c6ffffffff", "c6fffffff0616263", "d9ff61",
          // nil, booleans, floats
          "c0", "c1", "c2", "c3", "ca3f800000", "ca40200000", "cb3ff0000000000000",
          "cb4004000000000000",
          // arrays, maps, extensions, the last two announcing more than there is
          "90", "93010203", "9161", "dc00020102", "dd00000001c0", "80", "8101a161", "81a16101",
          "de0001a16101", "df00000001a16101", "d401ff", "d5010203", "d6ff00000000",
          "d7ff0000000000000000", "c70301616263", "c8000301616263", "c9000000030161626300",
          "ddffffffff", "dfffffffff", "c9ffffffff01"}) {
      all.push_back(from_hex(hex));
    }
    return all;
  }();
  return kValues;
}

struct Field {
  std::string name;
  Bytes value;
};
using Fields = std::vector<Field>;

Bytes raw(std::string_view text) {
  Bytes out(1 + text.size());
  out[0] = static_cast<std::byte>(0xa0U | text.size());
  std::ranges::copy(as_bytes(text), out.begin() + 1);
  return out;
}

Bytes map_of(const Fields& fields) {
  Bytes out{static_cast<std::byte>(0x80U | fields.size())};
  for (const Field& field : fields) append(out, joined({raw(field.name), field.value}));
  return out;
}

// Each body of protocol section 4, with values that are usual.
std::map<std::string, Fields> bodies() {
  const Bytes number = from_hex("ce01020304");
  const Bytes port = from_hex("cd1f0a");
  const Bytes address = from_hex("a47f000001");
  const Bytes vsn = from_hex("a6010502000000");
  const Bytes small = from_hex("02");
  const Bytes yes = from_hex("c3");
  const Fields accusation = {{"From", raw("b")}, {"Incarnation", number}, {"Node", raw("a")}};
  return {
      {"ping",
       {{"Node", raw("a")},
        {"SeqNo", number},
        {"SourceAddr", address},
        {"SourceNode", raw("b")},
        {"SourcePort", port}}},
      {"indirect_ping",
       {{"Nack", yes},
        {"Node", raw("a")},
        {"Port", port},
        {"SeqNo", number},
        {"SourceAddr", address},
        {"SourceNode", raw("b")},
        {"SourcePort", port},
        {"Target", address}}},
      {"ack", {{"Payload", raw("xy")}, {"SeqNo", number}}},
      {"nack", {{"SeqNo", number}}},
      {"error", {{"Error", raw("no")}}},
      {"suspect", accusation},
      {"dead", accusation},
      {"alive",
       {{"Addr", address},
        {"Incarnation", number},
        {"Meta", raw("m")},
        {"Node", raw("a")},
        {"Port", port},
        {"Vsn", vsn}}},
      {"push_pull_header", {{"Join", yes}, {"Nodes", small}, {"UserStateLen", small}}},
      {"node_state",
       {{"Addr", address},
        {"Incarnation", number},
        {"Meta", raw("m")},
        {"Name", raw("a")},
        {"Port", port},
        {"State", small},
        {"Vsn", vsn}}},
      {"user_header", {{"UserMsgLen", small}}},
      {"compressed", {{"Algo", from_hex("00")}, {"Buf", raw("xyz")}}},
  };
}

class Corpus {
 public:
  explicit Corpus(std::uint64_t seed) : random_(seed) {}

  void add(const std::string& kind, Bytes bytes) {
    if (seen_.emplace(kind, bytes).second) cases_.push_back({kind, std::move(bytes)});
  }

  /// The bytes, cut off anywhere, and with any one byte changed.
  void add_with_changes(const std::string& kind, const Bytes& bytes) {
    add(kind, bytes);
    add(kind, joined({bytes, from_hex("c1")}));
    for (const std::size_t at : places(bytes.size())) {
      add(kind, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
      for (const unsigned value : kBytesOfInterest) changed(kind, bytes, at, value);
      for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
        changed(kind, bytes, at, std::to_integer<unsigned>(bytes[at]) ^ bit);
      }
    }
  }

  /// The fields in other orders, other forms, twice, not at all, and with others between.
  void add_fields(const std::string& kind, const Fields& fields) {
    add_with_changes(kind, map_of(fields));
    add(kind, map_of({fields.rbegin(), fields.rend()}));
    for (std::size_t i = 0; i < fields.size(); ++i) {
      Fields less = fields;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
      add(kind, map_of(less));
      for (const Bytes& value : values()) {
        Fields other = fields;
        other[i].value = value;
        add(kind, map_of(other));
        Fields twice = fields;
        twice.push_back({fields[i].name, value});
        add(kind, map_of(twice));
        std::swap(twice[i], twice.back());
        add(kind, map_of(twice));
      }
      add_keys(kind, fields, i);
    }
    for (const Bytes& value : values()) {
      Fields more = fields;
      more.insert(more.begin() + static_cast<std::ptrdiff_t>(random_.below(more.size() + 1)),
                  {"Later", value});
      add(kind, map_of(more));
      add(kind, value);  // a body that is no map
    }
    add_headers(kind, fields);
  }

  /// Several changes at once to what is here already, and random bytes.
  void add_mixed(std::size_t count) {
    const std::size_t known = cases_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Case from = cases_[random_.below(known)];
      Bytes bytes = from.bytes;
      for (std::uint64_t left = 1 + random_.below(std::uint64_t{4}); left > 0; --left) {
        if (bytes.empty()) break;
        const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(random_.below(bytes.size()));
        const std::uint64_t how = random_.below(std::uint64_t{3});
        if (how == 0) {
          *at = static_cast<std::byte>(random_.below(std::uint64_t{256}));
        } else if (how == 1) {
          bytes.erase(at);
        } else {
          const Bytes& value = values()[random_.below(values().size())];
          bytes.insert(at, value.begin(), value.end());
        }
      }
      add(from.kind, std::move(bytes));
    }
  }

  std::vector<Case> take() { return std::move(cases_); }

 private:
  void changed(const std::string& kind, Bytes bytes, std::size_t at, unsigned value) {
    bytes[at] = static_cast<std::byte>(value);
    add(kind, std::move(bytes));
  }

  std::set<std::size_t> places(std::size_t size) {
    std::set<std::size_t> all;
    if (size <= kMaxBytesChangedEach) {
      for (std::size_t i = 0; i < size; ++i) all.insert(i);
      return all;
    }
    while (all.size() < kPlacesInLongOnes) all.insert(random_.below(size));
    return all;
  }

  // A key of another family, or of another type.
  void add_keys(const std::string& kind, const Fields& fields, std::size_t which) {
    const std::string& name = fields[which].name;
    const auto size = static_cast<std::byte>(name.size());
    std::vector<Bytes> keys = {
        joined({Bytes{std::byte{0xd9}, size}, as_bytes(name)}),
        joined({Bytes{std::byte{0xc4}, size}, as_bytes(name)}),
        joined({Bytes{std::byte{0xda}, std::byte{0}, size}, as_bytes(name)}),
        joined({Bytes{std::byte{0x90} | size}, as_bytes(name)}),  // an array of its letters
        raw(name.substr(1)),
        raw(name + "s"),
        raw(std::string(1, static_cast<char>(name[0] | 0x20)) + name.substr(1)),
    };
    keys.insert(keys.end(), values().begin(), values().end());
    for (const Bytes& key : keys) {
      Bytes body{static_cast<std::byte>(0x80U | fields.size())};
      for (std::size_t i = 0; i < fields.size(); ++i) {
        append(body, joined({i == which ? key : raw(fields[i].name), fields[i].value}));
      }
      add(kind, std::move(body));
    }
  }

  // Other headers of the map, arrays in its place, and fields that are nested deeply.
  void add_headers(const std::string& kind, const Fields& fields) {
    const Bytes map = map_of(fields);
    const Bytes inside(map.begin() + 1, map.end());
    const auto count = static_cast<std::byte>(fields.size());
    const Bytes none{std::byte{0}};
    add(kind, joined({from_hex("de00"), Bytes{count}, inside}));
    add(kind, joined({from_hex("df000000"), Bytes{count}, inside}));
    add(kind, joined({from_hex("df7fffffff"), inside}));
    add(kind, joined({from_hex("dfffffffff"), inside}));
    Bytes array{static_cast<std::byte>(0x90U | fields.size())};
    for (const Field& field : fields) append(array, field.value);
    add(kind, array);
    for (const std::size_t depth : {1U, 8U, 15U, 16U, 17U, 18U, 40U, 200U}) {
      Fields deep = fields;
      deep.push_back({"Later", joined({Bytes(depth, std::byte{0x91}), none})});
      add(kind, map_of(deep));
    }
  }

  Random random_;
  std::set<std::pair<std::string, Bytes>> seen_;
  std::vector<Case> cases_;
};

const std::map<int, std::string>& golden_kinds() {
  static const std::map<int, std::string> kKinds = {
      {0, "ping"}, {1, "indirect_ping"},    {2, "ack"},         {3, "suspect"}, {4, "alive"},
      {5, "dead"}, {6, "push_pull_header"}, {8, "user_header"}, {11, "nack"},   {13, "error"}};
  return kKinds;
}

}  // namespace

std::vector<Case> make_corpus(std::uint64_t seed) {
  Corpus corpus(seed);
  for (const auto& [kind, fields] : bodies()) corpus.add_fields(kind, fields);
  for (const auto& message : testing::load_golden("messages.json")) {
    const Bytes bytes = from_hex(message["hex"].get<std::string>());
    const bool is_state = message["name"].get<std::string>().starts_with("node state");
    const std::string kind = is_state ? "node_state" : golden_kinds().at(message["type"]);
    corpus.add_with_changes(kind, Bytes(bytes.begin() + 1, bytes.end()));
  }
  corpus.add_mixed(kMixedCases);
  for (const auto& message : testing::load_golden("compression.json")) {
    const Bytes bytes = from_hex(message["compressed_message"].get<std::string>());
    ByteReader in(BytesView(bytes).subspan(1));
    const auto packed = wire::decode<wire::Compressed>(in);
    corpus.add("compressed", Bytes(bytes.begin() + 1, bytes.end()));
    const Bytes body(packed->buf.begin(), packed->buf.end());
    if (message["plain"].get<std::string>().size() / 2 <= kMaxPlainChanged) {
      corpus.add_with_changes("lzw", body);
    } else {
      corpus.add("lzw", body);
    }
  }
  return corpus.take();
}

}  // namespace memberlist::interop
