class OpenVino:
    """A static batch and a precision hint; one synchronous request under the latency hint, or as many streams as there are
    sessions under the throughput hint."""
    module = "openvino"
    HINTS = {"fp32": "f32", "int8": "f32", "bf16": "bf16", "fp16": "f16"}

    def start(self, job):
        import openvino
        core = openvino.Core()
        model = core.read_model(job["model"])
        model.reshape({name: list(value.shape) for name, value in job["feeds"].items()})
        hint = self.HINTS[job["precision"]]
        settings = {"INFERENCE_NUM_THREADS": job["threads"] * job["sessions"], "INFERENCE_PRECISION_HINT": hint}
        if job["sessions"] == 1:
            settings["PERFORMANCE_HINT"] = "LATENCY"
        else:
            settings |= {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": job["sessions"]}
        compiled = core.compile_model(model, "CPU", settings)
        used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if used != hint:
            raise Refused(f"OpenVINO runs {used} here when asked for {hint}")
        return OpenVinoRequest(compiled, job) if job["sessions"] == 1 else OpenVinoQueue(openvino, compiled, job)


class OpenVinoRequest:
    def __init__(self, compiled, job):
        self.request, self.feeds = compiled.create_infer_request(), job["feeds"]

    def outputs(self):
        results = self.request.infer(self.feeds, share_inputs=True)
        return [numpy.array(results[port]) for port in self.request.model_outputs]

    def measure(self, runs):
        return timed(lambda: self.request.infer(self.feeds, share_inputs=True), runs)


class OpenVinoQueue(OpenVinoRequest):
    """A request a stream, all in flight at once; a request's time is from its start to its end."""

    def __init__(self, openvino, compiled, job):
        super().__init__(compiled, job)
        self.sessions = job["sessions"]
        self.queue = openvino.AsyncInferQueue(compiled, self.sessions)

    def measure(self, runs):
        milliseconds = []
        self.queue.set_callback(lambda request, begin: milliseconds.append(1e3 * (time.perf_counter() - begin)))
        for _ in range(runs * self.sessions):
            index = self.queue.get_idle_request_id()
            self.queue[index].wait()
            self.queue.start_async(self.feeds, userdata=time.perf_counter(), share_inputs=True)
        self.queue.wait_all()
        return milliseconds
