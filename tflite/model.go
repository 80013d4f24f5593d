package tflite

import (
	"errors"
	"fmt"
	"os"
	"unsafe"
)

// Options says how a model runs.
type Options struct {
	Threads int // CPU threads; 0 is one thread
}

// Model is one compiled model with its input and output. It is not safe for
// concurrent use.
type Model struct {
	library            *Library
	model, compiled    handle
	input, output      handle
	inShape, outShape  []int
	inputSize, outSize int
}

// ErrClosed is returned by Run after Close.
var ErrClosed = errors.New("tflite: model is closed")

// Load reads and compiles the model file at path.
func (l *Library) Load(path string, opt Options) (_ *Model, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	m := &Model{library: l}
	defer func() {
		if err != nil {
			m.Close()
			err = fmt.Errorf("load model %s: %w", path, err)
		}
	}()
	if err := check("read", l.api.CreateModelFromFile(l.environment, path, &m.model)); err != nil {
		return nil, err
	}
	var options handle
	if err := check("options", l.api.CreateOptions(&options)); err != nil {
		return nil, err
	}
	defer l.api.DestroyOptions(options)
	const cpu = 1
	if err := check("choose CPU", l.api.SetOptionsHardwareAccelerators(options, cpu)); err != nil {
		return nil, err
	}
	if err := l.addXNNPack(options, opt); err != nil {
		return nil, err
	}
	if err := check("compile", l.api.CreateCompiledModel(l.environment, m.model, options, &m.compiled)); err != nil {
		return nil, err
	}
	if err := m.makeBuffers(); err != nil {
		return nil, err
	}
	dropPages(path)
	return m, nil
}

// addXNNPack passes the CPU engine's settings, which are a small TOML text.
func (l *Library) addXNNPack(options handle, opt Options) error {
	text := fmt.Sprintf("num_threads = %d\n", max(1, opt.Threads))
	var opaque handle
	// LiteRT owns the text from here on and frees it.
	if err := check("CPU options", l.api.CreateOpaqueOptions("xnnpack", l.libc.strdup(text), l.libc.free, &opaque)); err != nil {
		return err
	}
	return check("CPU options", l.api.AddOpaqueOptions(options, opaque))
}

func (m *Model) makeBuffers() error {
	api := &m.library.api
	var subgraph, tensor handle
	if err := check("read graph", api.GetModelSubgraph(m.model, 0, &subgraph)); err != nil {
		return err
	}
	if err := check("read input", api.GetSubgraphInput(subgraph, 0, &tensor)); err != nil {
		return err
	}
	var err error
	if m.input, m.inShape, m.inputSize, err = m.buffer(tensor, api.GetCompiledModelInputBufferRequirements); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if err := check("read output", api.GetSubgraphOutput(subgraph, 0, &tensor)); err != nil {
		return err
	}
	if m.output, m.outShape, m.outSize, err = m.buffer(tensor, api.GetCompiledModelOutputBufferRequirements); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// buffer makes the memory of one input or output, as the compiled model wants it.
func (m *Model) buffer(tensor handle, requirements func(handle, uintptr, uintptr, *handle) status) (out handle, shape []int, size int, err error) {
	api := &m.library.api
	var kind rankedType
	if err := check("type", api.GetRankedTensorType(tensor, &kind)); err != nil {
		return 0, nil, 0, err
	}
	if kind.element != elementFloat32 {
		return 0, nil, 0, fmt.Errorf("element type %d: want float32", kind.element)
	}
	var needs handle
	if err := check("requirements", requirements(m.compiled, 0, 0, &needs)); err != nil {
		return 0, nil, 0, err
	}
	var bytes uintptr
	if err := check("size", api.GetTensorBufferRequirementsBufferSize(needs, &bytes)); err != nil {
		return 0, nil, 0, err
	}
	shape, size = kind.shape(), 1
	for _, d := range shape {
		size *= d
	}
	if uintptr(4*size) > bytes {
		return 0, nil, 0, fmt.Errorf("buffer of %d bytes for shape %v", bytes, shape)
	}
	err = check("allocate", api.CreateManagedTensorBufferFromRequirements(m.library.environment, &kind, needs, &out))
	return out, shape, size, err
}

// InputShape is batch, height, width, channels.
func (m *Model) InputShape() []int { return m.inShape }

// OutputShape is batch, classes.
func (m *Model) OutputShape() []int { return m.outShape }

// Run computes output from input; both have exactly the sizes of the shapes.
func (m *Model) Run(input, output []float32) error {
	if m.compiled == 0 {
		return ErrClosed
	}
	if len(input) != m.inputSize || len(output) != m.outSize {
		return fmt.Errorf("tflite: run with %d inputs and %d outputs: want %d and %d", len(input), len(output), m.inputSize, m.outSize)
	}
	const read, write = 0, 1
	api := &m.library.api
	if err := m.locked(m.input, write, func(memory []float32) { copy(memory, input) }, len(input)); err != nil {
		return err
	}
	if err := check("run", api.RunCompiledModel(m.compiled, 0, 1, &m.input, 1, &m.output)); err != nil {
		return fmt.Errorf("tflite: %w", err)
	}
	return m.locked(m.output, read, func(memory []float32) { copy(output, memory) }, len(output))
}

func (m *Model) locked(buffer handle, mode int32, use func([]float32), size int) error {
	var address uintptr
	if err := check("lock buffer", m.library.api.LockTensorBuffer(buffer, &address, mode)); err != nil {
		return fmt.Errorf("tflite: %w", err)
	}
	// The memory is LiteRT's, not Go's; reading the pointer through its own address
	// tells vet so.
	use(unsafe.Slice(*(**float32)(unsafe.Pointer(&address)), size))
	if err := check("unlock buffer", m.library.api.UnlockTensorBuffer(buffer)); err != nil {
		return fmt.Errorf("tflite: %w", err)
	}
	return nil
}

// Close frees the model. It may be called twice.
func (m *Model) Close() {
	api := &m.library.api
	for _, part := range []struct {
		handle  *handle
		destroy func(handle)
	}{
		{&m.input, api.DestroyTensorBuffer}, {&m.output, api.DestroyTensorBuffer},
		{&m.compiled, api.DestroyCompiledModel}, {&m.model, api.DestroyModel},
	} {
		if *part.handle != 0 {
			part.destroy(*part.handle)
			*part.handle = 0
		}
	}
}

func check(doing string, s status) error {
	if s != 0 {
		return fmt.Errorf("%s: %w", doing, s)
	}
	return nil
}
