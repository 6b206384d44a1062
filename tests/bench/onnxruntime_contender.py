"""ONNX Runtime among the contenders: models that PyTorch exported."""

import gc
import os
import tempfile

import numpy
import onnxruntime
import onnxruntime.quantization
import torch

import protocol
import torch_models


class OnnxRuntime:
    def prepare(self, work):
        if work["type"] not in ("f32", "int8"):
            raise RuntimeError("its kernels for CPUs multiply f32 and int8")
        model, inputs = torch_models.built(work)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            with torch.no_grad():
                torch.onnx.export(model, tuple(inputs), path, dynamo=True, verbose=False)
            if work["type"] == "int8":  # and activations, by what the largest of each call is
                given, path = path, os.path.join(folder, "int8.onnx")
                onnxruntime.quantization.quantize_dynamic(
                    given, path, per_channel=True, weight_type=onnxruntime.quantization.QuantType.QInt8)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = work["threads"]
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        # Bound once: nothing is copied in a call.
        self.binding = self.session.io_binding()
        self.kept = [numpy.ascontiguousarray(x.numpy()) for x in inputs]
        names = {i.name for i in self.session.get_inputs()}
        for input, x in zip(self.session.get_inputs(), self.kept):
            self.binding.bind_cpu_input(input.name, x)
        assert len(names) == len(self.kept), "an input was not exported"
        self.binding.bind_output(self.session.get_outputs()[0].name, "cpu")
        del model, inputs
        gc.collect()
        return {"version": onnxruntime.__version__}

    def call(self):
        self.session.run_with_iobinding(self.binding)

    def result(self):
        return self.binding.copy_outputs_to_cpu()[0]


if __name__ == "__main__":
    protocol.serve(OnnxRuntime())
