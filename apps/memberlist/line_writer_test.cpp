#include "line_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <string>

namespace memberlist::cli {
namespace {

using namespace std::chrono_literals;

std::string lost_text(std::uint64_t count) { return "lost " + std::to_string(count) + "\n"; }

// The sum of what the lines about lost ones say.
std::uint64_t told_lost(const std::string& text) {
  std::istringstream lines(text);
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("lost ")) sum += std::stoull(line.substr(5));
  }
  return sum;
}

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(fds_.data(), O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(fds_[0]);
    close_writer();
  }

  int writer() const { return fds_[1]; }
  void close_writer() {
    if (fds_[1] >= 0) ::close(fds_[1]);
    fds_[1] = -1;
  }

  // As many bytes as it takes, without a reader.
  std::size_t fill() {
    EXPECT_EQ(::fcntl(fds_[1], F_SETFL, O_NONBLOCK), 0);
    std::size_t bytes = 0;
    while (::write(fds_[1], "\n", 1) == 1) ++bytes;
    EXPECT_EQ(::fcntl(fds_[1], F_SETFL, 0), 0);
    return bytes;
  }

  std::string read(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::size_t got = 0;
    while (got < bytes) {
      const ssize_t count = ::read(fds_[0], text.data() + got, bytes - got);
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    text.resize(got);
    return text;
  }

 private:
  std::array<int, 2> fds_{-1, -1};
};

TEST(LineWriter, WritesAllThatWaitsBeforeItEnds) {
  Pipe pipe;
  std::string all;
  {
    LineWriter writer(pipe.writer(), lost_text);
    for (int i = 0; i < 1000; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      all += line;
      writer.push(line);
    }
    writer.close(1h);
    EXPECT_EQ(writer.lost(), 0U);
  }
  EXPECT_EQ(pipe.read(all.size()), all);
}

TEST(LineWriter, NobodyWaitsForAFullPipeAndWhatIsLostIsTold) {
  Pipe pipe;
  const std::size_t filled = pipe.fill();
  LineWriter writer(pipe.writer(), lost_text, {.lines = 10});
  // One of them may be in hand, and none of the last ten is lost.
  for (int i = 0; i < 100; ++i) writer.push(std::to_string(i) + "\n");
  const std::uint64_t lost = writer.lost();
  EXPECT_GE(lost, 89U);
  EXPECT_LE(lost, 90U);
  EXPECT_EQ(pipe.read(filled).size(), filled);
  writer.close(1h);
  pipe.close_writer();
  const std::string rest = pipe.read(10000);
  EXPECT_EQ(told_lost(rest), lost) << rest;
  EXPECT_TRUE(rest.ends_with("98\n99\n")) << rest;
}

TEST(LineWriter, BoundsTheBytesThatWaitAndKeepsTheNewest) {
  Pipe pipe;
  static_cast<void>(pipe.fill());
  LineWriter writer(pipe.writer(), lost_text, {.bytes = 1000});
  for (int i = 0; i < 10; ++i) writer.push(std::string(2000, 'x') + "\n");
  EXPECT_GE(writer.lost(), 8U);
  EXPECT_LE(writer.lost(), 9U);
}

TEST(LineWriter, EndsThoughNobodyReads) {
  Pipe pipe;
  static_cast<void>(pipe.fill());
  LineWriter writer(pipe.writer(), lost_text);
  writer.push("a\n");
  writer.close(1ms);
  EXPECT_EQ(writer.lost(), 1U);
}

TEST(LineWriter, WhatADescriptorRefusesIsLost) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  {
    LineWriter writer(full, lost_text);
    writer.push("a\n");
    writer.push("b\n");
    writer.close(1h);
    EXPECT_EQ(writer.lost(), 2U);
  }
  ::close(full);
}

TEST(WriteWithin, GivesUpWithoutAReader) {
  Pipe pipe;
  EXPECT_TRUE(write_within(pipe.writer(), "a", 1h));
  static_cast<void>(pipe.fill());
  EXPECT_FALSE(write_within(pipe.writer(), "a", 1ms));
}

}  // namespace
}  // namespace memberlist::cli
