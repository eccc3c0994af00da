#pragma once

// Tile registers (for *_amx.cpp files only); internal linkage. Tiles 0 to 3 accumulate, 4 and 5 hold rows of x, 6 and 7
// hold weights.
namespace halftone::cpu {
namespace {

/// Sums of 16 by 16; operands of `steps` groups of four bytes. What runs next must not rely on the tiles: release them
/// with tilerelease.
inline void configure_tiles(int steps) {
  struct alignas(64) {
    unsigned char palette = 1;
    unsigned char start_row = 0;
    unsigned char reserved[14] = {};
    unsigned short row_bytes[16] = {};
    unsigned char rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = tile == 4 || tile == 5 ? static_cast<unsigned short>(4 * steps) : 64;
    config.rows[tile] = tile >= 6 ? static_cast<unsigned char>(steps) : 16;
  }
  asm volatile("ldtilecfg %0" ::"m"(config) : "memory");
}

}  // namespace
}  // namespace halftone::cpu
