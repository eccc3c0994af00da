#include <sys/mount.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "bench/results.h"
#include "tests/unit/apps/cli.h"

namespace halftone::tests {
namespace {

namespace fs = std::filesystem;

class Bench : public Cli {
 protected:
  /// As little measuring as there can be.
  static std::vector<std::string> quick(std::vector<std::string> more) {
    std::vector<std::string> all{"bench", example_model(), "--iterations", "3", "--warm-up", "1", "--no-tune", "-q"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(Bench, RefusesWhatMakesNoSense) {
  refuse(quick({"--peers", "tensorrt"}), 2, {"tensorrt", "ort, openvino, torch and tensorflow"});
  refuse(quick({"--batch", ""}), 2, {"batch"});
  refuse(quick({"--batch", ","}), 2, {"batch"});
  refuse(quick({"--slo", "p99=never"}), 2, {"p99=never", "p99=15ms"});
  refuse(quick({"--sessions", "1000"}), 2, {"1000 sessions of 1 threads want 1000 cores"});
  refuse(quick({"--sessions", "0"}), 2, {"--sessions"});
  refuse(quick({"--precision", "fp32,int8"}), 2, {"none of the models runs in int8", "quantize"});
  refuse(quick({"--precision", "tf32"}), 4, {"cpu has no products of tf32"});
  refuse(quick({"--data", "images"}), 2, {"--data and --preprocess"});
  refuse({"bench"}, 2, {"models", "--compare"});
  refuse({"bench", "--compare", text("none.json")}, 5, {"none.json", "no such file"});
}

TEST_F(Bench, RefusesResultsThatAreNotWhole) {
  const std::string whole = read_text(HALFTONE_SOURCE_DIR "/tests/data/study_results.json");
  write_text(path("whole.json"), whole);
  write_text(path("cut.json"), whole.substr(0, whole.size() / 2));
  auto other = nlohmann::json::parse(whole);
  other["schema"] = 7;
  write_text(path("other.json"), other.dump());
  refuse({"bench", "--compare", text("whole.json"), text("cut.json")}, 3, {"cut.json", "cut short"});
  refuse({"bench", "--compare", text("other.json")}, 4, {"other.json", "schema 7", "schema 1"});
  refuse({"bench", "--compare", example_model()}, 3, {"model.onnx", "not JSON"});
  refuse({"bench", "--compare", text("whole.json"), "--json", text("out.json")}, 2, {"--json"});
}

TEST_F(Bench, PutsRecordedMachinesOnOnePageAndSaysWhatCannotBeCompared) {
  const std::string recorded = HALFTONE_SOURCE_DIR "/tests/data/study_results.json";
  auto other = read_results(recorded);
  other.machine.name = "Another Processor";
  for (auto& result : other.results) result.model = "vgg19";
  write_text(path("other.json"), to_json(other));
  const auto out = succeed({"bench", "--compare", recorded, text("other.json"), "--html", text("page.html")});
  EXPECT_NE(out.find("resnet50 int8 cannot be compared: Another has not measured it."), std::string::npos) << out;
  EXPECT_NE(out.find("vgg19 fp32 cannot be compared"), std::string::npos) << out;
  const auto page = read_text(path("page.html"));
  EXPECT_NE(page.find("What cannot be compared"), std::string::npos);
  EXPECT_NE(page.find("</html>"), std::string::npos);
  const auto same = succeed({"bench", "--compare", recorded, recorded});
  EXPECT_NE(same.find("18 of 18 cells (100 %) agree"), std::string::npos) << same;
}

TEST_F(Bench, AWindowOfFortyColumnsGetsRecordsThatFit) {
  if (std::system("script --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no script(1) to make a window with";
  const auto command = "script -qec \"stty cols 40 rows 24; " HALFTONE_BINARY " bench --compare " HALFTONE_SOURCE_DIR
                       "/tests/data/study_results.json\" " +
                       text("typescript") + " </dev/null >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::istringstream lines(read_text(path("typescript")));
  int records = 0;
  for (std::string line; std::getline(lines, line) && !line.starts_with("throughput");) {
    if (line.ends_with('\r')) line.pop_back();
    records += line.starts_with("images/s: ");
    if (line.find("Script started") == std::string::npos) {
      EXPECT_LE(line.size(), 44u) << line;  // a dash takes three bytes
    }
  }
  EXPECT_EQ(records, 18);
}

TEST_F(Bench, MeasuresPrecisionsTogetherAndWritesAPage) {
  const auto out = succeed(quick({"--precision", "fp32,bf16", "--batch", "1,4", "--json", text("out.json"), "--html",
                                  text("out.html"), "--slo", "p99=1s", "--sessions", "1"}));
  EXPECT_NE(out.find("throughput: "), std::string::npos) << out;
  EXPECT_NE(out.find("latency limit: Within a p99 of 1,000 ms"), std::string::npos) << out;
  const auto results = read_results(path("out.json"));
  ASSERT_EQ(results.results.size(), 4u);
  EXPECT_EQ(results.profiles.size(), 2u);
  EXPECT_FALSE(results.profiles[0].layers.empty());
  EXPECT_NE(read_text(path("out.html")).find("Where the time goes"), std::string::npos);
  EXPECT_EQ(listing(path("")), (std::vector<std::string>{"cache", "out.html", "out.json", "stderr", "stdout"}));
}

TEST_F(Bench, DevicesThatShareTheWorkAreMeasuredTogether) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two cores";
  const auto out = succeed(quick({"--batch", "1,4", "--threads", "1", "--device", "cpu", "--device", "cpu,cpu",
                                  "--precision", "fp32,tf32", "--json", text("out.json"), "--html", text("out.html")}));
  EXPECT_NE(out.find("scaling over devices"), std::string::npos) << out;
  EXPECT_NE(out.find("tf32 on cpu: it has no products of tf32"), std::string::npos) << out;
  const auto results = read_results(path("out.json")).results;
  ASSERT_EQ(results.size(), 4u);
  for (const auto& result : results) {
    const bool together = result.device == "cpu,cpu";
    EXPECT_EQ(result.devices, together ? 2 : 1);
    EXPECT_EQ(result.sessions, result.devices);
    EXPECT_EQ(result.iterations, 3 * result.devices);
    EXPECT_NEAR(result.throughput, 1000.0 * result.devices * result.batch / result.latency_ms.p50, 1e-6);
  }
  EXPECT_NE(read_text(path("out.html")).find("Scaling over devices"), std::string::npos);
}

TEST_F(Bench, RefusesDevicesThatAreNotThere) {
  refuse(quick({"--device", "tpu"}), 5, {"device 'tpu'", "'cpu'"});
  refuse(quick({"--device", "cpu,tpu"}), 5, {"device 'tpu'"});
  refuse(quick({"--device", "cpu,cpu", "--threads", "1000"}), 2, {"2 sessions of 1000 threads"});
  refuse({"op", "Relu f32:3x4", "--device", "cpu,cpu"}, 2, {"'cpu,cpu'", "one device"});
  refuse(quick({"--device", "cuda:99"}), 5, {"cuda:99"});
  succeed(quick({"--batch", "1"}));
}

TEST_F(Bench, EvalSharesTheImagesAmongDevices) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two cores";
  const auto data = idx("data", 33);
  for (const auto* device : {"cpu", "cpu,cpu"})
    succeed({"eval", example_model(), "--data", data, "--preprocess", "fashion_mnist", "--batch", "4", "--no-tune",
             "-q", "--threads", "1", "--device", device, "--json", text(device)});
  const auto alone = nlohmann::json::parse(read_text(path("cpu")))["evaluations"][0];
  const auto together = nlohmann::json::parse(read_text(path("cpu,cpu")))["evaluations"][0];
  EXPECT_EQ(together["predictions"], alone["predictions"]);
  EXPECT_EQ(together["images"], 33);
}

TEST_F(Bench, MeasuresEndToEndFromImages) {
  succeed(quick({"--batch", "1,2", "--data", pictures("images", 8), "--preprocess", "fashion_mnist", "--json",
                 text("out.json")}));
  for (const auto& result : read_results(path("out.json")).results) {
    ASSERT_TRUE(result.end_to_end.has_value());
    EXPECT_GT(*result.end_to_end, 0);
  }
}

TEST_F(Bench, NamesPeersThatAreNotThere) {
  const char* usual = std::getenv("HALFTONE_PEERS_PYTHON");
  const std::string kept = usual == nullptr ? "" : usual;
  ::setenv("HALFTONE_PEERS_PYTHON", text("python").c_str(), 1);
  refuse(quick({"--peers", "ort", "--json", text("out.json")}), 5, {"cannot start", "python"});
  // A Python that finds nothing: isolated, without site-packages.
  write_text(path("python"), "#!/bin/sh\nexec python3 -S -I \"$@\"\n");
  fs::permissions(path("python"), fs::perms::owner_all);
  const auto out = succeed(quick({"--batch", "1", "--peers", "ort,openvino", "--json", text("out.json")}));
  if (kept.empty()) ::unsetenv("HALFTONE_PEERS_PYTHON");
  else ::setenv("HALFTONE_PEERS_PYTHON", kept.c_str(), 1);
  EXPECT_NE(out.find("absent: onnxruntime: not installed"), std::string::npos) << out;
  EXPECT_NE(out.find("absent: openvino: not installed"), std::string::npos) << out;
  const auto results = read_results(path("out.json"));
  EXPECT_EQ(results.results.size(), 1u);
  EXPECT_EQ(results.absent.size(), 2u);
}

TEST_F(Bench, MeasuresPeersBesideItself) {
  const char* python = std::getenv("HALFTONE_PEERS_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "HALFTONE_PEERS_PYTHON names no Python with other engines";
  succeed(quick({"--batch", "1,2", "--peers", "ort", "--json", text("out.json")}));
  const auto results = read_results(path("out.json"));
  if (!results.absent.empty()) GTEST_SKIP() << results.absent.front().why;
  ASSERT_EQ(results.results.size(), 4u);
  for (const auto& result : results.results) {
    EXPECT_EQ(result.output_difference.has_value(), result.engine == "onnxruntime");
    if (result.output_difference) {
      EXPECT_LT(*result.output_difference, 1e-4);
    }
  }
  EXPECT_EQ(results.machine.software.count("onnxruntime"), 1u);
}

TEST_F(Bench, AFullDiskHalfwayLosesNothingThatTheScreenCanHold) {
  fs::create_directory(path("disk"));
  if (::mount("tmpfs", path("disk").c_str(), "tmpfs", 0, "size=4k") != 0)
    GTEST_SKIP() << "a small file system to fill needs the right to mount one";
  write_text(path("disk/filler"), std::string(4096, 'x'));
  const auto outcome = halftone(quick({"--batch", "1-32", "--rounds", "3", "--json", text("disk/out.json")}));
  const auto left = listing(path("disk"));
  ::umount2(path("disk").c_str(), MNT_DETACH);
  EXPECT_EQ(outcome.status, 5);
  EXPECT_NE(outcome.err.find("an interruption would lose what is measured"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("out.json: cannot write: No space left"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("images/s"), std::string::npos) << outcome.out;
  EXPECT_EQ(left, std::vector<std::string>{"filler"});
}

}  // namespace
}  // namespace halftone::tests
