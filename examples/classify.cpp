// classify MODEL.onnx IMAGE PREPROCESS CLASSES.txt: the five likeliest classes of a picture.
#include <cstdio>

#include "cpu/cpu_backend.h"
#include "data/class_names.h"
#include "data/preprocess.h"
#include "engine/session.h"
#include "onnx/reader.h"
#include "quant/accuracy.h"

int main(int argc, char** argv) try {
  using namespace halftone;
  if (argc != 5) fail(Code::invalid_argument, "usage: classify MODEL.onnx IMAGE PREPROCESS CLASSES.txt");
  const Graph graph = read_onnx(argv[1]);
  Preprocess preprocess = parse_preprocess(argv[3]);
  preprocess.fit_to(graph.value(graph.inputs[0]).type.shape.dims());
  const Tensor image = preprocess_image(read_image(argv[2]), preprocess);
  const auto classes = read_class_names(argv[4]);

  Session session(build(graph, make_cpu_backend(), {.tune = false}));
  const auto scores = session.run({&image, 1})[0].data<float>();
  for (const int i : best_classes(scores, 5))
    std::printf("%8.3f  %s\n", scores[static_cast<std::size_t>(i)], classes.at(static_cast<std::size_t>(i)).c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "classify: %s\n", error.what());
  return 1;
}
