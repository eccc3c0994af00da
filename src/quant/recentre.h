#pragma once
#include <map>

#include "quant/quantize.h"

namespace halftone {

/// Moves zero to where an 8-bit float is coarse. Behind a Relu half of its numbers, the negative ones, stand idle, and
/// its fine ones lie where values weigh least: a tensor x is computed as x - c instead, with the c of least squared
/// error among those that keep the many zeros exact. c comes off the bias of the product before, the Relu becomes a
/// Clip at -c, and the products that read it get c times the sum of their weights on their biases; an Add's other
/// branch gets it on that of the product which runs into the Add. A Conv that pads gets a Pad with -c before it in
/// place of its own zeros (moved_padding); 8-bit kernels take that as x's zero point. The network in FP32 stays what it
/// was. Only where all readers are such; a Conv that pads is none where it is one of model.sixteen_bit or not
/// `move_padded`. Works on model.graph, model.ranges and model.tensors. Returns how many groups of tensors it moved.
std::size_t recentre(CalibratedModel& model, const std::map<ValueId, Histogram>& histograms, bool move_padded = true);

}  // namespace halftone
