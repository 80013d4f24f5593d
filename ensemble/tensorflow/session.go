package tensorflow

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
	config "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Options says how TensorFlow runs; the zero value is the default.
type Options struct {
	Threads int // CPU threads of one operation; 0 means all cores
	// Device is "auto" or "" for a GPU if one works, "cpu", or "gpu:N" for that GPU only.
	Device string
	// MemoryFraction bounds the share of a GPU's memory that is taken; 0 lets
	// TensorFlow take memory as it needs it (memory growth).
	MemoryFraction float64
	// MixedPrecision computes in half precision where that is safe: float16 on a GPU,
	// bfloat16 on a CPU.
	MixedPrecision bool
	// Deterministic gives the same bits for the same input, at some cost in speed.
	Deterministic bool
}

// Version is libtensorflow's.
func Version() string { return tf.Version() }

func newSession(graph *tf.Graph, opt Options) (*tf.Session, error) {
	c, err := opt.proto()
	if err != nil {
		return nil, err
	}
	return startSession(graph, c)
}

func startSession(graph *tf.Graph, c *config.ConfigProto) (*tf.Session, error) {
	text, err := proto.Marshal(c)
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(graph, &tf.SessionOptions{Config: text})
	// The binding passes the graph's address on and forgets the graph: collected now, it
	// is deleted while TensorFlow locks it. From here on the session keeps it.
	runtime.KeepAlive(graph)
	if err != nil {
		return nil, fmt.Errorf("start TensorFlow: %w", err)
	}
	return session, nil
}

// Check reports a device that has no such name.
func (o Options) Check() error {
	number, gpu := strings.CutPrefix(o.Device, "gpu:")
	if n, err := strconv.Atoi(number); o.Device == "" || o.Device == "auto" || o.Device == "cpu" || gpu && err == nil && n >= 0 {
		return nil
	}
	return fmt.Errorf("device %q: want auto, cpu or gpu:N", o.Device)
}

func (o Options) proto() (*config.ConfigProto, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	c := &config.ConfigProto{
		IntraOpParallelismThreads: int32(threads),
		InterOpParallelismThreads: int32(threads),
		AllowSoftPlacement:        true,
		GpuOptions:                &config.GPUOptions{AllowGrowth: o.MemoryFraction == 0, PerProcessGpuMemoryFraction: o.MemoryFraction},
		GraphOptions:              &config.GraphOptions{RewriteOptions: &config.RewriterConfig{}},
		Experimental:              &config.ConfigProto_Experimental{},
	}
	if number, ok := strings.CutPrefix(o.Device, "gpu:"); ok {
		c.GpuOptions.VisibleDeviceList = number
	} else if o.Device == "cpu" {
		c.DeviceCount = map[string]int32{"GPU": 0}
	}
	if o.MixedPrecision {
		rewrite := c.GraphOptions.RewriteOptions
		rewrite.AutoMixedPrecision = config.RewriterConfig_ON
		rewrite.AutoMixedPrecisionOnednnBfloat16 = config.RewriterConfig_ON
	}
	if o.Deterministic {
		c.InterOpParallelismThreads = 1
	}
	return c, nil
}

// device describes what a session runs on, for people.
func device(session *tf.Session, opt Options) (name string, gpu bool) {
	devices, err := session.ListDevices()
	if err == nil {
		for _, d := range devices {
			if d.Type == "GPU" {
				return fmt.Sprintf("%s, %d MB", strings.ToLower(d.Name[strings.LastIndex(d.Name, "GPU"):]), d.MemoryLimitBytes>>20), true
			}
		}
	}
	threads := opt.Threads
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	return fmt.Sprintf("cpu, %d threads", threads), false
}
