#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/npz.h"
#include "tests/unit/data/samples.h"

namespace halftone {
namespace {

Tensor counting(DType dtype, Shape shape) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(shape.count()));
  std::iota(values.begin(), values.end(), 0);
  return Tensor::from(shape, std::span<const std::int64_t>(values)).to(dtype);
}

/// An npy file with a header as given, padded as NumPy does.
std::string npy(std::string header, const std::string& data, char version = 1) {
  header += '\n';
  std::string bytes("\x93NUMPY", 6);
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(header.size());
  bytes.append(version == 1 ? 1 : 3, '\0');
  return bytes + header + data;
}

template <typename Parse>
std::pair<Code, std::string> error_of(Parse parse, const std::string& bytes) {
  try {
    parse(bytes, "some.file");
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Code::cancelled, "no error"};
}

/// Every prefix must be refused by name; every flipped bit gives tensors or an Error.
template <typename Parse>
void damage(Parse parse, const std::string& good) {
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto [code, message] = error_of(parse, good.substr(0, size));
    ASSERT_EQ(code, Code::invalid_model) << size << ": " << message;
    ASSERT_TRUE(message.starts_with("some.file")) << message;
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto [code, message] = error_of(parse, bytes);
    ASSERT_TRUE(message == "no error" || message.starts_with("some.file")) << message;
  }
}

TEST(Npy, EveryTypeComesBack) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::i8, DType::u8, DType::i16, DType::u16,
                            DType::i32, DType::u32, DType::i64, DType::u64, DType::boolean})
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3, 4}, Shape{0, 3}}) {
      const Tensor tensor = counting(dtype, shape);
      const std::string bytes = to_npy(tensor);
      EXPECT_EQ((bytes.size() - tensor.bytes()) % 64, 0u);
      const Tensor back = parse_npy(bytes, "x");
      ASSERT_EQ(back.type(), tensor.type());
      if (tensor.bytes() > 0) {
        ASSERT_EQ(std::memcmp(back.raw(), tensor.raw(), tensor.bytes()), 0);
      }
    }
}

TEST(Npy, BFloat16IsWrittenAsFloat) {
  const Tensor back = parse_npy(to_npy(counting(DType::bf16, {3})), "x");
  EXPECT_EQ(back.dtype(), DType::f32);
  EXPECT_EQ(back.to_doubles(), (std::vector<double>{0, 1, 2}));
}

