// make_corpus GOLDEN-FOLDER OUTPUT-FOLDER
//
// Writes the first seeds of every target into OUTPUT-FOLDER/TARGET: what the Go library sent
// (tests/golden), in the form that each target takes, and some inputs for people's texts.
// `scripts/fuzz --corpus` runs it, and keeps of its files what adds coverage.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string byte(unsigned value) { return std::string(1, static_cast<char>(value)); }

// Larger ones only make every run slower.
constexpr std::size_t kMostBytes = 8192;

class Corpus {
 public:
  Corpus(fs::path golden, fs::path out) : golden_(std::move(golden)), out_(std::move(out)) {}

  void write_all() {
    messages();
    packets();
    streams();
    compression();
    encryption();
    texts();
    config_files();
    http();
    json_bodies();
  }

 private:
  void put(const std::string& target, const std::string& bytes) {
    if (bytes.size() > kMostBytes) return;
    const fs::path folder = out_ / ("fuzz_" + target);
    fs::create_directories(folder);
    std::ofstream file(folder / ("seed-" + std::to_string(++count_)), std::ios::binary);
    file << bytes;
    if (!file.flush()) throw std::runtime_error("cannot write to " + folder.string());
  }

  [[nodiscard]] json load(const char* name) const {
    std::ifstream file(golden_ / name);
    if (!file) throw std::runtime_error("cannot read " + (golden_ / name).string());
    return json::parse(file);
  }

  void messages() {
    for (const json& golden : load("messages.json")) {
      const std::string message = from_hex(golden["hex"]);
      put("messages", message.substr(1));
      put("msgpack", "\xff\xff" + std::string(2, '\0') + message.substr(1));
      put("packet", message);
      for (const unsigned options : {0x00U, 0x08U, 0x19U}) {
        put("packet_sealed", byte(options) + message);
      }
    }
    put("msgpack", std::string(4, '\0') + std::string(17, '\x91') + "\x01");
    put("msgpack", std::string("\x10\x00\x01\x02\xdf\xff\xff\xff\xff\xc7\x02\x01zz", 14));
  }

  void packets() {
    for (const json& golden : load("packets.json")) {
      const std::string packet = from_hex(golden["packet"]);
      const bool sealed = golden.contains("key");
      const bool label = golden["label"] != "";
      if (!sealed) {
        put("packet", packet);
        if (!label) put("packet_sealed", byte(0x08) + packet);
      }
      // As it came, for a node with its key (and its label, or with the check left to others).
      put("packet_sealed", byte(0x20U | (label ? 0x01U : 0U)) + packet);
      put("packet_sealed", byte(0x26U) + packet);
    }
    for (const unsigned options : {0x00U, 0x1fU, 0x07U, 0x0cU}) {
      put("seal", byte(options) + "\x01" + "8 bytes.\x02" + "sixteen bytes...");
      put("seal", byte(options) + "\x20" + std::string(256, 'a'));
    }
    put("packet_sealed", byte(0x80) + "fourteen bytes\x02\x02");
  }

  void streams() {
    for (const json& golden : load("streams.json")) {
      const std::string stream = from_hex(golden["stream"]);
      const bool sealed = golden.contains("key");
      const bool label = golden["label"] != "";
      const unsigned options = 0x01U | 0x20U | (sealed ? 0x02U : 0U) | (label ? 0x08U : 0U);
      for (const char* pieces : {"\x01\x07", "\x02\x03"}) {
        put("stream", byte(options) + pieces + stream);
        if (sealed) continue;
        put("stream", byte(0x42) + pieces + stream);
        put("stream", byte(0x8a) + pieces + stream);
        put("stream", byte(0x40) + pieces + stream);
      }
      if (label) put("stream", byte(0x03) + "\x01\x04\xf4\x04prod" + stream);
    }
  }

  void compression() {
    for (const json& golden : load("compression.json")) {
      const std::string message = from_hex(golden["compressed_message"]);
      const std::string plain = from_hex(golden["plain"]);
      put("packet", message);
      put("lzw", byte(255) + plain);
      // Behind type, map, `Algo`, its value, the key of `Buf` and the length, of 1 or 3 bytes.
      put("lzw", byte(255) + message.substr(message[12] == '\xda' ? 15 : 13));
    }
  }

  void encryption() {
    for (const json& golden : load("encryption.json")) {
      const std::string authenticated = from_hex(golden["authenticated_data"]);
      const std::string head = byte(static_cast<unsigned>(authenticated.size())) + authenticated;
      put("decrypt", byte(0x08) + head + from_hex(golden["payload"]));
      put("decrypt", byte(0x15) + head + from_hex(golden["plain"]));
      put("decrypt", byte(0x02) + head + from_hex(golden["plain"]));
    }
  }

  void texts() {
    const std::initializer_list<std::initializer_list<const char*>> all = {
        {"250ms", "1.5s", "2m", "1h", "0", "9223372036854775807ns", "0.000000001s", "2562047.7h"},
        {"10.0.0.1:7946", "[::1]:7946", "::1", "127.0.0.1", "[fe80::1%2]:1", "10.0.0.1:65536"},
        {"10.0.0.1", "::ffff:10.0.0.1", "fe80::1%2", "2001:db8::8:800:200c:417a"},
        {"10.0.0.0/8", "2001:db8::/32", "::/0", "10.0.0.1", "1.2.3.4/33"},
        {"localhost", "node.example:7946", "[::1]:1", "::1", ":80", "a:"},
        {"name/10.0.0.1:7946", "node.example", "a/b/[::1]:7946", "/host", "[::1]"},
        {"probe_interval=200ms", "indirect_checks=3", "enable_compression=false",
         "udp_buffer_size=1400", "protocol_version=5", "gossip_nodes=4294967296"},
        {"AAECAwQFBgcICQoLDA0ODw==", "", "AA==", "AB==", "A", "QUJD"},
        {"node-1", "\x1b[2J", "n\xc5\x93ud", "\xff\xfe", "a,b\n\"c\"", "\xe2\x80\xae"}};
    unsigned reader = 0;
    for (const auto& texts : all) {
      for (const char* text : texts) put("text", byte(reader) + text);
      ++reader;
    }
  }

