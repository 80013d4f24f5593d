package tflite

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// Library is LiteRT, loaded. One is enough for a process; it is never unloaded.
type Library struct {
	path string
	api  api
	libc libc
	// environment is LiteRT's own state; all models share it.
	environment handle
}

// handle is an opaque C pointer.
type handle uintptr

// status is LiteRtStatus; 0 is success.
type status int32

// api holds the functions used, with LiteRT's names, in the order of a model's life.
type api struct {
	CreateEnvironment              func(count int32, options uintptr, out *handle) status
	CreateModelFromFile            func(environment handle, path string, out *handle) status
	DestroyModel                   func(model handle)
	CreateOptions                  func(out *handle) status
	DestroyOptions                 func(options handle)
	SetOptionsHardwareAccelerators func(options handle, accelerators int32) status
	CreateOpaqueOptions            func(identifier string, payload, free uintptr, out *handle) status
	AddOpaqueOptions               func(options, opaque handle) status
	CreateCompiledModel            func(environment, model, options handle, out *handle) status
	DestroyCompiledModel           func(compiled handle)

	GetCompiledModelInputBufferRequirements   func(compiled handle, signature, index uintptr, out *handle) status
	GetCompiledModelOutputBufferRequirements  func(compiled handle, signature, index uintptr, out *handle) status
	GetTensorBufferRequirementsBufferSize     func(requirements handle, out *uintptr) status
	CreateManagedTensorBufferFromRequirements func(environment handle, kind *rankedType, requirements handle, out *handle) status
	DestroyTensorBuffer                       func(buffer handle)
	LockTensorBuffer                          func(buffer handle, address *uintptr, mode int32) status
	UnlockTensorBuffer                        func(buffer handle) status
	RunCompiledModel                          func(compiled handle, signature, inputs uintptr, input *handle, outputs uintptr, output *handle) status
	GetModelSubgraph                          func(model handle, index uintptr, out *handle) status
	GetSubgraphInput                          func(subgraph handle, index uintptr, out *handle) status
	GetNumSubgraphOutputs                     func(subgraph handle, out *uintptr) status
	GetSubgraphOutput                         func(subgraph handle, index uintptr, out *handle) status
	GetRankedTensorType                       func(tensor handle, out *rankedType) status
}

// libc holds the two functions that options handed over to LiteRT need.
type libc struct {
	strdup func(string) uintptr
	free   uintptr
}

// rankedType is LiteRtRankedTensorType: the element type and the layout.
type rankedType struct {
	element int32  // 1 is float32
	rank    uint32 // 7 bits of rank, 1 bit of has-strides
	dims    [8]int32
	_       [8]uint32 // strides
}

const elementFloat32 = 1

func (r rankedType) shape() []int {
	shape := make([]int, r.rank&0x7f)
	for i := range shape {
		shape[i] = int(r.dims[i])
	}
	return shape
}

// Open loads the library at path, or by name from the system's search path.
func Open(path string) (*Library, error) {
	from, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("open LiteRT: %w", err)
	}
	l := &Library{path: path}
	if err := l.bind(from); err != nil {
		return nil, fmt.Errorf("open LiteRT %s: %w", path, err)
	}
	if s := l.api.CreateEnvironment(0, 0, &l.environment); s != 0 {
		return nil, fmt.Errorf("open LiteRT %s: create environment: %w", path, s)
	}
	return l, nil
}

// Path is what Open was given.
func (l *Library) Path() string { return l.path }

func (l *Library) bind(from uintptr) error {
	for name, function := range map[string]any{
		"CreateEnvironment": &l.api.CreateEnvironment, "CreateModelFromFile": &l.api.CreateModelFromFile,
		"DestroyModel": &l.api.DestroyModel, "CreateOptions": &l.api.CreateOptions, "DestroyOptions": &l.api.DestroyOptions,
		"SetOptionsHardwareAccelerators": &l.api.SetOptionsHardwareAccelerators,
		"CreateOpaqueOptions":            &l.api.CreateOpaqueOptions, "AddOpaqueOptions": &l.api.AddOpaqueOptions,
		"CreateCompiledModel": &l.api.CreateCompiledModel, "DestroyCompiledModel": &l.api.DestroyCompiledModel,
		"GetCompiledModelInputBufferRequirements":   &l.api.GetCompiledModelInputBufferRequirements,
		"GetCompiledModelOutputBufferRequirements":  &l.api.GetCompiledModelOutputBufferRequirements,
		"GetTensorBufferRequirementsBufferSize":     &l.api.GetTensorBufferRequirementsBufferSize,
		"CreateManagedTensorBufferFromRequirements": &l.api.CreateManagedTensorBufferFromRequirements,
		"DestroyTensorBuffer":                       &l.api.DestroyTensorBuffer, "LockTensorBuffer": &l.api.LockTensorBuffer,
		"UnlockTensorBuffer": &l.api.UnlockTensorBuffer, "RunCompiledModel": &l.api.RunCompiledModel,
		"GetModelSubgraph": &l.api.GetModelSubgraph, "GetSubgraphInput": &l.api.GetSubgraphInput,
		"GetSubgraphOutput": &l.api.GetSubgraphOutput, "GetNumSubgraphOutputs": &l.api.GetNumSubgraphOutputs, "GetRankedTensorType": &l.api.GetRankedTensorType,
	} {
		symbol, err := purego.Dlsym(from, "LiteRt"+name)
		if err != nil {
			return fmt.Errorf("it has no LiteRt%s: want ai-edge-litert 2.x: %w", name, err)
		}
		purego.RegisterFunc(function, symbol)
	}
	strdup, err := purego.Dlsym(purego.RTLD_DEFAULT, "strdup")
	if err != nil {
		return err
	}
	purego.RegisterFunc(&l.libc.strdup, strdup)
	l.libc.free, err = purego.Dlsym(purego.RTLD_DEFAULT, "free")
	return err
}

// Error names LiteRT's status codes.
func (s status) Error() string {
	names := map[status]string{
		1: "invalid argument", 2: "memory allocation failure", 3: "runtime failure", 4: "missing input",
		5: "unsupported", 6: "not found", 7: "timeout", 8: "wrong version", 9: "unknown", 10: "already exists",
		500: "file I/O", 501: "invalid FlatBuffer", 502: "dynamic loading", 503: "serialization", 504: "compilation",
	}
	if name, ok := names[s]; ok {
		return fmt.Sprintf("LiteRT says %s (status %d)", name, int32(s))
	}
	return fmt.Sprintf("LiteRT status %d", int32(s))
}
