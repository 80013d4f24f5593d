package tensorflow

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ebitengine/purego"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// cudaLibraries are what TensorFlow 2.18 opens for a GPU, in the order in which a
// missing one explains the most. If one cannot be opened TensorFlow silently runs
// on the CPU.
var cudaLibraries = []string{
	"libcuda.so.1", "libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcudnn.so.9",
	"libcufft.so.11", "libcusolver.so.11", "libcusparse.so.12",
}

// WhyNoGPU says in one line why TensorFlow runs on the CPU with these options; ""
// when it runs on a GPU.
func WhyNoGPU(opt Options) string {
	if opt.Device == "cpu" {
		return "the CPU was chosen (engine.device)"
	}
	if cards, _ := filepath.Glob("/dev/nvidia[0-9]*"); len(cards) == 0 && !jetson() {
		return "this machine has no NVIDIA GPU, or its driver is not loaded (no /dev/nvidia0)"
	}
	var missing []string
	for _, name := range cudaLibraries {
		if _, err := purego.Dlopen(name, purego.RTLD_LAZY|purego.RTLD_LOCAL); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "libraries cannot be opened: " + strings.Join(missing, ", ") + "; install the NVIDIA driver, CUDA 12 and cuDNN 9, or set LD_LIBRARY_PATH"
	}
	name, gpu, err := firstDevice(opt)
	switch {
	case err != nil:
		return err.Error()
	case !gpu:
		return fmt.Sprintf("TensorFlow %s finds no usable GPU (it has %s); run with TF_CPP_MIN_LOG_LEVEL=0 to see why", Version(), name)
	}
	return ""
}

// jetson reports whether this is an NVIDIA Jetson, whose GPU has another device file.
func jetson() bool {
	nodes, _ := filepath.Glob("/dev/nvhost-*gpu")
	return len(nodes) > 0
}

// firstDevice starts a session and says what it would run on.
func firstDevice(opt Options) (name string, gpu bool, err error) {
	root := op.NewScope()
	op.Const(root, float32(0))
	var graph *tf.Graph
	if graph, err = root.Finalize(); err != nil {
		return "", false, err
	}
	session, err := newSession(graph, opt)
	if err != nil {
		return "", false, err
	}
	defer session.Close()
	name, gpu = device(session, opt)
	return name, gpu, nil
}

// GPU reports whether the engine runs on one.
func (e *Engine) GPU() bool { return e.gpu }
