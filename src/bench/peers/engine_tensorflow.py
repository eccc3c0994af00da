class TensorFlow:
    """A graph of channels-last operators, compiled by XLA where that is the faster. TensorFlow reads no ONNX files: the nodes
    are written down one by one."""
    module = "tensorflow"

    def start(self, job):
        import tensorflow
        if job["precision"] not in ("fp32", "bf16", "fp16"):
            raise Refused("TensorFlow does not run QDQ files")
        if job["sessions"] > 1:
            raise Refused("TensorFlow's threads are one pool: it has no sessions with cores of their own")
        try:
            tensorflow.config.threading.set_intra_op_parallelism_threads(job["threads"])
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:  # it has run already, and then with the same numbers: they are the same for all jobs
            pass
        graph = OnnxGraph(job["model"])
        graph.check(TF_TRANSLATIONS, "TensorFlow")
        return Single(job, lambda job: self.open(tensorflow, graph, job))

    def open(self, tf, graph, job):
        dtype = {"fp32": tf.float32, "bf16": tf.bfloat16, "fp16": tf.float16}[job["precision"]]
        feeds = [tf.constant(job["feeds"][name]) for name in graph.inputs]

        def network(*inputs):
            values = {name: to_channels_last(tf, tf.cast(item, dtype)) for name, item in zip(graph.inputs, inputs)}
            for op, names, outputs, attributes in graph.nodes:
                arguments = [values.get(name, graph.constants.get(name)) if name else None for name in names]
                values[outputs[0]] = TF_TRANSLATIONS[op](tf, dtype, arguments, attributes)
            return [tf.cast(to_channels_first(tf, values[name]), tf.float32) for name in graph.outputs]

        candidates = []
        for compile_it in (False, True):
            function = tf.function(network, jit_compile=compile_it)
            run = lambda function=function: [output.numpy() for output in function(*feeds)]
            try:
                run()
                candidates.append((min(timed(run, 3)), run))
            except tf.errors.OpError:
                if not compile_it:
                    raise
        return min(candidates, key=lambda item: item[0])[1]


def to_channels_last(tf, value):
    return tf.transpose(value, [0, 2, 3, 1]) if len(value.shape) == 4 else value


def to_channels_first(tf, value):
    return tf.transpose(value, [0, 3, 1, 2]) if len(value.shape) == 4 else value


def tf_constant(tf, dtype, array):
    return tf.constant(array, tf.float32) if dtype == tf.float32 else tf.cast(tf.constant(array), dtype)


def tf_operand(tf, dtype, value):
    """A second operand of an elementwise operator: constants of four axes, too, are stored channels first."""
    if not isinstance(value, numpy.ndarray):
        return value
    if value.ndim == 3:
        value = value[None]
    return tf_constant(tf, dtype, value.transpose(0, 2, 3, 1) if value.ndim == 4 else value)


def tf_conv(tf, dtype, arguments, attributes):
    x, weights, bias = (arguments + [None])[:3]
    _, strides, dilations, before, after = window(attributes)
    group = attributes.get("group", 1)
    x = tf.pad(x, [[0, 0], [before[0], after[0]], [before[1], after[1]], [0, 0]])
    if group > 1 and weights.shape[1] == 1 and weights.shape[0] == group:
        kernel = tf_constant(tf, dtype, weights.transpose(2, 3, 0, 1))
        x = tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], "VALID", dilations=dilations)
    else:
        x = tf.nn.conv2d(x, tf_constant(tf, dtype, weights.transpose(2, 3, 1, 0)), strides, "VALID", dilations=dilations)
    return x if bias is None else tf.nn.bias_add(x, tf_constant(tf, dtype, bias))


