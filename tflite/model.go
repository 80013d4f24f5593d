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
	library         *Library
	model, compiled handle
	input           buffer
	outputs         []buffer
	handles         []handle // of the outputs, in their order
}

// buffer is the memory of one input or output.
type buffer struct {
	handle handle
	shape  []int
	size   int // values
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
	if m.input, err = m.buffer(tensor, 0, api.GetCompiledModelInputBufferRequirements); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	var count uintptr
	if err := check("count outputs", api.GetNumSubgraphOutputs(subgraph, &count)); err != nil {
		return err
	}
	for i := range count {
		if err := check("read output", api.GetSubgraphOutput(subgraph, i, &tensor)); err != nil {
			return err
		}
		out, err := m.buffer(tensor, i, api.GetCompiledModelOutputBufferRequirements)
		if err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
		m.outputs, m.handles = append(m.outputs, out), append(m.handles, out.handle)
	}
	return nil
}

// buffer makes the memory of one input or output, as the compiled model wants it.
func (m *Model) buffer(tensor handle, index uintptr, requirements func(handle, uintptr, uintptr, *handle) status) (b buffer, err error) {
	api := &m.library.api
	var kind rankedType
	if err := check("type", api.GetRankedTensorType(tensor, &kind)); err != nil {
		return b, err
	}
	if kind.element != elementFloat32 {
		return b, fmt.Errorf("element type %d: want float32", kind.element)
	}
	var needs handle
	if err := check("requirements", requirements(m.compiled, 0, index, &needs)); err != nil {
		return b, err
	}
	var bytes uintptr
	if err := check("size", api.GetTensorBufferRequirementsBufferSize(needs, &bytes)); err != nil {
		return b, err
	}
	b.shape, b.size = kind.shape(), 1
	for _, d := range b.shape {
		b.size *= d
	}
	if uintptr(4*b.size) > bytes {
		return b, fmt.Errorf("buffer of %d bytes for shape %v", bytes, b.shape)
	}
	err = check("allocate", api.CreateManagedTensorBufferFromRequirements(m.library.environment, &kind, needs, &b.handle))
	return b, err
}

// InputShape is batch, height, width, channels.
func (m *Model) InputShape() []int { return m.input.shape }

// OutputShapes lists the shape of every output, in the order that Run fills them.
func (m *Model) OutputShapes() [][]int {
	shapes := make([][]int, len(m.outputs))
	for i, o := range m.outputs {
		shapes[i] = o.shape
	}
	return shapes
}

// Run computes the outputs from the input; all have exactly the sizes of their shapes.
// Outputs that are left away, from the last on, are not copied.
func (m *Model) Run(input []float32, outputs ...[]float32) error {
	if m.compiled == 0 {
		return ErrClosed
	}
	if len(input) != m.input.size {
		return fmt.Errorf("tflite: run with %d inputs: want %d", len(input), m.input.size)
	}
	if len(outputs) > len(m.outputs) {
		return fmt.Errorf("tflite: run with %d outputs: the model has %d", len(outputs), len(m.outputs))
	}
	for i, out := range outputs {
		if len(out) != m.outputs[i].size {
			return fmt.Errorf("tflite: run with %d values for output %d: want %d", len(out), i, m.outputs[i].size)
		}
	}
	const read, write = 0, 1
	api := &m.library.api
	if err := m.locked(m.input.handle, write, func(memory []float32) { copy(memory, input) }, len(input)); err != nil {
		return err
	}
	if err := check("run", api.RunCompiledModel(m.compiled, 0, 1, &m.input.handle, uintptr(len(m.handles)), &m.handles[0])); err != nil {
		return fmt.Errorf("tflite: %w", err)
	}
	for i, out := range outputs {
		if err := m.locked(m.handles[i], read, func(memory []float32) { copy(out, memory) }, len(out)); err != nil {
			return err
		}
	}
	return nil
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
	type part struct {
		handle  *handle
		destroy func(handle)
	}
	parts := []part{{&m.input.handle, api.DestroyTensorBuffer}}
	for i := range m.outputs {
		parts = append(parts, part{&m.outputs[i].handle, api.DestroyTensorBuffer})
	}
	for _, p := range append(parts, part{&m.compiled, api.DestroyCompiledModel}, part{&m.model, api.DestroyModel}) {
		if *p.handle != 0 {
			p.destroy(*p.handle)
			*p.handle = 0
		}
	}
}

func check(doing string, s status) error {
	if s != 0 {
		return fmt.Errorf("%s: %w", doing, s)
	}
	return nil
}
