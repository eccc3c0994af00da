#pragma once
#include <span>
#include <string>
#include <vector>

#include "bench/results.h"
#include "bench/statistics.h"

namespace halftone {

/// Measurements that stand on one page: of one machine, or of several to be compared.
struct Study {
  Results all;  ///< every point; of several machines with devices renamed so that they tell machines apart
  std::vector<Machine> machines;
  std::vector<std::string> devices;  ///< in order of first appearance
};

/// One machine's file as it is; files of one machine that measured different points count as one. Of several, a point's
/// device becomes its machine's short name, with a number where two have one name, and with the device after it where a
/// file has several.
Study study_of(std::span<const Results> files);

/// A cell that devices can be compared in: the best each of them reached there, over threads and sessions.
struct Cell {
  std::string model, engine, precision;
  int batch = 1;
  std::vector<const Result*> best;  ///< by device as in Study::devices; null where it was not measured
};

/// All cells, by model, engine, precision and rising batch. They point into `study`.
std::vector<Cell> cells_of(const Study& study);

/// Which device is the better one from which batch on, a sentence for each model, engine and precision that several
/// devices have: "resnet50 int8: batch 1 to 4: A (1.50 times B, 1.45 to 1.55); from batch 8: B (…)". Where the leader's
/// interval reaches into the next one's, the batch is called level. After them, for each model, the devices each in its
/// fastest precision. Our own engine, or all where that is not there.
std::vector<std::string> device_sentences(const Study& study);

/// What cannot be compared because some device lacks it, a sentence for each model, engine and precision.
std::vector<std::string> missing_sentences(const Study& study);

/// How far two runs on one machine agree.
struct Agreement {
  int cells = 0;                   ///< measured by both
  int agreeing = 0;                ///< whose 95 % intervals overlap
  std::vector<std::string> apart;  ///< the others, described
};

/// Of two files; nothing to say (0 cells) where their machines have different names.
Agreement agreement_of(const Results& first, const Results& second);

}  // namespace halftone