def tf_pool(maximum):
    def translate(tf, dtype, arguments, attributes):
        kernel, strides, _, before, after = window(attributes)
        x = arguments[0]
        if attributes.get("ceil_mode", 0):
            after = [pad + (stride - (int(size) + first + pad - edge) % stride) % stride
                     for pad, stride, size, first, edge in zip(after, strides, x.shape[1:3], before, kernel)]
        pads = [[0, 0], [before[0], after[0]], [before[1], after[1]], [0, 0]]
        if maximum:
            return tf.nn.max_pool2d(tf.pad(x, pads, constant_values=x.dtype.min), kernel, strides, "VALID")
        if any(before + after) and not attributes.get("count_include_pad", 0):
            counts = tf.nn.avg_pool2d(tf.pad(tf.ones_like(x), pads), kernel, strides, "VALID")
            return tf.nn.avg_pool2d(tf.pad(x, pads), kernel, strides, "VALID") / counts
        return tf.nn.avg_pool2d(tf.pad(x, pads), kernel, strides, "VALID")
    return translate


def tf_gemm(tf, dtype, arguments, attributes):
    a, b, bias = (arguments + [None])[:3]
    product = tf.matmul(a, tf_constant(tf, dtype, b) if isinstance(b, numpy.ndarray) else b,
                        transpose_a=bool(attributes.get("transA")), transpose_b=bool(attributes.get("transB")))
    product = product * attributes.get("alpha", 1.0)
    return product if bias is None else product + attributes.get("beta", 1.0) * tf_constant(tf, dtype, bias)


def tf_norm(tf, dtype, arguments, attributes):
    x, scale, bias, mean, variance = arguments
    factor = scale / numpy.sqrt(variance + attributes.get("epsilon", 1e-5))
    return x * tf_constant(tf, dtype, factor) + tf_constant(tf, dtype, bias - mean * factor)


def tf_lrn(tf, dtype, arguments, attributes):
    size = attributes["size"]
    x = tf.cast(arguments[0], tf.float32)  # the only type it has
    return tf.cast(tf.nn.local_response_normalization(x, size // 2, attributes.get("bias", 1.0),
                                                      attributes.get("alpha", 1e-4) / size, attributes.get("beta", 0.75)), dtype)


def tf_concat(tf, dtype, arguments, attributes):
    axis = attributes["axis"]
    return tf.concat(arguments, [0, 3, 1, 2][axis] if len(arguments[0].shape) == 4 else axis)


def tf_binary(function):
    return lambda tf, dtype, arguments, _: function(*(tf_operand(tf, dtype, item) for item in arguments[:2]))


TF_TRANSLATIONS = {
    "Conv": tf_conv, "Gemm": tf_gemm, "MaxPool": tf_pool(True), "AveragePool": tf_pool(False), "LRN": tf_lrn,
    "BatchNormalization": tf_norm, "Concat": tf_concat, "Add": tf_binary(lambda a, b: a + b),
    "Mul": tf_binary(lambda a, b: a * b),
    "Relu": lambda tf, dtype, arguments, _: tf.nn.relu(arguments[0]),
    "Sigmoid": lambda tf, dtype, arguments, _: tf.sigmoid(arguments[0]),
    "Clip": lambda tf, dtype, arguments, a: tf.clip_by_value(
        arguments[0], *(max(x.min, min(x.max, limit)) for x in [arguments[0].dtype] for limit in bounds(arguments[1:], a))),
    "GlobalAveragePool": lambda tf, dtype, arguments, _: tf.reduce_mean(arguments[0], [1, 2], keepdims=True),
    "Identity": lambda tf, dtype, arguments, _: arguments[0],
    "Dropout": lambda tf, dtype, arguments, _: arguments[0],
    "Flatten": lambda tf, dtype, arguments, a: tf.reshape(
        to_channels_first(tf, arguments[0]), [int(numpy.prod(arguments[0].shape[:a.get("axis", 1)])), -1]),
    "Reshape": lambda tf, dtype, arguments, _: to_channels_last(
        tf, tf.reshape(to_channels_first(tf, arguments[0]), batched(arguments[1]))),
    "MatMul": lambda tf, dtype, arguments, _: tf_gemm(tf, dtype, arguments[:2], {}),
    "Softmax": lambda tf, dtype, arguments, a: to_channels_last(
        tf, tf.nn.softmax(to_channels_first(tf, arguments[0]), a.get("axis", -1))),
}
