#include "differ_ours.hpp"

#include <fmt/format.h>

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>

#include "../support/golden.hpp"
#include "wire/lzw.hpp"
#include "wire/messages.hpp"

namespace memberlist::interop {
namespace {

using testing::to_hex;

// Decompressed bytes at most, as the Go program has it.
constexpr std::size_t kMaxDecompressed = 65'535;

std::string refused(const wire::WireError& error) { return fmt::format("refused {}", error.what); }

// Written as the Go program writes its own.
class Values {
 public:
  void add(const char* name, BytesView bytes) {
    out_ += fmt::format("{}={};", name, to_hex(bytes));
  }
  void add(const char* name, std::string_view text) { add(name, as_bytes(text)); }
  void add(const char* name, bool value) { out_ += fmt::format("{}={};", name, value); }
  template <std::integral Number>
  void add(const char* name, Number value) {
    out_ += fmt::format("{}={};", name, value);
  }
  const std::string& text() const { return out_; }

 private:
  std::string out_ = "accepted ";
};

void list(Values& out, const wire::Ping& m) {
  out.add("SeqNo", m.seq_no);
  out.add("Node", m.node);
  out.add("SourceAddr", m.source_addr);
  out.add("SourcePort", m.source_port);
  out.add("SourceNode", m.source_node);
}
void list(Values& out, const wire::IndirectPing& m) {
  out.add("SeqNo", m.seq_no);
  out.add("Target", m.target);
  out.add("Port", m.port);
  out.add("Node", m.node);
  out.add("Nack", m.nack);
  out.add("SourceAddr", m.source_addr);
  out.add("SourcePort", m.source_port);
  out.add("SourceNode", m.source_node);
}
void list(Values& out, const wire::Ack& m) {
  out.add("SeqNo", m.seq_no);
  out.add("Payload", m.payload);
}
void list(Values& out, const wire::Nack& m) { out.add("SeqNo", m.seq_no); }
void list(Values& out, const wire::ErrorMessage& m) { out.add("Error", m.error); }
template <class Accusation>
void list_accusation(Values& out, const Accusation& m) {
  out.add("Incarnation", m.incarnation);
  out.add("Node", m.node);
  out.add("From", m.from);
}
void list(Values& out, const wire::Suspect& m) { list_accusation(out, m); }
void list(Values& out, const wire::Dead& m) { list_accusation(out, m); }
void list(Values& out, const wire::Alive& m) {
  out.add("Incarnation", m.incarnation);
  out.add("Node", m.node);
  out.add("Addr", m.addr);
  out.add("Port", m.port);
  out.add("Meta", m.meta);
  out.add("Vsn", m.vsn);
}
void list(Values& out, const wire::PushPullHeader& m) {
  out.add("Nodes", m.nodes);
  out.add("UserStateLen", m.user_state_len);
  out.add("Join", m.join);
}
void list(Values& out, const wire::NodeState& m) {
  out.add("Name", m.name);
  out.add("Addr", m.addr);
  out.add("Port", m.port);
  out.add("Meta", m.meta);
  out.add("Incarnation", m.incarnation);
  out.add("State", m.state);
  out.add("Vsn", m.vsn);
}
void list(Values& out, const wire::UserHeader& m) { out.add("UserMsgLen", m.user_msg_len); }
void list(Values& out, const wire::Compressed& m) {
  out.add("Algo", m.algo);
  out.add("Buf", m.buf);
}

using Verdict = std::function<std::string(BytesView)>;

template <class Body>
std::string body_verdict(BytesView bytes) {
  ByteReader in(bytes);
  const auto body = wire::decode<Body>(in);
  if (!body) return refused(body.error());
  Values values;
  list(values, *body);
  return values.text();
}

std::string lzw_verdict(BytesView bytes) {
  Bytes plain;
  const auto done = wire::lzw_decode(bytes, plain, kMaxDecompressed);
  return done ? "accepted " + to_hex(plain) : refused(done.error());
}

}  // namespace

std::string our_verdict(std::string_view kind, BytesView bytes) {
  static const std::map<std::string_view, Verdict> kVerdicts = {
      {"ping", body_verdict<wire::Ping>},
      {"indirect_ping", body_verdict<wire::IndirectPing>},
      {"ack", body_verdict<wire::Ack>},
      {"nack", body_verdict<wire::Nack>},
      {"error", body_verdict<wire::ErrorMessage>},
      {"suspect", body_verdict<wire::Suspect>},
      {"alive", body_verdict<wire::Alive>},
      {"dead", body_verdict<wire::Dead>},
      {"push_pull_header", body_verdict<wire::PushPullHeader>},
      {"node_state", body_verdict<wire::NodeState>},
      {"user_header", body_verdict<wire::UserHeader>},
      {"compressed", body_verdict<wire::Compressed>},
      {"lzw", lzw_verdict},
  };
  return kVerdicts.at(kind)(bytes);
}

}  // namespace memberlist::interop
