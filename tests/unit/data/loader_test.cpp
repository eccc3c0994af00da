#include "data/loader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>

#include "base/error.h"
#include "data/pnm.h"
#include "tests/unit/data/samples.h"

namespace halftone {
namespace {

/// Pictures of 4x4, the i-th all of value i.
void write_pictures(const test::Folder& folder, int count) {
  Image image;
  image.reset(4, 4);
  std::string labels;
  for (int i = 0; i < count; ++i) {
    std::fill(image.pixels.begin(), image.pixels.end(), static_cast<std::uint8_t>(i));
    folder.write(fmt::format("{:03}.ppm", i), to_ppm(image));
    labels += fmt::format("{:03}.ppm {}\n", i, i % 10);
  }
  folder.write("labels.txt", labels);
}

Preprocess raw(int crop = 4) { return parse_preprocess(fmt::format("raw,dtype=u8,crop={}", crop)); }

TEST(Loader, BatchesComeInOrderAndTheLastIsFilledWithZeros) {
  const test::Folder folder;
  write_pictures(folder, 50);
  for (const int threads : {1, 2, 7})
    for (const int batch : {1, 3, 8, 64})
      for (const int prefetch : {0, 1, 5}) {
        BatchLoader loader(open_dataset(folder.path()), raw(),
                           {.batch = batch, .threads = threads, .prefetch = prefetch});
        std::size_t expected = 0;
        while (auto got = loader.next()) {
          ASSERT_EQ(got->images.shape(), (Shape{batch, 3, 4, 4}));
          ASSERT_EQ(got->filled().shape()[0], got->count);
          ASSERT_EQ(got->count, std::min<int>(batch, 50 - static_cast<int>(expected)));
          const auto values = std::as_const(got->images).data<std::uint8_t>();
          for (int row = 0; row < batch; ++row)
            for (int i = 0; i < 48; ++i)
              ASSERT_EQ(values[row * 48 + i], row < got->count ? expected + row : 0) << batch << " " << threads;
          for (int row = 0; row < got->count; ++row) {
            ASSERT_EQ(got->indices[row], expected + row);
            ASSERT_EQ(got->labels[row], static_cast<std::int64_t>((expected + row) % 10));
          }
          expected += static_cast<std::size_t>(got->count);
        }
        EXPECT_EQ(expected, 50u);
        EXPECT_FALSE(loader.next().has_value());
      }
}

TEST(Loader, AnUnreadablePictureEndsItAndIsNamed) {
  const test::Folder folder;
  write_pictures(folder, 20);
  folder.write("013.ppm", "P6 4 4 255\nshort");
  BatchLoader loader(open_dataset(folder.path()), raw(), {.batch = 4, .threads = 3});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loader.next().has_value());
  try {
    loader.next();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("013.ppm"), std::string::npos) << error.what();
    EXPECT_EQ(error.code(), Code::invalid_model);
  }
  EXPECT_FALSE(loader.next().has_value());
}

TEST(Loader, UnreadablePicturesAreSkippedCountedAndNamedWhenAsked) {
  const test::Folder folder;
  write_pictures(folder, 20);
  for (const int bad : {0, 4, 5, 6, 7, 19}) folder.write(fmt::format("{:03}.ppm", bad), "P6 4 4 255\nshort");
  BatchLoader loader(open_dataset(folder.path()), raw(), {.batch = 4, .threads = 2, .skip_unreadable = true});
  std::vector<std::size_t> seen;
  while (auto batch = loader.next()) {
    ASSERT_GT(batch->count, 0);
    const auto values = std::as_const(batch->images).data<std::uint8_t>();
    for (int row = 0; row < 4; ++row) {
      if (row < batch->count) {
        EXPECT_EQ(values[row * 48], batch->indices[row]);
        EXPECT_EQ(batch->labels[row], static_cast<std::int64_t>(batch->indices[row] % 10));
      } else {
        EXPECT_EQ(values[row * 48], 0);
      }
    }
    seen.insert(seen.end(), batch->indices.begin(), batch->indices.end());
  }
  EXPECT_EQ(seen, (std::vector<std::size_t>{1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}));
  ASSERT_EQ(loader.skipped().size(), 6u);
  EXPECT_EQ(loader.skipped()[5].index, 19u);
  EXPECT_NE(loader.skipped()[5].reason.find("019.ppm"), std::string::npos);
}

TEST(Loader, StopsCleanlyWhenDestroyedEarly) {
  const test::Folder folder;
  write_pictures(folder, 60);
  const Dataset dataset = open_dataset(folder.path());
  for (int taken = 0; taken < 12; ++taken) {
    BatchLoader loader(dataset, raw(), {.batch = 5, .threads = 4, .prefetch = taken % 4});
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(loader.next().has_value());
  }
}

TEST(Loader, ABatchOutlivesItsLoaderAndMemoryIsUsedAgain) {
  const test::Folder folder;
  write_pictures(folder, 40);
  std::optional<Batch> kept;
  std::set<const void*> buffers;
  {
    BatchLoader loader(open_dataset(folder.path()), raw(), {.batch = 2, .threads = 2, .prefetch = 1});
    kept = loader.next();
    while (auto batch = loader.next()) {
      EXPECT_NE(batch->images.raw(), kept->images.raw());
      buffers.insert(batch->images.raw());
    }
  }
  EXPECT_LE(buffers.size(), 4u) << "at most two under way, one in hand, one just given back";
  EXPECT_EQ(std::as_const(kept->images).data<std::uint8_t>()[48], 1);
}

TEST(Loader, BatchesMayBeDroppedInAnotherThread) {
  const test::Folder folder;
  write_pictures(folder, 40);
  BatchLoader loader(open_dataset(folder.path()), raw(), {.batch = 2, .threads = 2});
  std::vector<std::jthread> users;
  while (auto batch = loader.next())
    users.emplace_back(
        [batch = std::move(*batch)] { EXPECT_EQ(batch.images.data<std::uint8_t>()[0], batch.indices[0]); });
}

TEST(Loader, RefusesOptionsThatMakeNoSense) {
  const test::Folder folder;
  write_pictures(folder, 2);
  const Dataset dataset = open_dataset(folder.path());
  EXPECT_THROW(BatchLoader(dataset, raw(), {.batch = 0}), Error);
  EXPECT_THROW(BatchLoader(dataset, raw(), {.threads = -1}), Error);
  EXPECT_THROW(BatchLoader(dataset, raw(), {.prefetch = -1}), Error);
  EXPECT_THROW(BatchLoader(dataset, parse_preprocess("raw"), {}), Error) << "no crop";
}

}  // namespace
}  // namespace halftone
