"""peer_quantize.py MODEL IMAGES.npy OUT.onnx TYPE CHANNELS BIAS: a QDQ file by ONNX Runtime's quantizer, activations of TYPE
(u8 or s8), weights per CHANNELS (tensor or channel), with BIAS in int32 (bias) or float (plain); exit code 3 where the
quantizer is not installed."""
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
