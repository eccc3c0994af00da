#include "data/dataset.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "data/class_names.h"
#include "data/pnm.h"
#include "tests/unit/data/samples.h"

namespace halftone {
namespace {

std::string picture(std::uint8_t value) {
  Image image;
  image.reset(2, 2);
  std::fill(image.pixels.begin(), image.pixels.end(), value);
  return to_ppm(image);
}

std::pair<Code, std::string> error_of(const std::string& path) {
  try {
    open_dataset(path);
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Code::cancelled, "no error"};
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string result(bytes.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

std::string idx_images(int count) {
  std::string bytes("\0\0\x08\x03\0\0\0", 7);
  bytes += static_cast<char>(count);
  bytes += std::string("\0\0\0\x02\0\0\0\x03", 8);
  for (int i = 0; i < count * 6; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::string idx_labels(int count) {
  std::string bytes("\0\0\x08\x01\0\0\0", 7);
  bytes += static_cast<char>(count);
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(i % 4);
  return bytes;
}

TEST(Dataset, AFolderWithLabels) {
  const test::Folder folder;
  folder.write("a b.ppm", picture(7));
  folder.write("c.ppm", picture(9));
  folder.write("labels.txt", "c.ppm\t3\r\n\na b.ppm 12 \n");
  const Dataset dataset = open_dataset(folder.path());
  ASSERT_EQ(dataset.size(), 2u);
  EXPECT_TRUE(dataset.labelled());
  EXPECT_EQ(dataset.items()[0].label, 3);
  EXPECT_EQ(dataset.items()[1].label, 12);
  EXPECT_EQ(dataset.image(1).pixels[0], 7);
  dataset.check_labels(13);
  try {
    dataset.check_labels(12);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("a b.ppm (12)"), std::string::npos) << error.what();
  }
}

TEST(Dataset, LabelsThatDoNotMatchAreNamed) {
  const test::Folder folder;
  for (const char* name : {"a.ppm", "b.ppm", "c.ppm", "d.ppm", "e.ppm"}) folder.write(name, picture(1));
  const auto with_labels = [&](const std::string& text) {
    folder.write("labels.txt", text);
    return error_of(folder.path());
  };
  EXPECT_NE(with_labels("a.ppm 1\nx.ppm 2\n").second.find("1 of 2 files are not there: x.ppm"), std::string::npos);
  const auto [code, message] = with_labels("a.ppm 1\n");
  EXPECT_EQ(code, Code::invalid_argument);
  EXPECT_NE(message.find("4 pictures of the folder have no label: b.ppm, c.ppm, d.ppm, ..."), std::string::npos)
      << message;
  EXPECT_NE(with_labels("a.ppm 1\na.ppm 1\n").second.find("line 2: a.ppm is listed twice"), std::string::npos);
  for (const char* line : {"a.ppm", "a.ppm cat", "a.ppm -1", "a.ppm 1.5", "a.ppm 99999999999999999999", " 3"})
    EXPECT_NE(with_labels(line).second.find("line 1"), std::string::npos) << line;
  EXPECT_NE(with_labels("\n").second, "no error");
  EXPECT_NE(with_labels("../a.ppm 3\n").second, "no error");
}

TEST(Dataset, OneFolderAClass) {
  const test::Folder folder;
  folder.write("zebra/1.ppm", picture(1));
  folder.write("ant/2.ppm", picture(2));
  folder.write("ant/1.ppm", picture(3));
  folder.write("ant/notes.txt", "not a picture");
  folder.write(".hidden/1.ppm", picture(4));
  std::filesystem::create_directory(folder.path("empty"));
  const Dataset dataset = open_dataset(folder.path());
  ASSERT_EQ(dataset.size(), 3u);
  EXPECT_EQ(dataset.class_names(), (std::vector<std::string>{"ant", "zebra"}));
  EXPECT_TRUE(dataset.items()[0].name.ends_with("ant/1.ppm"));
  EXPECT_EQ(dataset.items()[0].label, 0);
  EXPECT_EQ(dataset.items()[2].label, 1);
}

TEST(Dataset, PlainPicturesAndASinglePicture) {
  const test::Folder folder;
  folder.write("b.PPM", picture(1));
  folder.write("a.ppm", picture(2));
  const Dataset dataset = open_dataset(folder.path());
  ASSERT_EQ(dataset.size(), 2u);
  EXPECT_FALSE(dataset.labelled());
  EXPECT_EQ(dataset.image(0).pixels[0], 2);
  EXPECT_THROW(dataset.check_labels(10), Error);
  EXPECT_EQ(open_dataset(folder.path("a.ppm")).size(), 1u);
}

TEST(Dataset, IdxPairsPackedOrNot) {
  const test::Folder folder;
  folder.write("t10k-images-idx3-ubyte.gz", gzip(idx_images(5)));
  folder.write("t10k-labels-idx1-ubyte.gz", gzip(idx_labels(5)));
  folder.write("train-images-idx3-ubyte", idx_images(7));
  folder.write("train-labels-idx1-ubyte", idx_labels(7));
  const Dataset test = open_dataset(folder.path());
  ASSERT_EQ(test.size(), 5u);
  EXPECT_EQ(test.items()[3].label, 3);
  const Image image = test.image(4);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.row(1)[3], 28);
  EXPECT_EQ(image.row(1)[5], 28);
  EXPECT_EQ(open_dataset(folder.path() + ":train").size(), 7u);
  EXPECT_EQ(open_dataset(folder.path() + ":test").size(), 5u);
  const Dataset train = open_dataset(folder.path("train-images-idx3-ubyte"));
  EXPECT_EQ(train.items()[6].label, 2);
  EXPECT_EQ(error_of(folder.path() + ":other").first, Code::not_found);

  folder.write("train-labels-idx1-ubyte", idx_labels(6));
  EXPECT_NE(error_of(folder.path() + ":train").second.find("6 labels for the 7 pictures"), std::string::npos);
  folder.write("train-images-idx3-ubyte", idx_images(7).substr(0, 40));
  EXPECT_EQ(error_of(folder.path() + ":train").first, Code::invalid_model);
  const std::string packed = gzip(idx_images(5));
  for (std::size_t size = 0; size < packed.size(); ++size) {
    folder.write("t10k-images-idx3-ubyte.gz", packed.substr(0, size));
    ASSERT_EQ(error_of(folder.path()).first, Code::invalid_model) << size;
  }
}

TEST(Dataset, NothingThereIsAClearError) {
  const test::Folder folder;
  EXPECT_EQ(error_of(folder.path("nowhere")).first, Code::not_found);
  EXPECT_EQ(error_of(folder.path()).first, Code::invalid_argument);
  EXPECT_NE(error_of(folder.path()).second.find("no pictures"), std::string::npos);
  folder.write("t10k-images-idx3-ubyte", idx_images(0));
  EXPECT_NE(error_of(folder.path()).second.find("no pictures"), std::string::npos);
}

TEST(Dataset, SubsetsAreEvenOrSeeded) {
  const test::Folder folder;
  folder.write("t10k-images-idx3-ubyte", idx_images(20));
  folder.write("t10k-labels-idx1-ubyte", idx_labels(20));
  const Dataset dataset = open_dataset(folder.path());
  const auto numbers = [](const Dataset& set) {
    std::vector<std::int64_t> result;
    for (const auto& item : set.items()) result.push_back(item.index);
    return result;
  };
  EXPECT_EQ(numbers(dataset.evenly_spaced(5)), (std::vector<std::int64_t>{0, 4, 8, 12, 16}));
  EXPECT_EQ(dataset.evenly_spaced(0).size(), 20u);
  EXPECT_EQ(dataset.evenly_spaced(99).size(), 20u);
  const auto drawn = numbers(dataset.sampled(8, 3));
  EXPECT_EQ(drawn.size(), 8u);
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end());
  EXPECT_EQ(drawn, numbers(dataset.sampled(8, 3)));
  EXPECT_NE(drawn, numbers(dataset.sampled(8, 4)));
  EXPECT_EQ(dataset.sampled(8, 3).image(2).pixels, dataset.image(static_cast<std::size_t>(drawn[2])).pixels);
}

TEST(Dataset, FashionMnist) {
  const char* path = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there (Debian's dataset-fashion-mnist)";
  const Dataset dataset = open_dataset(path);
  ASSERT_EQ(dataset.size(), 10000u);
  dataset.check_labels(10);
  EXPECT_EQ(dataset.items()[0].label, 9) << "an ankle boot";
  const Tensor tensor = preprocess_image(dataset.image(0), parse_preprocess("fashion_mnist"));
  EXPECT_EQ(tensor.type().text(), "f32:1x1x28x28");
}

TEST(Dataset, ImagenetSubset) {
  const char* data = std::getenv("HALFTONE_DATA");
  if (data == nullptr) GTEST_SKIP() << "HALFTONE_DATA is not set";
  const std::string root = data;
  const Dataset dataset = open_dataset(root + "/imagenet-val650");
  EXPECT_EQ(dataset.size(), 650u);
  dataset.check_labels(1000);
  EXPECT_EQ(dataset.image(0).width, 227);
  const auto names = read_class_names(root + "/synset_words.txt");
  ASSERT_EQ(names.size(), 1000u);
  EXPECT_EQ(names[0], "tench, Tinca tinca");
}

TEST(ClassNames, LinesWithOrWithoutNumbers) {
  const test::Folder folder;
  EXPECT_EQ(read_class_names(folder.write("a", "n01440764 tench, Tinca tinca\r\nn01443537 goldfish\n\n")),
            (std::vector<std::string>{"tench, Tinca tinca", "goldfish"}));
  EXPECT_EQ(read_class_names(folder.write("b", "n01440764 tench\ncat")),
            (std::vector<std::string>{"n01440764 tench", "cat"}));
  EXPECT_THROW(read_class_names(folder.write("c", "\n\n")), Error);
  EXPECT_THROW(read_class_names(folder.write("d", "cat\n\ndog\n")), Error);
  EXPECT_THROW(read_class_names(folder.path("none")), Error);
}

}  // namespace
}  // namespace halftone