  void config_files() {
    put("config_file", R"(name = "a"
bind = "127.0.0.1:0"
advertise = "10.0.0.1:7946"
profile = "lan"
label = "prod"
meta = "role=web"
http = "127.0.0.1:7947"
events = "json"
log-level = "debug"
log-format = "json"
retry-join = true
join = ["a.example:7946", "b/10.0.0.1"]
key = ["AAECAwQFBgcICQoLDA0ODw=="]
allow = ["10.0.0.0/8", "2001:db8::/32"]
[set]
probe_interval = "200ms"
indirect_checks = 4
enable_compression = false
)");
    put("config_file", "join = \"a\"\nset = { gossip_nodes = 3 }\nallow = []\nhttp = \"off\"\n");
    put("config_file", "name = 1979-05-27T07:32:00Z\n[a.b]\n[[c]]\n");
    put("config_file", "label = '''\nx''' # y\nmeta-file = \"m\"\nmeta = \"\\u00e9\"\n");
  }

  void http() {
    const auto request = [this](unsigned options, const std::string& line,
                                const std::string& headers, const std::string& body) {
      put("http",
          byte(options) + line + " HTTP/1.1\r\nHost: 127.0.0.1:7947\r\n" + headers + "\r\n" + body);
    };
    for (const char* line : {"GET /v1/members", "GET /v1/info", "GET /v1/members?status=alive,dead",
                             "GET /v1/members/a%20b", "GET /v1/events", "POST /v1/leave",
                             "HEAD /v1/info", "OPTIONS *", "DELETE /v1/info", "GET /"}) {
      for (const unsigned options : {0U, 2U}) request(options, line, "", "");
      request(1, line, "Authorization: Bearer secret\r\n", "");
    }
    request(0, "GET /v1/info", "Range: bytes=0-1,2-3,-4\r\n", "");
    request(0, "GET /v1/info", "Origin: http://127.0.0.1:7947\r\nSec-Fetch-Site: none\r\n", "");
    request(0, "POST /v1/join", "Content-Length: 24\r\n", R"({"addresses":["a.b:1"]} )");
    request(0, "PUT /v1/meta", "Content-Length: 12\r\n", R"({"meta":"x"})");
    request(0, "POST /v1/send", "Content-Length: 26\r\n", R"({"name":"a","payload":"b"})");
    request(0, "POST /v1/broadcast", "Transfer-Encoding: chunked\r\n", "3\r\n{} \r\n0\r\n\r\n");
    request(0, "POST /v1/ping",
            "Content-Length: 60\r\nContent-Type: multipart/form-data; boundary=x\r\n",
            "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n");
    request(0, "POST /v1/ping",
            "Content-Length: 3\r\nContent-Type: application/x-www-form-urlencoded\r\n", "a=b");
    request(0, "POST /v1/ping", "Expect: 100-continue\r\nContent-Length: 12\r\n",
            R"({"name":"a"})");
  }

  void json_bodies() {
    const char* const bodies[] = {"alive,dead",
                                  "fuzzed",
                                  R"({"addresses":["10.0.0.1:7946","n/[::1]:1"]})",
                                  R"({"meta_base64":"AAEC"})",
                                  R"({"name":"fuzzed"})",
                                  R"({"name":"fuzzed","payload":"hi","reliable":true})",
                                  R"({"payload_base64":"AAEC","name":"b"})",
                                  ""};
    for (unsigned call = 0; call < std::size(bodies); ++call) {
      put("admin_api", byte(call) + bodies[call]);
    }
    const std::string member =
        R"({"name":"a","address":"10.0.0.1:7946","status":"alive","incarnation":1,"meta":"m",)"
        R"("protocol":{"min":1,"max":5,"current":2},"since":"2026-01-31T12:00:00.123Z"})";
    put("views", byte(0) + "[" + member + "]");
    put("views", byte(0) + R"([{"name":"b","meta_base64":"AAEC"}])");
    put("views", byte(1) + R"({"name":"a","label":"","members":{"alive":1},"counters":{"x":1}})");
    for (const char* kind : {"join", "conflict", "dead"}) {
      put("views", byte(2) + R"({"event":")" + kind + R"(","time":"t","member":)" + member +
                       R"(,"other":"10.0.0.2:1","cause":{"kind":"probe_failed"}})");
    }
    put("views", byte(2) + R"({"event":"message","from":"a","payload_base64":"AAEC"})");
    put("views", byte(2) + R"({"event":"ready","name":"a","address":"b","http":null})");
    put("views", byte(2) + R"({"event":"health","score":1})");
    put("views", byte(2) + R"({"event":"joined","contacted":0})");
    put("views", byte(3) + R"({"error":{"code":"x","message":"y"}})");
  }

  fs::path golden_;
  fs::path out_;
  std::size_t count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_corpus GOLDEN-FOLDER OUTPUT-FOLDER\n", stderr);
    return 2;
  }
  try {
    Corpus(argv[1], argv[2]).write_all();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_corpus: %s\n", error.what());
    return 1;
  }
  return 0;
}
