#include <gtest/gtest.h>

#include "base/error.h"
#include "cuda/cuda_backend.h"
#include "cuda/cudnn_library.h"
#include "cuda/device_trouble.h"

// What a machine without the right libraries or without a device is told. Needs no device.
namespace halftone {
namespace {

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::not_found) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(cuda_libraries, missing_cudnn_is_named) {
  const auto message = refusal([] { cuda::load_cudnn("libcudnn_that_is_not_there.so.9"); });
  EXPECT_NE(message.find("cuDNN cannot be loaded: libcudnn_that_is_not_there.so.9"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(cuda_libraries, other_version_of_cudnn_is_refused) {
  const auto message = refusal([] { cuda::load_cudnn(HALFTONE_OLD_CUDNN); });
  EXPECT_NE(message.find("is version 8904, this build needs 9.x"), std::string::npos) << message;
}

TEST(cuda_libraries, library_without_the_functions_is_refused) {
  const auto message = refusal([] { cuda::load_cudnn("libm.so.6"); });
  EXPECT_NE(message.find("has no function cudnnGetVersion"), std::string::npos) << message;
}

TEST(cuda_devices, drivers_that_do_not_do_are_named) {
  using cuda::driver_trouble;
  EXPECT_EQ(driver_trouble(0, 13000, cudaErrorInsufficientDriver), "there is no NVIDIA driver");
  EXPECT_EQ(driver_trouble(12040, 13000, cudaErrorInsufficientDriver),
            "the NVIDIA driver knows CUDA up to 12.4, this build needs 13.0");
  EXPECT_EQ(driver_trouble(13010, 13000, cudaErrorSystemNotReady), cudaGetErrorString(cudaErrorSystemNotReady));
  EXPECT_EQ(driver_trouble(13000, 13000, cudaErrorNoDevice), "");  // index_trouble says it
  EXPECT_EQ(driver_trouble(13020, 13000, cudaSuccess), "");
}

TEST(cuda_devices, devices_that_do_not_do_are_named) {
  EXPECT_EQ(cuda::index_trouble(0, 0), "this machine has no CUDA device");
  EXPECT_EQ(cuda::index_trouble(7, 1), "there is only cuda:0");
  EXPECT_EQ(cuda::index_trouble(7, 4), "there are cuda:0 to cuda:3");
  EXPECT_EQ(cuda::index_trouble(3, 4), "");
  EXPECT_EQ(cuda::code_trouble("Tesla K80", 37, 0),
            "Tesla K80 has compute capability 3.7, for which this build has no code");
  EXPECT_EQ(cuda::code_trouble("NVIDIA H200", 90, 80), "");
}

TEST(cuda_backend, says_why_there_is_no_device) {
  if (!cuda_devices().empty()) GTEST_SKIP() << "there is a CUDA device here";
  const auto message = refusal([] { make_cuda_backend(0); });
  EXPECT_TRUE(message.find("there is no NVIDIA driver") != std::string::npos ||
              message.find("the NVIDIA driver knows CUDA up to") != std::string::npos ||
              message.find("has no CUDA device") != std::string::npos)
      << message;
}

}  // namespace
}  // namespace halftone
