class Torch:
    """Channels last, compiled by Inductor with frozen weights. PyTorch reads no ONNX files: the nodes are written down as a
    torch.fx graph."""
    module = "torch"

    def start(self, job):
        import torch
        if job["precision"] not in ("fp32", "bf16", "fp16"):
            raise Refused("PyTorch does not run QDQ files")
        graph = OnnxGraph(job["model"])
        graph.check(self.translations(torch), "PyTorch")
        return (Single if job["sessions"] == 1 else Team)(job, lambda job: self.open(torch, graph, job))

    def open(self, torch, graph, job):
        import torch._inductor.config
        torch._inductor.config.freezing = True
        torch.set_num_threads(job["threads"])
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[job["precision"]]
        module = self.module_of(torch, graph).to(dtype).to(memory_format=torch.channels_last).eval()
        compiled = torch.compile(module)
        feeds = [torch.from_numpy(job["feeds"][name]) for name in graph.inputs]
        like_images = [feed.contiguous(memory_format=torch.channels_last) if feed.dim() == 4 else feed for feed in feeds]

        def run():
            with torch.inference_mode():
                outputs = compiled(*[feed.to(dtype) for feed in like_images])
                return [output.float().numpy() for output in outputs]

        with torch.no_grad():  # freezing is done at the first call, outside inference mode
            compiled(*[feed.to(dtype) for feed in like_images])
        return run

    def module_of(self, torch, graph):
        root, traced, values = torch.nn.Module(), torch.fx.Graph(), {}
        translations = self.translations(torch)
        for name in graph.inputs:
            values[name] = traced.placeholder(f"input{len(values)}")

        def value(name):
            if name not in values:
                attribute = f"constant{len(values)}"
                root.register_buffer(attribute, torch.from_numpy(graph.constants[name].copy()))
                values[name] = traced.get_attr(attribute)
            return values[name]

        for op, inputs, outputs, attributes in graph.nodes:
            translate, data = translations[op]
            parameters = [graph.constants.get(name) if name else None for name in inputs[data:]]
            node = [value(name) if name else None for name in (inputs[:data])]
            values[outputs[0]] = translate(traced.call_function, node, parameters, attributes)
        traced.output(tuple(values[name] for name in graph.outputs))
        return torch.fx.GraphModule(root, traced)

    def translations(self, torch):
        """{operator: (function of (call, graph inputs, other inputs as arrays, attributes), how many inputs are data)}"""
        functional = torch.nn.functional

        def pad(call, x, before, after, fill):
            return call(functional.pad, (x, [before[1], after[1], before[0], after[0]]), {"value": fill})

        def conv(call, inputs, _, attributes):
            _, strides, dilations, before, after = window(attributes)
            x = inputs[0]
            if before != after:
                x, before = pad(call, x, before, after, 0.0), [0, 0]
            bias = inputs[2] if len(inputs) > 2 else None
            return call(functional.conv2d, (x, inputs[1], bias, strides, before, dilations, attributes.get("group", 1)))

        def pool(maximum):
            def translate(call, inputs, _, attributes):
                kernel, strides, dilations, before, after = window(attributes)
                x, ceil = inputs[0], bool(attributes.get("ceil_mode", 0))
                if maximum:
                    if before != after:
                        x, before = pad(call, x, before, after, -float("inf")), [0, 0]
                    return call(functional.max_pool2d, (x, kernel, strides, before, dilations, ceil))
                if before != after:
                    raise Refused("AveragePool with uneven padding is not translated for PyTorch")
                counted = bool(attributes.get("count_include_pad", 0))
                return call(functional.avg_pool2d, (x, kernel, strides, before, ceil, counted))
            return translate

        def gemm(call, inputs, _, attributes):
            a, b, *rest = inputs
            a = call(torch.transpose, (a, 0, 1)) if attributes.get("transA") else a
            b = call(torch.transpose, (b, 0, 1)) if attributes.get("transB") else b
            product = call(torch.mul, (call(torch.matmul, (a, b)), attributes.get("alpha", 1.0)))
            if not rest:
                return product
            return call(torch.add, (product, rest[0]), {"alpha": attributes.get("beta", 1.0)})

        def norm(call, inputs, _, attributes):
            x, scale, bias, mean, variance = inputs
            return call(functional.batch_norm, (x, mean, variance, scale, bias, False, 0.0, attributes.get("epsilon", 1e-5)))

        def clip(call, inputs, parameters, attributes):
            return call(torch.clamp, (inputs[0], *bounds(parameters, attributes)))

        def lrn(call, inputs, _, attributes):
            return call(functional.local_response_norm, (inputs[0], attributes["size"], attributes.get("alpha", 1e-4),
                                                         attributes.get("beta", 0.75), attributes.get("bias", 1.0)))

        def plain(function):
            return lambda call, inputs, _, attributes: call(function, tuple(inputs))

        return {
            "Conv": (conv, 3), "Gemm": (gemm, 3), "MatMul": (plain(torch.matmul), 2), "Add": (plain(torch.add), 2),
            "Mul": (plain(torch.mul), 2), "Relu": (plain(functional.relu), 1), "Sigmoid": (plain(torch.sigmoid), 1),
            "MaxPool": (pool(True), 1), "AveragePool": (pool(False), 1), "BatchNormalization": (norm, 5),
            "Clip": (clip, 1), "LRN": (lrn, 1),
            "GlobalAveragePool": (lambda call, inputs, *_: call(torch.mean, (inputs[0], [2, 3], True)), 1),
            "Identity": (lambda call, inputs, *_: inputs[0], 1), "Dropout": (lambda call, inputs, *_: inputs[0], 1),
            "Flatten": (lambda call, inputs, _, a: call(torch.flatten, (inputs[0], a.get("axis", 1))), 1),
            "Reshape": (lambda call, inputs, shape, _: call(torch.reshape, (inputs[0], batched(shape[0]))), 1),
            "Concat": (lambda call, inputs, _, a: call(torch.cat, (inputs, a["axis"])), 99),
            "Softmax": (lambda call, inputs, _, a: call(torch.softmax, (inputs[0], a.get("axis", -1))), 1),
        }


def batched(shape):
    """A target shape with the batch left open, where the file gives it as 1, 0 or -1."""
    if shape is None:
        raise Refused("a computed shape is not translated")
    dims = [int(dim) for dim in shape]
    return [-1] + dims[1:] if dims and -1 not in dims[1:] else dims
