# Requests and replies are a line of JSON each, and after it the bytes of the arrays that it lists.
ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch": Torch, "tensorflow": TensorFlow}


class Server:
    def __init__(self, requests, replies):
        self.requests, self.replies = requests, replies
        self.points = []

    def serve(self):
        while line := self.requests.readline():
            request = json.loads(line)
            arrays = {item["name"]: self.read_array(item) for item in request.get("inputs", [])}
            try:
                reply, outputs = getattr(self, request["do"])(request, arrays)
            except Refused as error:
                reply, outputs = {"refused": str(error)}, []
            except Exception as error:  # another engine's own failure is an answer, too
                reply, outputs = {"refused": f"{type(error).__name__}: {first_line(error)}"}, []
            self.replies.write(json.dumps(reply).encode() + b"\n")
            for output in outputs:
                self.replies.write(output.tobytes())
            self.replies.flush()

    def read_array(self, item):
        dtype = numpy.dtype(item["dtype"])
        count = int(numpy.prod(item["shape"], dtype=numpy.int64))
        return numpy.frombuffer(bytearray(self.requests.read(count * dtype.itemsize)), dtype).reshape(item["shape"])

    def load(self, request, _):
        """Whether an engine is here, and its version."""
        name = ENGINES[request["engine"]].module
        try:
            importlib.import_module("numpy")
            module = importlib.import_module(name)
        except ImportError as error:
            raise Refused(f"not installed for {sys.executable} ({first_line(error)}); tools/peers sets it up")
        return {"version": getattr(module, "__version__", "unknown").split("-")[0]}, []

    def open(self, request, arrays):
        """Makes a point ready; its outputs are float32."""
        point = ENGINES[request["engine"]]().start(request | {"feeds": arrays})
        outputs = [numpy.ascontiguousarray(output, numpy.float32) for output in point.outputs()]
        self.points.append(point)
        return {"point": len(self.points) - 1, "shapes": [list(output.shape) for output in outputs]}, outputs

    def run(self, request, _):
        return {"milliseconds": self.points[request["point"]].measure(request["runs"])}, []

    def close(self, request, _):
        self.points = []
        return {}, []


def first_line(error):
    return (str(error).strip().splitlines() or [""])[0][:300]


def main():
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no reply
    Server(os.fdopen(os.dup(0), "rb"), replies).serve()


main()
