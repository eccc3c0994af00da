#include "onnx/tensor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "onnx/external_data.h"
#include "onnx/reader.h"
#include "tests/unit/onnx/expect_error.h"
#include "tests/unit/onnx/models.h"

namespace halftone {
namespace {

using tests::expect_error;
using Proto = onnx::TensorProto;

Tensor read(const Proto& proto) { return tensor_from_proto(proto, ExternalData(""), "tensor 't'"); }

Proto typed(int code, std::initializer_list<std::int64_t> dims) {
  Proto proto;
  proto.set_data_type(code);
  for (const auto dim : dims) proto.add_dims(dim);
  return proto;
}

TEST(OnnxTensor, EveryTypeComesBackFromItsRawBytes) {
  for (const auto dtype : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i8, DType::u8, DType::i16,
                           DType::u16, DType::i32, DType::u32, DType::i64, DType::u64, DType::boolean}) {
    const Tensor tensor = Tensor::from<float>({2, 3}, {0, 1, 2, 3, 4, 100}).to(dtype);
    Proto proto;
    ASSERT_TRUE(proto.ParseFromString(serialize_tensor(tensor, "t")));
    const Tensor back = read(proto);
    EXPECT_EQ(back.type(), tensor.type());
    EXPECT_EQ(std::memcmp(back.raw(), tensor.raw(), tensor.bytes()), 0) << name(dtype);
  }
}

TEST(OnnxTensor, EveryTypeComesFromItsOwnField) {
  const auto ints = [](int code, std::initializer_list<int> values) {
    Proto proto = typed(code, {static_cast<std::int64_t>(values.size())});
    for (const int value : values) proto.add_int32_data(value);
    return read(proto).to_doubles();
  };
  using List = std::vector<double>;
  EXPECT_EQ(ints(Proto::INT32, {-5, 7}), (List{-5, 7}));
  EXPECT_EQ(ints(Proto::INT16, {-300, 300}), (List{-300, 300}));
  EXPECT_EQ(ints(Proto::INT8, {-128, 127}), (List{-128, 127}));
  EXPECT_EQ(ints(Proto::UINT8, {0, 255}), (List{0, 255}));
  EXPECT_EQ(ints(Proto::UINT16, {0, 65535}), (List{0, 65535}));
  EXPECT_EQ(ints(Proto::BOOL, {0, 2}), (List{0, 1}));
  EXPECT_EQ(ints(Proto::FLOAT16, {0x3c00, 0xc000}), (List{1, -2}));
  EXPECT_EQ(ints(Proto::BFLOAT16, {0x3f80, 0xc000}), (List{1, -2}));
  Proto wide = typed(Proto::UINT32, {1});
  wide.add_uint64_data(4'000'000'000);
  EXPECT_EQ(read(wide).to_doubles(), List{4e9});
  Proto real = typed(Proto::DOUBLE, {1});
  real.add_double_data(0.1);
  EXPECT_EQ(read(real).to_doubles(), List{0.1});
  Proto empty = typed(Proto::FLOAT, {0, 4});
  EXPECT_EQ(read(empty).count(), 0);
}

TEST(OnnxTensor, ClaimsThatTheDataDoesNotKeep) {
  Proto huge = typed(Proto::FLOAT, {250'000, 100'000});  // 100 GB, and not a byte there
  expect_error(Code::invalid_model, {"tensor 't'", "250000x100000", "25000000000"}, [&] { return read(huge); });
  huge.set_raw_data(std::string(100, 'x'));
  expect_error(Code::invalid_model, {"tensor 't'", "100000000000 bytes", "has 100"}, [&] { return read(huge); });
  expect_error(Code::resource_exhausted, {"tensor 't'"}, [&] {
    return read(typed(Proto::FLOAT, {std::int64_t{1} << 62, std::int64_t{1} << 62}));
  });
  expect_error(Code::invalid_model, {"tensor 't'", "negative"}, [&] { return read(typed(Proto::FLOAT, {-1, 4})); });
  Proto flat = typed(Proto::FLOAT, {});
  for (int i = 0; i < 100; ++i) flat.add_dims(1);
  expect_error(Code::invalid_model, {"tensor 't'", "100 dimensions"}, [&] { return read(flat); });
  Proto few = typed(Proto::FLOAT, {3});
  few.add_float_data(1);
  expect_error(Code::invalid_model, {"tensor 't'", "3 elements", "has 1"}, [&] { return read(few); });
  Proto wide = typed(Proto::INT8, {1});
  wide.add_int32_data(300);
  expect_error(Code::invalid_model, {"tensor 't'", "300", "i8"}, [&] { return read(wide); });
}

TEST(OnnxTensor, TypesThatAreNotSupportedAreNamed) {
  const std::pair<int, const char*> codes[] = {
      {8, "string"}, {14, "complex64"}, {19, "float8e5m2"}, {22, "int4"}, {99, "number 99"}};
  for (const auto& [code, word] : codes)
    expect_error(Code::unsupported, {"tensor 't'", word}, [&, code = code] { return read(typed(code, {1})); });
  expect_error(Code::invalid_model, {"undefined"}, [&] { return read(typed(0, {1})); });
}

class ExternalDataFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("halftone_external_{}", ::getpid());
    std::filesystem::create_directories(folder_ / "model");
    const float values[] = {1, 2, 3, 4, 5, 6};
    std::ofstream(folder_ / "model" / "weights.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(values), sizeof values);
    std::filesystem::copy_file(folder_ / "model" / "weights.bin", folder_ / "secret.bin",
                               std::filesystem::copy_options::overwrite_existing);
    std::error_code ignored;
    std::filesystem::create_symlink(folder_ / "secret.bin", folder_ / "model" / "link.bin", ignored);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// The model of tests plus a [1,4] initializer kept outside; what is left empty is not stated.
  onnx::ModelProto model(const std::string& location, const std::string& offset = "", const std::string& length = "") {
    auto proto = tests::tiny_model();
    auto& tensor = tests::add_floats(proto, "w", {1, 4}, {});
    tensor.set_data_location(Proto::EXTERNAL);
    const std::pair<const char*, const std::string&> entries[] = {
        {"location", location}, {"offset", offset}, {"length", length}};
    for (const auto& [key, value] : entries) {
      if (value.empty()) continue;
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    proto.mutable_graph()->mutable_node(0)->set_op_type("Add");
    proto.mutable_graph()->mutable_node(0)->add_input("w");
    return proto;
  }

  Graph read_from(const onnx::ModelProto& proto) {
    const auto path = folder_ / "model" / "model.onnx";
    std::ofstream(path, std::ios::binary) << proto.SerializeAsString();
    return read_onnx(path);
  }

  std::filesystem::path folder_;
};

TEST_F(ExternalDataFiles, AreReadAtTheirOffset) {
  for (const auto& proto : {model("weights.bin", "8", "16"), model("./weights.bin", "8")}) {
    const Graph graph = read_from(proto);
    EXPECT_EQ(graph.value(graph.nodes.at(0).inputs.at(1)).constant.to_doubles(), (std::vector<double>{3, 4, 5, 6}));
  }
}

TEST_F(ExternalDataFiles, StayInTheModelsFolder) {
  const auto absolute = (folder_ / "secret.bin").string();
  for (const auto& location :
       {std::string("../secret.bin"), std::string("a/../../secret.bin"), absolute, std::string("link.bin")})
    expect_error(Code::invalid_model, {"initializer 'w'", location.c_str()},
                 [&] { return read_from(model(location)); });
  expect_error(Code::invalid_model, {"initializer 'w'"}, [&] { return read_from(model("")); });
}

TEST_F(ExternalDataFiles, ThatAreShortOrMissing) {
  expect_error(Code::not_found, {"missing.bin"}, [&] { return read_from(model("missing.bin")); });
  expect_error(Code::io, {"not a file"}, [&] { return read_from(model(".")); });
  expect_error(Code::invalid_model, {"initializer 'w'", "byte 100", "24"},
               [&] { return read_from(model("weights.bin", "100")); });
  expect_error(Code::invalid_model, {"initializer 'w'", "16 bytes", "12"},
               [&] { return read_from(model("weights.bin", "12")); });
  expect_error(Code::invalid_model, {"initializer 'w'", "999"},
               [&] { return read_from(model("weights.bin", "0", "999")); });
  expect_error(Code::invalid_model, {"initializer 'w'", "16 bytes", "8"},
               [&] { return read_from(model("weights.bin", "0", "8")); });
  expect_error(Code::invalid_model, {"initializer 'w'", "offset", "-4"},
               [&] { return read_from(model("weights.bin", "-4")); });
  expect_error(Code::unsupported, {"initializer 'w'", "weights.bin"},
               [&] { return parse_onnx(model("weights.bin").SerializeAsString(), ""); });
}

TEST_F(ExternalDataFiles, ATensorFileIsReadOrNamed) {
  const auto path = folder_ / "input_0.pb";
  const Tensor tensor = Tensor::from<float>({2}, {1, 2});
  std::ofstream(path, std::ios::binary) << serialize_tensor(tensor, "x");
  EXPECT_EQ(tensor_from_proto_file(path).to_doubles(), tensor.to_doubles());
  std::ofstream(path, std::ios::binary) << "nothing of the kind";
  expect_error(Code::invalid_model, {path.c_str()}, [&] { return tensor_from_proto_file(path); });
}

}  // namespace
}  // namespace halftone
