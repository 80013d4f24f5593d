package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// What a person must replace in the manifest, or create under these names.
const (
	image = "lungtrain:latest" // with lungtrain and its libraries in it
	claim = "lungtrain-run"    // volume claim, ReadWriteMany, mounted where the run lies
)

type object = map[string]any

// manifest is a List of three Jobs: two Indexed ones for the stages, one for the end.
// Those that come later wait for the earlier ones in the run's folder, not in the
// cluster: kubectl apply is all that is needed.
func manifest(j Job) object {
	return object{"apiVersion": "v1", "kind": "List", "items": []object{
		indexed("lungtrain-stage1", j, j.First, ""),
		indexed("lungtrain-stage2", j, j.Second, " --wait"),
		job("lungtrain-end", 1, j, append([]string{}, append(j.Finish, "--wait")...), 0),
	}}
}

// indexed is an Indexed Job whose pod number i trains tasks[i].
func indexed(name string, j Job, tasks []int, flags string) object {
	numbers := make([]string, len(tasks))
	for i, n := range tasks {
		numbers[i] = strconv.Itoa(n)
	}
	command := fmt.Sprintf("set -- %s; shift \"$JOB_COMPLETION_INDEX\"; exec %s task \"$1\" --of %s%s",
		strings.Join(numbers, " "), quote(j.Program), quote(j.Run), flags)
	return job(name, len(tasks), j, []string{"/bin/sh", "-c", command}, j.GPUs)
}

func job(name string, n int, j Job, command []string, gpus int) object {
	limits := object{}
	if gpus > 0 {
		limits["nvidia.com/gpu"] = gpus
	}
	container := object{
		"name": "lungtrain", "image": image, "command": command,
		"resources":    object{"requests": object{"cpu": j.Threads}, "limits": limits},
		"volumeMounts": []object{{"name": "run", "mountPath": j.Run}},
	}
	return object{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": name},
		"spec": object{
			"completionMode": "Indexed", "completions": n, "parallelism": n,
			"backoffLimitPerIndex": 6, // a pod that dies is started again; its task goes on
			"template": object{"spec": object{
				"restartPolicy": "Never",
				// Time for a checkpoint when a pod is moved.
				"terminationGracePeriodSeconds": 120,
				"containers":                    []object{container},
				"volumes":                       []object{{"name": "run", "persistentVolumeClaim": object{"claimName": claim}}},
			}},
		},
	}
}
