"""OpenVINO among the contenders: models that it converted from PyTorch's."""

import gc

import openvino
import openvino.properties.hint as hint
import torch

import protocol
import torch_models


class OpenVino:
    def prepare(self, work):
        if work["type"] not in ("f32", "bf16"):
            raise RuntimeError("its weights of int8 come from a package of its own")
        model, inputs = torch_models.built(work | {"type": "f32"})  # it rounds by itself
        with torch.no_grad():
            converted = openvino.convert_model(model, example_input=tuple(inputs),
                                               input=[tuple(x.shape) for x in inputs])
        settings = {"INFERENCE_NUM_THREADS": work["threads"], "NUM_STREAMS": 1, hint.inference_precision: work["type"],
                    hint.performance_mode: hint.PerformanceMode.LATENCY}
        compiled = openvino.Core().compile_model(converted, "CPU", settings)
        self.request = compiled.create_infer_request()
        self.kept = [x.numpy() for x in inputs]
        for place, x in enumerate(self.kept):
            self.request.set_input_tensor(place, openvino.Tensor(x, shared_memory=True))
        del model, inputs, converted
        gc.collect()
        return {"version": openvino.__version__}

    def call(self):
        self.request.infer()

    def result(self):
        return self.request.get_output_tensor(0).data


if __name__ == "__main__":
    protocol.serve(OpenVino())
