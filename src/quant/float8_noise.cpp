#include "quant/float8_noise.h"

#include <algorithm>
#include <vector>

#include "quant/image_run.h"
#include "quant/noise_sum.h"
#include "quant/product.h"

namespace halftone {
namespace {

constexpr double kLoud = 1e-3;   // -30 dB
constexpr double kQuiet = 4e-4;  // -34 dB
constexpr double kLargePart = 0.1;

/// The network's outputs, one after the other, for all images.
std::vector<float> answers(const Graph& graph, const std::shared_ptr<Backend>& backend, const Dataset& images,
                           const Preprocess& preprocess, const QuantizeOptions& options) {
  ImageRun run(graph, backend, images, preprocess, options);
  std::vector<float> result;
  while (run.next())
    for (const auto& output : run.outputs()) {
      const Tensor numbers = output.to(DType::f32);
      const auto all = numbers.data<float>();
      const auto part = all.first(all.size() / static_cast<std::size_t>(options.batch) * run.images());
      result.insert(result.end(), part.begin(), part.end());
    }
  return result;
}

/// Products that read one tensor: in different precisions they would want it twice.
struct Readers {
  std::vector<std::string> names;
  double noise = 0, multiplications = 0;
};

}  // namespace

std::map<std::string, double> measure_float8_noise(const CalibratedModel& model,
                                                   const std::shared_ptr<Backend>& backend, const Dataset& images,
                                                   const Preprocess& preprocess, const QuantizeOptions& options) {
  const auto products = products_of(model.graph);
  const std::set<std::string> all(products.begin(), products.end());
  const auto wanted = answers(quantize(model, all).graph, backend, images, preprocess, options);
  std::map<std::string, double> noise;
  std::size_t done = 0;
  for (const auto& name : products) {
    if (options.progress) options.progress("measure rounding", ++done, products.size());
    if (model.sixteen_bit.contains(name)) continue;
    auto others = all;
    others.erase(name);
    NoiseSum sum;
    sum.add(answers(quantize(model, others).graph, backend, images, preprocess, options), wanted);
    noise[name] = sum.ratio();
  }
  return noise;
}

std::set<std::string> raise_noisy_products(const Graph& source, const std::set<std::string>& sixteen_bit,
                                           const std::map<std::string, double>& noise) {
  Graph graph = source;
  infer_types(graph);
  double multiplications = 0, raised = 0, left = 0;
  std::vector<Readers> choices;
  std::map<ValueId, std::size_t> choice_of;
  const auto producers = graph.producers();
  for (const auto& node : graph.nodes) {
    if (!is_product(graph, node)) continue;
    const double macs = cost(problem_of(graph, node)).macs;
    multiplications += macs;
    const auto found = noise.find(node.name);
    if (sixteen_bit.contains(node.name) || found == noise.end()) {
      raised += macs;
      continue;
    }
    const auto [item, first] = choice_of.try_emplace(rounded_input(graph, producers, node), choices.size());
    if (first) choices.emplace_back();
    auto& choice = choices[item->second];
    choice.names.push_back(node.name);
    choice.noise += found->second;
    choice.multiplications += macs;
    left += found->second;
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Readers& a, const Readers& b) {
    return a.noise * b.multiplications > b.noise * a.multiplications;
  });
  std::set<std::string> result = sixteen_bit;
  const auto worth = [&](const Readers& choice) {
    return (left > kLoud || choice.noise >= kLargePart * left) &&
           3 * (raised + choice.multiplications) <= 2 * multiplications;
  };
  while (left > kQuiet) {
    const auto next = std::find_if(choices.begin(), choices.end(), worth);
    if (next == choices.end()) break;
    result.insert(next->names.begin(), next->names.end());
    left -= next->noise;
    raised += next->multiplications;
    choices.erase(next);
  }
  return result;
}

}  // namespace halftone
