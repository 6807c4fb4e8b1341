#include "swim/content_digest.hpp"

#include <gtest/gtest.h>

namespace memberlist::swim {
namespace {

TEST(ContentDigest, OfTheWholeFollowsFromTheParts) {
  const Bytes whole = to_bytes("the members, and the state of the user");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    ContentDigest parts(BytesView(whole).first(cut));
    parts.append(ContentDigest(BytesView(whole).subspan(cut)));
    EXPECT_EQ(parts, ContentDigest(whole)) << cut;
  }
}

TEST(ContentDigest, TellsContentsApart) {
  const ContentDigest digest(as_bytes("states"));
  EXPECT_NE(digest, ContentDigest(as_bytes("stateS")));
  EXPECT_NE(digest, ContentDigest(as_bytes("etatss")));
  EXPECT_NE(ContentDigest(Bytes(3)), ContentDigest(Bytes(4))) << "zeros";
}

}  // namespace
}  // namespace memberlist::swim
