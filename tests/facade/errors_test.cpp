// The same mistake has the same code in every call, as docs/guide/errors.md has it.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "memberlist/engine.hpp"
#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

const Bytes kKey(16, std::byte{1});
const Bytes kOtherKey(16, std::byte{2});

template <class Outcome>
ErrorCode code_of(const Outcome& result) {
  EXPECT_FALSE(result) << "there is no error";
  return result ? ErrorCode{255} : result.error().code;
}

ErrorCode code_of_create(const Config& config) { return code_of(Memberlist::create(config)); }

Result<Engine> make_engine(const Config& config,
                           const IpAddress& advertise = IpAddress::v4(127, 0, 0, 1)) {
  EngineEnvironment environment;
  environment.advertise = {advertise, 1};
  return Engine::create(config, environment);
}

ErrorCode code_of_engine(const Config& config) { return code_of(make_engine(config)); }

Config with_keys(std::string name, std::vector<Bytes> keys) {
  Config config = quick_config(std::move(name));
  config.keys = std::move(keys);
  return config;
}

TEST(Errors, AKeyOfAWrongLengthIsTheSameAtCreateAndLater) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{15}, std::size_t{33}}) {
    const Config config = with_keys("a", {Bytes(size)});
    EXPECT_EQ(code_of(config.validate()), ErrorCode::crypto) << size;
    EXPECT_EQ(code_of_create(config), ErrorCode::crypto) << size;
    EXPECT_EQ(code_of_engine(config), ErrorCode::crypto) << size;
    Node node("a");
    EXPECT_EQ(code_of(node->add_key(Bytes(size))), ErrorCode::crypto) << size;
  }
}

TEST(Errors, TooManyKeysAreTheSameAtCreateAndLater) {
  std::vector<Bytes> keys;
  for (int i = 0; i < 16; ++i) keys.emplace_back(16, static_cast<std::byte>(i));
  Node node(with_keys("a", keys));
  EXPECT_EQ(code_of(node->add_key(Bytes(16, std::byte{99}))), ErrorCode::invalid_argument);
  keys.emplace_back(16, std::byte{99});
  EXPECT_EQ(code_of_create(with_keys("b", keys)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_engine(with_keys("b", keys)), ErrorCode::invalid_argument);
}

TEST(Errors, MetaDataThatIsTooLargeIsTheSameAtCreateAndLater) {
  Node node("a");
  EXPECT_EQ(code_of(node->update_meta(Bytes(600))), ErrorCode::too_large);
  Config config = quick_config("a");
  config.meta = Bytes(600);
  EXPECT_EQ(code_of_create(config), ErrorCode::too_large);
  EXPECT_EQ(code_of_engine(config), ErrorCode::too_large);

  Config small = quick_config("a");
  small.udp_buffer_size = 600;
  Node other(small);
  EXPECT_EQ(code_of(other->update_meta(Bytes(512))), ErrorCode::too_large);
  small.meta = Bytes(512);
  EXPECT_EQ(code_of_create(small), ErrorCode::too_large);
  small.meta.clear();
  small.name = std::string(255, 'n');
  small.label = std::string(255, 'l');
  EXPECT_EQ(code_of_create(small), ErrorCode::invalid_argument) << "meta data has no part in it";
}

TEST(Errors, AnAddressThatNobodyReachesIsTheSameAtCreateAndLater) {
  for (const IpAddress& ip :
       {IpAddress{}, IpAddress::v4(0, 0, 0, 0), IpAddress::v4(224, 0, 0, 1)}) {
    Config config = quick_config("a");
    config.advertise = Address{ip, 1};
    EXPECT_EQ(code_of_create(config), ErrorCode::no_address) << ip.to_string();
    EXPECT_EQ(code_of(make_engine(quick_config("a"), ip)), ErrorCode::no_address) << ip.to_string();
    auto engine = make_engine(quick_config("a"));
    ASSERT_TRUE(engine);
    EXPECT_EQ(code_of(engine->advertise({}, {ip, 1}, {})), ErrorCode::no_address) << ip.to_string();
  }
}

TEST(Errors, TextsOfUnknownKeysFitWhatWasAsked) {
  Node node(with_keys("a", {kKey}));
  const std::string unknown = key_fingerprint(kOtherKey);
  for (const auto& used : {node->use_key(unknown), node->use_key(kOtherKey)}) {
    EXPECT_EQ(code_of(used), ErrorCode::invalid_argument);
    EXPECT_NE(used.error().message.find("add it first"), std::string::npos);
  }
  const auto removed = node->remove_key(unknown);
  EXPECT_EQ(code_of(removed), ErrorCode::invalid_argument);
  EXPECT_EQ(removed.error().message.find("add it first"), std::string::npos);
  EXPECT_NE(removed.error().message.find(unknown), std::string::npos);
}

struct Keys {
  std::vector<Bytes> joiner;
  std::vector<Bytes> peer;
};

TEST(Errors, AJoinWithAWrongOrMissingKeyIsAboutKeys) {
  for (const Keys& keys : {Keys{{kKey}, {kOtherKey}}, Keys{{kKey}, {}}, Keys{{}, {kKey}}}) {
    Node peer(with_keys("peer", keys.peer));
    Node joiner(with_keys("joiner", keys.joiner));
    const auto joined = joiner->join({peer.address()});
    EXPECT_EQ(code_of(joined), ErrorCode::crypto) << joined.error().message;
    EXPECT_EQ(joined.error().message.find("byte 0"), std::string::npos) << joined.error().message;
  }
}

// Where the joiner takes plaintext, it reads what the peer says of it.
TEST(Errors, APeersComplaintAboutKeysEndsWell) {
  Node peer("peer");
  Config config = with_keys("joiner", {kKey});
  config.gossip_verify_incoming = false;
  Node joiner(config);
  const auto joined = joiner->join({peer.address()});
  EXPECT_EQ(code_of(joined), ErrorCode::refused_by_peer);
  EXPECT_NE(joined.error().message.find("no key is configured"), std::string::npos);
  EXPECT_EQ(joined.error().message.find("byte 0"), std::string::npos) << joined.error().message;
}

}  // namespace
}  // namespace memberlist::facade_test
