"""peer_answers.py ENGINE MODEL IMAGES.npy: the best class of each image by another engine, one number a line; exit code 3
where that engine is not installed."""
import sys

import numpy

engine, model, images = sys.argv[1:]
images = numpy.load(images, mmap_mode="r")
STEP = 10
try:
    if engine == "onnxruntime":
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others may be at work
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        run = lambda batch: session.run(None, {name: batch})[0]
    else:
        import openvino

        core = openvino.Core()
        network = core.read_model(model)
        network.reshape([STEP, *images.shape[1:]])
        # Without the hint it would run what the plan leaves in float in bf16 where the CPU has it.
        request = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
        run = lambda batch: next(iter(request.infer([batch]).values()))
except ImportError:
    sys.exit(3)
for start in range(0, len(images), STEP):
    batch = numpy.ascontiguousarray(images[start : start + STEP])
    scores = run(batch).reshape(len(batch), -1)
    print("\n".join(str(best) for best in scores.argmax(1)))
