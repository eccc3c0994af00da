#pragma once
#include "zoo/builder.h"

/// The networks, each as the layers between image and logits.
namespace halftone::zoo {

Feature alexnet(Builder& net, Feature x);
Feature googlenet(Builder& net, Feature x);
Feature mobilenet_v2(Builder& net, Feature x);
Feature resnet18(Builder& net, Feature x);
Feature resnet34(Builder& net, Feature x);
Feature resnet50(Builder& net, Feature x);
Feature resnet101(Builder& net, Feature x);
Feature squeezenet1_1(Builder& net, Feature x);
Feature vgg16(Builder& net, Feature x);
Feature vgg19(Builder& net, Feature x);

}  // namespace halftone::zoo
