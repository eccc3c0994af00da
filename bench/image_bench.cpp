// Pictures a second on one core: image_bench FOLDER [benchmark options]. FOLDER holds pictures, such as 256x256 JPEGs.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/normalize.h"

namespace halftone {
namespace {

struct Files {
  std::vector<std::string> names, bytes;
};

/// Up to 100 pictures, read beforehand, so that the disk is not what is timed.
Files read_files(const std::string& path) {
  Files files;
  const Dataset dataset = open_dataset(path).evenly_spaced(100);
  for (const auto& item : dataset.items()) {
    files.names.push_back(item.name);
    files.bytes.push_back(read_file(item.name));
  }
  return files;
}

void count_pictures(benchmark::State& state, std::int64_t pictures) {
  state.counters["images/s"] = benchmark::Counter(static_cast<double>(pictures), benchmark::Counter::kIsRate);
}

void decode(benchmark::State& state, const Files& files) {
  ImageDecoder decoder;
  Image image;
  std::int64_t done = 0;
  for (auto _ : state) {
    const std::size_t i = static_cast<std::size_t>(done++) % files.bytes.size();
    const ImageSize size = decoder.open(files.bytes[i], files.names[i]);
    decoder.decode({0, 0, size.width, size.height}, image);
    benchmark::DoNotOptimize(image.pixels.data());
  }
  count_pictures(state, done);
}

void prepare(benchmark::State& state, const Files& files, const char* text) {
  Preprocessor preprocessor(parse_preprocess(text));
  Tensor tensor(preprocessor.preprocess().dtype, preprocessor.preprocess().shape(1));
  std::int64_t done = 0;
  for (auto _ : state) {
    const std::size_t i = static_cast<std::size_t>(done++) % files.bytes.size();
    preprocessor.run(files.bytes[i], files.names[i], tensor.raw());
    benchmark::DoNotOptimize(tensor.raw());
  }
  count_pictures(state, done);
}

void write_values(benchmark::State& state, const char* text) {
  const Preprocess preprocess = parse_preprocess(text);
  Image image;
  image.reset(224, 224);
  Tensor tensor(preprocess.dtype, preprocess.shape(1));
  std::int64_t done = 0;
  for (auto _ : state) {
    normalize(image, preprocess, tensor.raw());
    benchmark::DoNotOptimize(tensor.raw());
    ++done;
  }
  count_pictures(state, done);
}

/// All of it, from files to batches, with one decoding thread.
void load(benchmark::State& state, const std::string& path, const char* text) {
  const Dataset dataset = open_dataset(path);
  std::int64_t done = 0;
  for (auto _ : state) {
    BatchLoader loader(dataset, parse_preprocess(text), {.batch = 32, .threads = 1});
    while (const auto batch = loader.next()) done += batch->count;
  }
  count_pictures(state, done);
}

}  // namespace
}  // namespace halftone

int main(int argc, char** argv) {
  using namespace halftone;
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: image_bench FOLDER [benchmark options]\n");
    return 2;
  }
  try {
    const std::string path = argv[1];
    const Files files = read_files(path);
    benchmark::RegisterBenchmark("decode", [&](benchmark::State& state) { decode(state, files); });
    for (const char* text : {"torchvision,resize=0,crop=224", "torchvision,crop=224", "torchvision,resize=232,crop=224",
                             "torchvision,resize=0,crop=224,layout=nhwc", "raw,crop=224,dtype=u8,layout=nhwc"})
      benchmark::RegisterBenchmark((std::string("decode+prepare/") + text).c_str(),
                                   [&files, text](benchmark::State& state) { prepare(state, files, text); });
    for (const char* text : {"torchvision,crop=224", "torchvision,crop=224,layout=nhwc"})
      benchmark::RegisterBenchmark((std::string("values/") + text).c_str(),
                                   [text](benchmark::State& state) { write_values(state, text); });
    benchmark::RegisterBenchmark("load/torchvision,resize=0,crop=224", [&](benchmark::State& state) {
      load(state, path, "torchvision,resize=0,crop=224");
    })->UseRealTime();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_code(error.code());
  }
  return 0;
}