TEST(Npy, FortranOrderBigEndianAndLaterVersions) {
  // Column by column: 1 4 | 2 5 | 3 6.
  const std::string data("\0\1\0\4\0\2\0\5\0\3\0\6", 12);
  for (const char version : {1, 2, 3}) {
    const Tensor tensor =
        parse_npy(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", data, version), "x");
    EXPECT_EQ(tensor.type().text(), "i16:2x3");
    EXPECT_EQ(tensor.to_ints(), (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
  }
  const Tensor cube = counting(DType::i32, {2, 3, 4});
  std::string columns;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) {
        const std::int32_t value = (i * 3 + j) * 4 + k;
        columns.append(reinterpret_cast<const char*>(&value), 4);
      }
  EXPECT_EQ(parse_npy(npy("{\"shape\":(2,3,4),\"descr\":\"<i4\",\"fortran_order\":True}", columns), "x").to_ints(),
            cube.to_ints());
}

TEST(Npy, BoolsAreMadeClean) {
  const Tensor tensor =
      parse_npy(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\x02\xff\x01"), "x");
  EXPECT_EQ(tensor.to_ints(), (std::vector<std::int64_t>{1, 1, 1}));
}

TEST(Npy, WhatCannotBeReadIsRefusedWithItsReason) {
  const auto error = [](const std::string& header) { return error_of(parse_npy, npy(header, "")); };
  EXPECT_EQ(error("{'descr': '<c8', 'fortran_order': False, 'shape': (0,), }").first, Code::unsupported);
  EXPECT_EQ(error("{'descr': '|O', 'fortran_order': False, 'shape': (0,), }").first, Code::unsupported);
  EXPECT_EQ(error("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,), }").first, Code::unsupported);
  EXPECT_EQ(error("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 100000), }").first,
            Code::resource_exhausted);
  EXPECT_EQ(error("{'descr': '<f4', 'fortran_order': False, 'shape': (25000000000,), }").first, Code::invalid_model)
      << "100 GB in a small file";
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '', 'fortran_order': False, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': 3}"})
    EXPECT_EQ(error(header).first, Code::invalid_model) << header;
}

TEST(Npy, DamagedFiles) { damage(parse_npy, to_npy(counting(DType::f32, {2, 3}))); }

TEST(Npz, TensorsComeBackInOrder) {
  const test::Folder folder;
  const std::vector<NamedTensor> tensors = {
      {"z", counting(DType::f32, {2, 3})}, {"a.b", counting(DType::i64, {})}, {"empty", counting(DType::u8, {0})}};
  write_npz(folder.path("t.npz"), tensors);
  const auto back = read_tensors(folder.path("t.npz"));
  ASSERT_EQ(back.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back[i].name, tensors[i].name);
    EXPECT_EQ(back[i].tensor.type(), tensors[i].tensor.type());
    EXPECT_EQ(back[i].tensor.to_doubles(), tensors[i].tensor.to_doubles());
  }
  EXPECT_TRUE(parse_npz(to_npz({}), "x").empty());
}

TEST(Npz, ReadsWhatNumpyWrites) {
  const std::string root = HALFTONE_SOURCE_DIR "/tests/fuzz/corpus/image/";
  for (const char* file : {"stored.npz", "deflated.npz"}) {
    const auto tensors = read_npz(root + file);
    ASSERT_EQ(tensors.size(), 2u) << file;
    EXPECT_EQ(tensors[0].name, "x");
    EXPECT_EQ(tensors[0].tensor.type().text(), "f32:2x3");
    EXPECT_EQ(tensors[0].tensor.to_doubles(), (std::vector<double>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(tensors[1].name, "labels");
    EXPECT_EQ(tensors[1].tensor.to_ints(), (std::vector<std::int64_t>{7, 8, 9}));
  }
}

TEST(Npz, DamagedFiles) {
  damage(parse_npz, to_npz({{"a", counting(DType::f32, {3})}, {"b", counting(DType::u8, {2})}}));
  damage(parse_npz, read_file(HALFTONE_SOURCE_DIR "/tests/fuzz/corpus/image/deflated.npz"));
}

TEST(Npz, RefusesNamesThatCannotBeWritten) {
  EXPECT_THROW(to_npz({{"", counting(DType::f32, {1})}}), Error);
  EXPECT_THROW(to_npz({{"a", counting(DType::f32, {1})}, {"a", counting(DType::f32, {1})}}), Error);
}

TEST(Npz, EntriesThatShareTheirDataAreRefused) {
  std::string bytes = to_npz({{"aaaa", counting(DType::u8, {64})}, {"bbbb", counting(DType::u8, {64})}});
  const std::size_t first = bytes.find("PK\1\2"), second = bytes.find("PK\1\2", first + 1);
  ASSERT_NE(second, std::string::npos);
  const std::size_t end = bytes.find("PK\5\6");
  // Many directory entries for the first tensor.
  const std::string entry = bytes.substr(first, second - first);
  std::string many = bytes.substr(0, first);
  for (int i = 0; i < 9; ++i) many += entry;
  many += bytes.substr(end);
  many[many.size() - 12] = many[many.size() - 14] = 9;
  EXPECT_NE(error_of(parse_npz, many).second.find("overlap"), std::string::npos) << error_of(parse_npz, many).second;
}

TEST(Idx, TypesAreReadBigEndian) {
  EXPECT_EQ(parse_idx(std::string("\0\0\x08\x01\0\0\0\x02\x07\xff", 10), "x").to_ints(),
            (std::vector<std::int64_t>{7, 255}));
  EXPECT_EQ(parse_idx(std::string("\0\0\x0b\x01\0\0\0\x02\x01\x00\xff\xff", 12), "x").to_ints(),
            (std::vector<std::int64_t>{256, -1}));
  EXPECT_EQ(parse_idx(std::string("\0\0\x0d\x02\0\0\0\x01\0\0\0\x01\x3f\x80\0\0", 16), "x").to_doubles(),
            (std::vector<double>{1}));
}

TEST(Idx, DamagedFiles) {
  damage(parse_idx, std::string("\0\0\x0c\x02\0\0\0\x02\0\0\0\x03", 12) + std::string(24, '\5'));
  EXPECT_EQ(error_of(parse_idx, std::string("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16)).first,
            Code::resource_exhausted);
}

TEST(Tensors, OtherFilesAreRefused) {
  const test::Folder folder;
  write_npy(folder.path("x.npy"), counting(DType::f32, {2}));
  EXPECT_EQ(read_tensors(folder.path("x.npy")).at(0).tensor.to_doubles(), (std::vector<double>{0, 1}));
  EXPECT_THROW(read_tensors(folder.write("x", "hello")), Error);
  EXPECT_THROW(read_tensors(folder.write("empty", "")), Error);
  EXPECT_THROW(read_tensors(folder.path("none")), Error);
  EXPECT_THROW(write_npy(folder.path("no/such/folder.npy"), counting(DType::f32, {2})), Error);
}

}  // namespace
}  // namespace halftone
