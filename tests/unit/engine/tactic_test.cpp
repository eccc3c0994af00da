#include "engine/tactic.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace halftone {
namespace {

const Tactic kTactic{
    "onednn.conv", "impl=0", 0.5, "measured", {{"onednn.conv", "impl=0", 0.5, ""}, {"reference", "", 0, "too slow"}}};

TEST(TacticCache, SavesLoadsAndMerges) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "halftone_cache" / "tactics.json";
  std::filesystem::remove(path);
  TacticCache first, second;
  first.put("cpu-a", 2, "Relu f32:4", kTactic);
  first.save(path);
  second.put("cpu-a", 1, "Relu f32:4", kTactic);
  second.save(path);
  const auto loaded = TacticCache::load(path);
  EXPECT_EQ(loaded.size(), 2u);
  const Tactic* tactic = loaded.find("cpu-a", 2, "Relu f32:4");
  ASSERT_NE(tactic, nullptr);
  EXPECT_EQ(tactic->config, "impl=0");
  EXPECT_EQ(tactic->candidates.size(), 2u);
  EXPECT_EQ(tactic->candidates[1].refusal, "too slow");
  EXPECT_EQ(loaded.find("cpu-b", 2, "Relu f32:4"), nullptr);
}

TEST(TacticCache, OtherBatchesOfAProblemAreNearby) {
  const auto line = [](int batch) {
    return fmt::format("FusedConv f16:{0}x14x14x32 f16:48x1x1x32! f32:48! f16:{0}x14x14x48 act=relu pads=1*4", batch);
  };
  const auto named = [](const char* config) { return Tactic{"kernel", config, 1, "measured", {}}; };
  TacticCache cache;
  cache.put("cuda", 2, line(1), named("1"));
  cache.put("cuda", 2, line(32), named("32"));
  cache.put("cuda", 2, "FusedConv f16:8x14x14x32 f16:48x1x1x32! f32:48! f16:8x14x14x48 pads=1*4", named("no relu"));
  cache.put("cuda", 1, line(8), named("other threads"));
  cache.put("cpu", 2, line(8), named("other device"));
  const auto configs = [&](const std::string& problem) {
    std::string text;
    for (const auto* tactic : cache.find_nearby("cuda", 2, problem)) text += tactic->config + " ";
    return text;
  };
  EXPECT_EQ(configs(line(128)), "32 1 ");
  EXPECT_EQ(configs(line(2)), "1 32 ");
  EXPECT_EQ(configs(line(32)), "1 ");
  EXPECT_EQ(configs("FusedConv f16:8x14x14x64 f16:48x1x1x64! f32:48! f16:8x14x14x48 act=relu pads=1*4"), "");
  EXPECT_EQ(configs("Add f32:8x3 f32:3"), "");
}

TEST(TacticCache, ADamagedFileIsAnEmptyCache) {
  const auto path = std::filesystem::path(testing::TempDir()) / "damaged.json";
  std::ofstream(path) << "{\"version\": 1, \"devices\": {\"cpu\": [{\"threads\"";
  EXPECT_EQ(TacticCache::load(path).size(), 0u);
}

TEST(TacticCache, APlansTextRoundTripsAndGarbageIsRefused) {
  TacticCache cache, copy;
  cache.put("cpu-a", 2, "Relu f32:4", kTactic);
  cache.put("cpu-b", 2, "Relu f32:8", kTactic);
  copy.add("cpu-a", cache.serialize("cpu-a"));
  EXPECT_NE(copy.find("cpu-a", 2, "Relu f32:4"), nullptr);
  EXPECT_EQ(copy.size(), 1u);
  EXPECT_THROW(copy.add("cpu-a", "not json"), Error);
}

}  // namespace
}  // namespace halftone
