#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/file.h"
#include "onnx/reader.h"
#include "onnx/writer.h"

// Damaged bytes are either refused with an Error or still a model; nothing else may happen.
namespace halftone {
namespace {

struct Outcome {
  std::size_t read = 0, refused = 0;
};

void try_bytes(std::string_view bytes, Outcome& outcome) {
  try {
    const Graph graph = parse_onnx(bytes, "");
    (void)serialize_onnx(graph);
    ++outcome.read;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()), "");
    ++outcome.refused;
  }
}

std::vector<std::string> seeds() {
  std::vector<std::string> models;
  for (const auto& entry : std::filesystem::directory_iterator(HALFTONE_SOURCE_DIR "/tests/fuzz/corpus/onnx"))
    models.push_back(read_file(entry.path()));
  return models;
}

TEST(Damage, TheCorpusIsReplayed) {
  Outcome outcome;
  for (const auto& bytes : seeds()) try_bytes(bytes, outcome);
  EXPECT_GE(outcome.read, 6u);
  EXPECT_GE(outcome.refused, 1u);
}

TEST(Damage, EveryPrefixIsRefusedOrAModel) {
  for (const auto& bytes : seeds()) {
    Outcome outcome;
    for (std::size_t length = 0; length < bytes.size(); ++length)
      try_bytes(std::string_view(bytes).substr(0, length), outcome);
    EXPECT_GT(outcome.refused, bytes.size() / 2);
  }
}

TEST(Damage, FlippedBitsAndBytes) {
  std::mt19937 random(7);
  Outcome outcome;
  for (const auto& bytes : seeds()) {
    for (int round = 0; round < 2000; ++round) {
      std::string damaged = bytes;
      for (int i = 0; i <= round % 4; ++i) {
        char& at = damaged[random() % damaged.size()];
        at = round % 2 ? static_cast<char>(at ^ (1 << random() % 8)) : static_cast<char>(random());
      }
      try_bytes(damaged, outcome);
    }
  }
  EXPECT_GT(outcome.read, 0u);
  EXPECT_GT(outcome.refused, 0u);
}

}  // namespace
}  // namespace halftone
