#include "bench/energy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace halftone {
namespace {

namespace fs = std::filesystem;

/// A powercap folder as Linux has it.
class Powercap : public ::testing::Test {
 protected:
  fs::path root_ = fs::temp_directory_path() / ("halftone-powercap-" + std::to_string(::getpid()));
  ~Powercap() override { fs::remove_all(root_); }
  void set(const std::string& zone, const std::string& file, std::uint64_t value) {
    fs::create_directories(root_ / zone);
    std::ofstream(root_ / zone / file) << value << "\n";
  }
};

TEST_F(Powercap, AddsPackagesAndLeavesTheirPartsOut) {
  for (const char* zone : {"intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0", "intel-rapl"}) {
    set(zone, "energy_uj", 5000000);
    set(zone, "max_energy_range_uj", 100000000);
  }
  EnergyMeter meter(root_);
  EXPECT_EQ(meter.reason(), "");
  EXPECT_DOUBLE_EQ(*meter.joules(), 0);
  set("intel-rapl:0", "energy_uj", 6500000);
  set("intel-rapl:1", "energy_uj", 7000000);
  set("intel-rapl:0:0", "energy_uj", 99000000);
  EXPECT_DOUBLE_EQ(*meter.joules(), 3.5);
}

TEST_F(Powercap, FollowsACounterThatBeginsAnew) {
  set("intel-rapl:0", "energy_uj", 99000000);
  set("intel-rapl:0", "max_energy_range_uj", 100000000);
  EnergyMeter meter(root_);
  set("intel-rapl:0", "energy_uj", 500000);
  EXPECT_DOUBLE_EQ(*meter.joules(), 1.5);
}

TEST_F(Powercap, SaysWhyThereIsNoEnergy) {
  EnergyMeter nothing(root_);
  EXPECT_FALSE(nothing.joules().has_value());
  EXPECT_EQ(nothing.reason(), "no processor here shows its energy");
  fs::create_directories(root_ / "intel-rapl:0");
  EnergyMeter closed(root_);  // the folder is there, its counter cannot be read
  EXPECT_FALSE(closed.joules().has_value());
  EXPECT_NE(closed.reason().find("root"), std::string::npos);
  set("intel-rapl:0", "energy_uj", 1);
  EnergyMeter vanishing(root_);
  fs::remove(root_ / "intel-rapl:0" / "energy_uj");
  EXPECT_FALSE(vanishing.joules().has_value());
  EXPECT_NE(vanishing.reason(), "");
}

}  // namespace
}  // namespace halftone
