class OnnxRuntime:
    """QDQ files as they are; as many threads as cores; every optimisation."""
    module = "onnxruntime"

    def start(self, job):
        import onnxruntime
        if job["precision"] not in ("fp32", "int8"):
            raise Refused(f"ONNX Runtime has no {job['precision']} kernels for a CPU")
        return (Single if job["sessions"] == 1 else Team)(job, lambda job: self.open(onnxruntime, job))

    def open(self, onnxruntime, job):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job["threads"]
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, job["feeds"])
