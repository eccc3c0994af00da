#include "bench/peers.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

#include "base/interrupt.h"
#include "bench/child.h"
#include "bench/json_reader.h"

namespace halftone {

extern const char* const kPeersScript;  // the files of bench/peers, joined

namespace {

using Json = nlohmann::ordered_json;

/// Engines keep threads spinning for a while after a run; they must not do so on the next one's time.
void let_threads_rest() { std::this_thread::sleep_for(std::chrono::milliseconds(40)); }

std::string numpy_name(DType dtype) {
  switch (dtype) {
    case DType::f32: return "float32";
    case DType::f16: return "float16";
    case DType::i8: return "int8";
    case DType::u8: return "uint8";
    case DType::i32: return "int32";
    case DType::i64: return "int64";
    default: return "";
  }
}

}  // namespace

class Peers::Process : public Child {
 public:
  explicit Process(const std::string& python) : Child(python, {"-u", "-c", kPeersScript}) {}

  Json ask(const Json& request, const std::vector<std::pair<std::string, Tensor>>& arrays = {}) {
    write(request.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    for (const auto& [name, tensor] : arrays) write({static_cast<const char*>(tensor.raw()), tensor.bytes()});
    return parse_json(read_line(), "the peers' reply");
  }
};

Peers::Peers(const std::string& python) : process_(std::make_unique<Process>(python)) {}
Peers::~Peers() = default;

Peers::Presence Peers::load(const std::string& engine) {
  const auto reply = process_->ask({{"do", "load"}, {"engine", engine}});
  return {reply.value("version", ""), reply.value("refused", "")};
}

Peers::Opened Peers::open(const PeerJob& job) {
  Json inputs = Json::array();
  for (const auto& [name, tensor] : job.inputs) {
    const auto dtype = numpy_name(tensor.dtype());
    if (dtype.empty()) return {{}, {}, fmt::format("input '{}' is {}", name, tensor.type().text())};
    inputs.push_back({{"name", name}, {"dtype", dtype}, {"shape", tensor.shape().dims()}});
  }
  const auto reply = process_->ask({{"do", "open"},
                                    {"engine", job.engine},
                                    {"model", job.model},
                                    {"precision", job.precision},
                                    {"batch", job.batch},
                                    {"threads", job.threads},
                                    {"sessions", job.sessions},
                                    {"inputs", inputs}},
                                   job.inputs);
  Opened opened;
  opened.refused = reply.value("refused", "");
  if (!opened.refused.empty()) return opened;
  for (const auto& shape : reply.at("shapes")) {
    Tensor output(DType::f32, Shape(shape.get<std::vector<std::int64_t>>()));
    process_->read({static_cast<std::byte*>(output.raw()), output.bytes()});
    opened.outputs.push_back(std::move(output));
  }
  opened.point = [process = process_.get(), id = reply.at("point").get<int>()](int runs, std::vector<double>& all) {
    check_interrupted();
    let_threads_rest();
    const auto times = process->ask({{"do", "run"}, {"point", id}, {"runs", runs}});
    if (times.contains("refused")) fail(Code::device, "a peer failed: {}", times.value("refused", ""));
    for (const auto& time : times.at("milliseconds")) all.push_back(time.get<double>());
    let_threads_rest();
  };
  return opened;
}

void Peers::close() { process_->ask({{"do", "close"}}); }

double Peers::cpu_seconds() const { return process_->cpu_seconds(); }

std::string peer_name(std::string_view text) {
  if (text == "ort" || text == "onnxruntime") return "onnxruntime";
  if (text == "openvino") return "openvino";
  if (text == "torch" || text == "pytorch") return "torch";
  if (text == "tensorflow" || text == "tf") return "tensorflow";
  fail(Code::invalid_argument, "peer '{}': ort, openvino, torch and tensorflow are known", text);
}

std::string peers_python() {
  const char* python = std::getenv("HALFTONE_PEERS_PYTHON");
  return python != nullptr && *python != '\0' ? python : "python3";
}

double output_difference(std::span<const Tensor> ours, std::span<const Tensor> theirs) {
  constexpr double kOther = std::numeric_limits<double>::infinity();
  if (ours.size() != theirs.size()) return kOther;
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].count() != theirs[i].count()) return kOther;
    const Tensor a = ours[i].to(DType::f32), b = theirs[i].to(DType::f32);
    const auto x = a.data<float>(), y = b.data<float>();
    for (std::size_t j = 0; j < x.size(); ++j) {
      difference += std::pow(static_cast<double>(x[j]) - y[j], 2);
      size += std::pow(static_cast<double>(x[j]), 2);
    }
  }
  const double relative = std::sqrt(difference / std::max(size, 1e-300));
  return std::isfinite(relative) ? relative : kOther;
}

double largest_difference(std::string_view precision) {
  if (precision == "fp32") return 1e-3;
  return precision == "int8" ? 0.1 : 0.05;
}

}  // namespace halftone
