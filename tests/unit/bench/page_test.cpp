#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "bench/report.h"
#include "tests/unit/bench/browser.h"
#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

using nlohmann::json;

/// What is asked of the page from within; its answer is the text of #outcome.
constexpr const char* kQuestions = R"js(
const answer = {};
const visible = (element) => element.getClientRects().length > 0 && element.getBoundingClientRect().height > 20;
answer.charts = [...document.querySelectorAll("svg.chart")].filter(visible).length;
answer.tables = [...document.querySelectorAll("table")].filter(visible).length;
const points = [...document.querySelectorAll("table.sortable")].find((table) =>
  [...table.tHead.rows[0].cells].some((cell) => cell.textContent === "p99 ms"));
const column = [...points.tHead.rows[0].cells].findIndex((cell) => cell.textContent === "images/s");
const rates = () => [...points.tBodies[0].rows].map((row) => row.cells[column].textContent);
answer.before = rates();
const head = points.tHead.rows[0].cells[column];
head.querySelector("button").click();
answer.ascending = rates();
answer.sorted = head.getAttribute("aria-sort");
head.querySelector("button").click();
answer.descending = rates();
const item = document.querySelector(".legend li");
const shown = () => [...document.querySelectorAll(`[data-series="${item.dataset.toggles}"]`)].filter(visible).length;
answer.shown = [shown()];
item.querySelector("button").click();
answer.shown.push(shown());
answer.pressed = item.querySelector("button").getAttribute("aria-pressed");
item.querySelector("button").click();
answer.shown.push(shown());
answer.faults = window.faults;
answer.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
answer.width = document.documentElement.clientWidth;
const outcome = document.createElement("pre");
outcome.id = "outcome";
outcome.textContent = JSON.stringify(answer);
document.body.append(outcome);
)js";

constexpr const char* kWatch =
    "<script>window.faults = []; addEventListener('error', (e) => faults.push(e.message)); console.error = (m) => "
    "faults.push(String(m));</script>";

class Page : public ::testing::Test {
 protected:
  void SetUp() override {
    if (tests::browser().empty()) GTEST_SKIP() << "no Chromium here";
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  json outcome_in(const std::string& text) {
    const std::string mark = "<pre id=\"outcome\">";
    const auto begin = text.find(mark);
    const auto end = text.find("</pre>", begin);
    if (begin == std::string::npos) return {{"nothing", text.substr(0, 2000)}};
    return json::parse(text.substr(begin + mark.size(), end - begin - mark.size()));
  }

  std::filesystem::path write(std::string html) {
    html.insert(html.find("<head>") + 6, kWatch);
    html.insert(html.find("</body>"), "<script>" + std::string(kQuestions) + "</script>");
    write_file(folder_ / "page.html", html);
    return folder_ / "page.html";
  }

  /// The page inside a frame, since the browser's own window cannot be as narrow as a phone.
  json ask_in_frame(const std::string& html, int width) {
    write(html);
    write_file(folder_ / "frame.html",
               "<body><iframe id=\"f\" src=\"page.html\" style=\"border:0\" width=\"" + std::to_string(width) +
                   "\" height=\"800\"></iframe><script>const f = document.getElementById('f'); f.onload = () => "
                   "document.body.append(document.importNode(f.contentDocument.getElementById('outcome'), true));"
                   "</script></body>");
    return outcome_in(tests::dump(folder_ / "frame.html", 1000));
  }

  static Results rich() {
    auto results = samples::two_precisions();
    const auto ours = results.results;
    for (auto point : ours) {
      point.engine = "openvino";
      point.throughput *= 0.9;
      point.ci95 = {0.95 * point.throughput, 1.05 * point.throughput};
      point.output_difference = 1e-6;
      results.results.push_back(point);
    }
    for (auto& point : results.results) point.memory_bytes = 1000000 + 500000 * static_cast<unsigned>(point.batch);
    results.profiles = {{"resnet", "cpu", "int8", 8, {{"conv1", std::string(200, 'x'), "dnnl", 1.5}}}};
    results.absent = {{"torch", "", "not installed for /a/very/long/path/to/a/python/interpreter/bin/python"}};
    return results;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("halftone-page-" + std::to_string(::getpid()));
};

TEST_F(Page, DrawsSortsAndTogglesWithoutAFault) {
  const auto html = html_report(study_of(std::vector<Results>{rich()}), Slo{"p99", 50});
  const auto answer = outcome_in(tests::dump(write(html), 1280));
  ASSERT_FALSE(answer.contains("nothing")) << answer;
  EXPECT_EQ(answer["faults"], json::array()) << answer["faults"];
  EXPECT_EQ(answer["charts"], 3);
  EXPECT_GE(answer["tables"], 4);
  const std::vector<std::string> ascending{"36.0", "40.0", "43.2", "45.0", "48.0", "50.0",
                                           "117",  "130",  "158",  "162",  "175",  "180"};
  EXPECT_EQ(answer["ascending"], ascending);
  EXPECT_EQ(answer["descending"], std::vector<std::string>(ascending.rbegin(), ascending.rend()));
  EXPECT_NE(answer["before"], answer["ascending"]);
  EXPECT_EQ(answer["sorted"], "ascending");
  EXPECT_GT(answer["shown"][0], 3);
  EXPECT_EQ(answer["shown"][1], 0);
  EXPECT_EQ(answer["shown"][2], answer["shown"][0]);
  EXPECT_EQ(answer["pressed"], "false");
  EXPECT_EQ(answer["wide"], 0);
}

TEST_F(Page, IsNoWiderThanAPhone) {
  const auto html = html_report(study_of(std::vector<Results>{rich()}));
  for (const int width : {320, 390, 768}) {
    const auto answer = ask_in_frame(html, width);
    ASSERT_FALSE(answer.contains("nothing")) << answer;
    EXPECT_LE(answer["width"], width);
    EXPECT_GE(answer["width"], width - 20);
    EXPECT_EQ(answer["wide"], 0) << width;
    EXPECT_EQ(answer["faults"], json::array());
    EXPECT_EQ(answer["charts"], 3);
  }
}

TEST_F(Page, OfSeveralMachinesAndOfNothingHasNoFaultEither) {
  auto other = rich();
  other.machine.name = "Another";
  other.results.pop_back();
  const auto answer = outcome_in(tests::dump(write(html_report(study_of(std::vector<Results>{rich(), other}))), 1280));
  ASSERT_FALSE(answer.contains("nothing")) << answer;
  EXPECT_EQ(answer["faults"], json::array());
  EXPECT_EQ(answer["charts"], 3);
}

}  // namespace
}  // namespace halftone
