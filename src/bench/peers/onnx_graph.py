class OnnxGraph:
    """The nodes of an ONNX file for engines that cannot read one: constants as arrays, attributes as Python values."""

    def __init__(self, path):
        import onnx
        graph = onnx.load(path).graph
        self.constants = {item.name: numpy.array(onnx.numpy_helper.to_array(item)) for item in graph.initializer}
        self.inputs = [item.name for item in graph.input if item.name not in self.constants]
        self.outputs = [item.name for item in graph.output]
        self.nodes = []
        for node in graph.node:
            attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy.array(onnx.numpy_helper.to_array(attributes["value"]))
            elif node.op_type in ("Identity", "Dropout") and node.input[0] in self.constants:
                self.constants[node.output[0]] = self.constants[node.input[0]]
            else:
                self.nodes.append((node.op_type, list(node.input), list(node.output), attributes))

    def check(self, translations, engine):
        missing = sorted({op for op, *_ in self.nodes} - set(translations))
        if missing:
            raise Refused(f"{engine} reads no ONNX files, and {', '.join(missing)} is not translated for it")


def window(attributes, spatial=2):
    """(kernel or None, strides, dilations, pads before, pads after) of a convolution or pooling."""
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise Refused("automatic padding is not translated")
    pads = attributes.get("pads", [0] * (2 * spatial))
    return (attributes.get("kernel_shape"), list(attributes.get("strides", [1] * spatial)),
            list(attributes.get("dilations", [1] * spatial)), list(pads[:spatial]), list(pads[spatial:]))


def bounds(arguments, attributes):
    """The limits of Clip, from its inputs or (before opset 11) its attributes."""
    given = [float(item) if item is not None else None for item in (arguments + [None, None])[:2]]
    return (given[0] if given[0] is not None else attributes.get("min", -float("inf")),
            given[1] if given[1] is not None else attributes.get("max", float("inf")))
