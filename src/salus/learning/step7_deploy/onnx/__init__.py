"""A deployed model as an ONNX file, for programs that are not Salus. https://onnx.ai/onnx/repo-docs/IR.html

Knows models and their calibration, no runtime: the file is written here, byte by byte, and read by whoever runs it. Our
own answers do not come from it (decision 0054).
"""

from salus.learning.step7_deploy.onnx.export import onnx_of

__all__ = ["onnx_of"]
