#include <sys/mount.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "bench/results.h"
#include "tests/unit/apps/cli.h"

namespace halftone::tests {
namespace {

namespace fs = std::filesystem;

class BadOutput : public Cli {
 protected:
  std::vector<std::string> quantize_to(const std::string& output) const {
    return {"quantize",     example_model(), "-o", output, "--calib", pictures("images", 3),
            "--preprocess", "fashion_mnist", "-q"};
  }
  std::vector<std::string> study_to(const std::string& output) const {
    return {"study", example_model(), "--data", pictures("images", 3), "--preprocess", "fashion_mnist", "--precision",
            "fp32",  "--batch",       "1",      "--seconds",           "0.01",         "--no-tune",     "-q",
            "-o",    output};
  }
};

TEST_F(BadOutput, IsAPathThatCannotBeWritten) {
  const auto nowhere = text("no/such/folder/file");
  write_text(path("file"), "keep me");
  refuse(quantize_to(nowhere), 5, {nowhere});
  refuse(quantize_to(text("cache")), 5, {"cache", "is a directory"});
  refuse(
      {"run", example_model(), "-i", pictures("images", 1) + "/0.pgm", "--preprocess", "fashion_mnist", "-o", nowhere},
      5, {nowhere});
  refuse({"bench", example_model(), "--json", nowhere}, 5, {nowhere});
  refuse({"eval", example_model(), "--data", pictures("images", 3), "--preprocess", "fashion_mnist", "--json", nowhere},
         5, {nowhere});
  refuse({"zoo", "squeezenet1.1", "-o", nowhere}, 5, {nowhere});
  refuse(study_to(text("file")), 5, {"file"});
  refuse(study_to(text("file/within")), 5, {"file/within"});
  EXPECT_EQ(read_text(path("file")), "keep me");
  EXPECT_FALSE(fs::exists(path("no")));
}

TEST_F(BadOutput, StopsHalfway) {
  // Every file the process writes may have 16 kB, which the plan exceeds: as on a disk that fills up.
  write_text(path("plan.onnx"), "the old one");
  refuse(quantize_to(text("plan.onnx")), 5, {"plan.onnx", "cannot write"}, {.largest_file = 16384});
  EXPECT_EQ(read_text(path("plan.onnx")), "the old one");
  refuse({"zoo", "squeezenet1.1", "-o", text("zoo.onnx")}, 5, {"zoo.onnx", "cannot write"}, {.largest_file = 16384});
  refuse(study_to(text("study")), 5, {"study/", "cannot write"}, {.largest_file = 1024});
  EXPECT_EQ(listing(path("")), (std::vector<std::string>{"cache", "images", "plan.onnx", "stderr", "stdout"}));
}

TEST_F(BadOutput, IsAFullDisk) {
  fs::create_directory(path("disk"));
  if (::mount("tmpfs", path("disk").c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "a small file system to fill needs the right to mount one";
  refuse(quantize_to(text("disk/plan.onnx")), 5, {"disk/plan.onnx", "No space left"});
  const auto left = listing(path("disk"));
  ::umount2(path("disk").c_str(), MNT_DETACH);
  EXPECT_TRUE(left.empty()) << ::testing::PrintToString(left);
}

TEST_F(BadOutput, IsADeviceThatStaysOne) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const auto outcome = halftone(
      {"bench", example_model(), "--json", "/dev/full", "--batch", "1", "--iterations", "1", "--no-tune", "-q"});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_NE(outcome.err.find("/dev/full: cannot write: No space left"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("images/s"), std::string::npos) << outcome.out;  // what was measured is not lost
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(BadOutput, HasNobodyReadingIt) {
  refuse({"show", example_model()}, 5, {"standard output", "No space left"}, {.to = Stdout::full_device});
  refuse({"show", example_model()}, 5, {"standard output", "Broken pipe"}, {.to = Stdout::gone_reader});
  refuse({"show", example_model()}, 5, {"standard output"}, {.to = Stdout::closed});
  // Results go to their file whole, whatever becomes of the table.
  refuse({"bench", example_model(), "--batch", "1", "--iterations", "1", "--no-tune", "-q", "--json", text("out.json")},
         5, {"standard output"}, {.to = Stdout::closed});
  const auto json = read_text(path("out.json"));
  EXPECT_TRUE(json.starts_with("{") && json.ends_with("}\n")) << json;
}

class Interrupted : public Cli {
 protected:
  /// A moment after the process is up.
  static std::function<bool(std::string_view)> soon() {
    return [start = std::chrono::steady_clock::time_point()](std::string_view) mutable {
      const auto now = std::chrono::steady_clock::now();
      if (start == std::chrono::steady_clock::time_point()) start = now;
      return now - start > std::chrono::milliseconds(300);
    };
  }
};

TEST_F(Interrupted, EvalAndStudyLeaveNothing) {
  const auto data = idx("data", 20000);
  refuse({"eval", example_model(), "--data", data, "--preprocess", "fashion_mnist", "--batch", "1", "--no-tune", "-q",
          "--json", text("out.json")},
         130, {"interrupted"}, {.interrupt_when = soon()});
  refuse({"study", example_model(), "--data", data, "--preprocess", "fashion_mnist", "--precision", "fp32", "--batch",
          "1", "--no-tune", "-q", "-o", text("out")},
         130, {"interrupted"}, {.interrupt_when = soon()});
  refuse({"quantize", example_model(), "--calib", data, "--preprocess", "fashion_mnist", "-q", "-o", text("plan.onnx")},
         130, {"interrupted"}, {.interrupt_when = soon()});
  EXPECT_EQ(listing(path("")), (std::vector<std::string>{"cache", "data", "stderr", "stdout"}));
}

TEST_F(Interrupted, TuningKeepsWhatWasLearntAndNoPartialFile) {
  succeed({"zoo", "squeezenet1.1", "-o", text("net.onnx")});
  std::vector<std::string> devices{"cpu"};
  if (succeed({"devices", "--json"}).find("\"cuda:0\"") != std::string::npos) devices.emplace_back("cuda:0");
  for (const auto& device : devices) {
    SCOPED_TRACE(device);
    fs::remove_all(path("cache"));
    fs::create_directory(path("cache"));
    const auto moment = std::chrono::seconds(device == "cpu" ? 2 : 6);  // within the tuning, which takes longer
    const auto later = [moment, start = std::chrono::steady_clock::now()](std::string_view) {
      return std::chrono::steady_clock::now() - start > moment;
    };
    refuse({"bench", text("net.onnx"), "--device", device, "--batch", "1-256", "-q", "--json", text("out.json")}, 130,
           {"interrupted"}, {.interrupt_when = later});
    for (const auto& name : listing(path("cache")))
      EXPECT_TRUE(name == "tactics.json" || name == "tactics.json.lock" || name == "turn") << name;
    const auto kept = read_text(path("cache/tactics.json"));
    EXPECT_TRUE(nlohmann::json::accept(kept)) << kept.substr(0, 200);
    EXPECT_NE(kept.find("FusedConv"), std::string::npos);
    EXPECT_FALSE(fs::exists(path("out.json")));
  }
}

TEST_F(Interrupted, BenchShowsWhatItMeasuredAndGoesOn) {
  const std::vector<std::string> arguments{
      "bench",        example_model(), "--batch",   "1-8",    "--seconds",     "1", "--rounds", "8",
      "--iterations", "100000",        "--no-tune", "--json", text("out.json")};
  const auto outcome =
      halftone(arguments, {.interrupt_when = [&](std::string_view) { return fs::exists(path("out.json.part")); }});
  EXPECT_EQ(outcome.status, 130) << outcome.err;
  const auto at = outcome.err.find("halftone: interrupted");
  ASSERT_NE(at, std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find('\n', at), outcome.err.size() - 1);
  EXPECT_NE(outcome.err.find("out.json.part", at), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("images/s"), std::string::npos) << outcome.out;
  EXPECT_FALSE(fs::exists(path("out.json")));
  ASSERT_TRUE(fs::exists(path("out.json.part")));

  const auto rest = succeed(arguments);
  EXPECT_NE(rest.find("Interrupted meanwhile, and gone on with."), std::string::npos) << rest;
  EXPECT_FALSE(fs::exists(path("out.json.part")));
  EXPECT_EQ(read_results(path("out.json")).results.size(), 4u);
}

}  // namespace
}  // namespace halftone::tests
