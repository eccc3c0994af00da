"""peer_quantize.py MODEL IMAGES.npy OUT.onnx TYPE CHANNELS BIAS: a QDQ file by ONNX Runtime's quantizer, activations of TYPE
(u8 or s8), weights per CHANNELS (tensor or channel), with BIAS in int32 (bias) or float (plain); and OUT.once.onnx, the same
without the rounding between a Conv and the Add that takes its output. Exit code 3 where the quantizer is not installed."""
import sys

model, images, out, activations, channels, bias = sys.argv[1:]
try:
    import numpy
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
except ImportError:
    sys.exit(3)


class Reader(CalibrationDataReader):
    def __init__(self):
        name = onnx.load(model, load_external_data=False).graph.input[0].name
        self.rest = iter([{name: image[None]} for image in numpy.load(images)])

    def get_next(self):
        return next(self.rest, None)


quantize_static(
    model, out, Reader(), quant_format=QuantFormat.QDQ, per_channel=channels == "channel",
    activation_type=QuantType.QUInt8 if activations == "u8" else QuantType.QInt8, weight_type=QuantType.QInt8,
    extra_options={"ActivationSymmetric": activations == "s8", "QuantizeBias": bias == "bias"})

plan = onnx.load(out)
nodes = plan.graph.node
maker = {name: node for node in nodes for name in node.output}
place = {node.name: index for index, node in enumerate(nodes)}
readers = [name for node in nodes for name in node.input]


def rounded_conv(name):
    """The Conv, QuantizeLinear and DequantizeLinear that make a value for its one reader, or nothing."""
    chain = [maker.get(name)]
    for op in ["DequantizeLinear", "QuantizeLinear"]:
        if chain[-1] is None or chain[-1].op_type != op or readers.count(chain[-1].output[0]) != 1:
            return None
        chain.append(maker.get(chain[-1].input[0]))
    return chain[::-1] if chain[-1] is not None and chain[-1].op_type == "Conv" else None


for add in [node for node in nodes if node.op_type == "Add"]:
    chains = [(slot, chain) for slot, name in enumerate(add.input) if (chain := rounded_conv(name))]
    if chains:  # of two convolutions, the one that comes first here is the one that takes the sum
        slot, (conv, quantize, dequantize) = min(chains, key=lambda item: place[item[1][0].name])
        add.input[slot] = conv.output[0]
        nodes.remove(quantize)
        nodes.remove(dequantize)
onnx.save(plan, out.replace(".onnx", ".once.onnx"))
